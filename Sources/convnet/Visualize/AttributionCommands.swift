import ArgumentParser
import ConvNet

struct GradCAMCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grad-cam",
    abstract: "Show where in a picture a class is seen: Grad-CAM, guided Grad-CAM, Grad-CAM++.",
    discussion: """
      The channels of a layer are weighted by what the class's score gains with them.

      EXAMPLES
        convnet visualize grad-cam model.safetensors cat.jpg --output cam.svg
        convnet visualize grad-cam model.safetensors cat.jpg --top 3 --plus-plus \\
          --output cam.png
        convnet visualize grad-cam model.safetensors cat.jpg --layer layer3 \\
          --class tabby --sanity-check --output cam.svg
      """)

  @OptionGroup var options: AttributionOptions
  @OptionGroup var layer: LayerOption
  @Flag(help: "Weight the channels as Grad-CAM++ does.") var plusPlus = false
  @Flag(help: "Multiply by guided backpropagation, which shows pixels.") var guided = false

  func run() throws {
    let subject = try options.subject()
    let compute = options.compute.options(options.shared)
    let weighting: CAMWeighting = plusPlus ? .plusPlus : .mean
    let name = layer.layer ?? subject.model.lastSpatialLayer
    let title =
      (guided ? "Guided Grad-CAM" : "Grad-CAM") + (plusPlus ? "++" : "")
      + (name.map { " of \($0)" } ?? "")
    try options.draw(
      subject, title: title, unit: guided ? "gradient times class map" : "class map", layer: name
    ) { model in
      guard guided else {
        return try model.gradCAM(
          of: subject.input, classes: subject.classes, layer: layer.layer, weighting: weighting,
          compute: compute)
      }
      return try model.guidedGradCAM(
        of: subject.input, classes: subject.classes, layer: layer.layer, weighting: weighting,
        compute: compute
      ).map(\.attribution)
    }
  }
}

struct SaliencyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "saliency",
    abstract: "Show how fast a class's score changes with each pixel: the gradient.",
    discussion: """
      EXAMPLES
        convnet visualize saliency model.safetensors cat.jpg --output saliency.svg
        convnet visualize saliency model.safetensors cat.jpg --guided \\
          --output guided.png
      """)

  @OptionGroup var options: AttributionOptions
  @Flag(help: "Let rectifiers pass positive gradients alone: guided backpropagation.")
  var guided = false

  func run() throws {
    let subject = try options.subject()
    try options.draw(
      subject, title: guided ? "Guided backpropagation" : "Saliency",
      unit: "largest gradient of a pixel's channels"
    ) { model in
      try model.saliency(
        of: subject.input, classes: subject.classes, rectifiers: guided ? .guided : .derivative,
        compute: options.compute.options(options.shared))
    }
  }
}

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
    guard let preprocessing = subject.model.preprocessing else { return }
    let empty = preprocessing.prepared(
      Image(
        height: preprocessing.height, width: preprocessing.width, color: baseline.color,
        channels: preprocessing.channels))
    let progress = Progress(
      "integrating", unit: "steps",
      total: steps * subject.classes.count * (options.sanityCheck ? 2 : 1), options.shared, after: 1
    )
    var (done, gap) = (0, 0.0)
    func attributions(of model: Model) throws -> [Attribution] {
      try subject.classes.map { index in
        let result = try model.integratedGradients(
          of: subject.input, class: index, baseline: empty, steps: steps,
          compute: options.compute.options(options.shared)
        ) { progress.update(done + $0) }
        done += steps
        if abs(result.completenessGap) > abs(gap) { gap = result.completenessGap }
        return result.attribution
      }
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
    progress.finish()
  }
}

struct OcclusionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "occlusion",
    abstract: "Cover a picture part by part, and show what the class's probability loses.",
    discussion: """
      EXAMPLES
        convnet visualize occlusion model.safetensors cat.jpg --output occlusion.svg
        convnet visualize occlusion model.safetensors cat.jpg --window 32 \\
          --stride 8 --output occlusion.png
      """)

  @OptionGroup var options: AttributionOptions
  @Option(help: "Pixels of a side of the grey square. Default: a sixth of the input.")
  var window: Int?
  @Option(help: "Pixels from one place to the next. Default: half a side.") var stride: Int?

  func validate() throws {
    if let window { try requirePositive(window, "--window") }
    if let stride { try requirePositive(stride, "--stride") }
  }

  func run() throws {
    let subject = try options.subject()
    var progress: Progress?
    try options.draw(subject, title: "Occlusion", unit: "probability lost") { model in
      defer { progress?.finish() }
      return try model.occlusion(
        of: subject.input, classes: subject.classes, side: window, stride: stride,
        compute: options.compute.options(options.shared)
      ) { done, total in
        progress =
          progress
          ?? Progress("covering", unit: "squares", total: total, options.shared, after: 1)
        progress?.update(done)
      }
    }
  }
}

struct ActivationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "activations",
    abstract: "Show what a layer makes of a picture, channel by channel.",
    discussion: """
      EXAMPLES
        convnet visualize activations model.safetensors cat.jpg --output a.svg
        convnet visualize activations model.safetensors cat.jpg --layer conv1 \\
          --count 64 --output a.png
      """)

  @Argument(help: "A model file, or a model's name.") var file: String
  @Argument(help: "A picture.") var picture: String
  @OptionGroup var result: PictureOutput
  @OptionGroup var layer: LayerOption
  @Option(help: "Channels to show, those with the largest values.") var count = 32
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var model: String
    var layer: String
    var height: Int
    var width: Int
    var channels: Int
    /// Those that are shown, strongest first.
    var shown: [Int]
    var saved: String
  }

  func validate() throws {
    try requirePositive(count, "--count")
    guard count <= 256 else { throw ValidationError("--count is \(count), must be at most 256") }
  }

  func run() throws {
    try result.require()
    let model = try weights.model(
      from: ModelSource(file, isMapped: true, recognizingFor: shared), shared, network)
    let preprocessing = try model.requiredPreprocessing()
    let input = preprocessing.prepared(try Image(contentsOf: picture))
    let activations = try model.activations(
      of: input, layer: layer.layer, compute: compute.options(shared))
    let first = activations.channels[0]
    let shown = Array(activations.byStrength.prefix(count))
    let sheet = activations.sheet(
      "What \(activations.layer) makes of a picture",
      subtitle:
        "\(model.graph.name), \(pictureName(picture)): \(shown.count) of \(plural(activations.channels.count, "channel")) of \(first.height)x\(first.width)",
      channels: shown)
    try result.write(sheet)
    if shared.json {
      return try printJSON(
        Result(
          model: model.graph.name, layer: activations.layer, height: first.height,
          width: first.width, channels: activations.channels.count, shown: shown,
          saved: result.output))
    }
    try print(
      "\(activations.layer): \(plural(activations.channels.count, "channel")) of \(first.height)x\(first.width), \(shown.count) shown"
    )
    try print("saved \(result.output)")
  }
}
