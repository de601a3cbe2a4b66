import ArgumentParser
import ConvNet

struct IntegratedGradientsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "integrated-gradients",
    abstract: "Share a class's score out among the pixels, beside a baseline's.",
    discussion: """
      The shares sum to the difference of the two scores; by how much they miss it
      is printed.

      EXAMPLES
        convnet visualize integrated-gradients model.safetensors cat.jpg \\
          --output ig.svg
        convnet visualize integrated-gradients model.safetensors cat.jpg \\
          --steps 200 --baseline white --output ig.png
      """)

  @OptionGroup var options: AttributionOptions
  @Option(help: "Points on the way from the baseline to the picture, 1 to 1000.") var steps = 50
  @Option(
    help: ArgumentHelp(
      "The picture that says nothing: black, grey or white.", valueName: "color"))
  var baseline = Baseline.black

  enum Baseline: String, ExpressibleByArgument, CaseIterable {
    case black, grey, white

    var color: Image.Color {
      switch self {
      case .black: .black
      case .grey: .init(grey: 128)
      case .white: .white
      }
    }
  }

  func validate() throws {
    guard 1...1000 ~= steps else {
      throw ValidationError("--steps is \(steps), must be from 1 to 1000")
    }
  }

  func run() throws {
    let subject = try options.subject()
    let preprocessing = try subject.model.requiredPreprocessing()
    let empty = preprocessing.prepared(
      Image(
        height: preprocessing.height, width: preprocessing.width, color: baseline.color,
        channels: preprocessing.channels))
    var gap = 0.0
    func attributions(of model: Model) throws -> [Attribution] {
      let progress = Progress(
        "integrating", unit: "steps", total: steps * subject.classes.count, options.shared,
        after: 1)
      let found: [Attribution] = try subject.classes.enumerated().map { place, index in
        let result = try model.integratedGradients(
          of: subject.input, class: index, baseline: empty, steps: steps,
          compute: options.compute.options(options.shared)
        ) { progress.update(place * steps + $0) }
        if abs(result.completenessGap) > abs(gap) { gap = result.completenessGap }
        return result.attribution
      }
      progress.finish()
      return found
    }
    let own = try attributions(of: subject.model)
    let ownGap = gap
    var isFirst = true
    try options.draw(
      subject, title: "Integrated gradients from \(baseline.rawValue)",
      unit: "share of the score", gap: ownGap
    ) { model in
      defer { isFirst = false }
      return isFirst ? own : try attributions(of: model)
    }
  }
}
