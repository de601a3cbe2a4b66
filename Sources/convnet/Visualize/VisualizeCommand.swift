import ArgumentParser
import ConvNet

/// `convnet visualize`.
struct VisualizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "visualize",
    abstract: "Draw what a network does, and how its layers work.",
    discussion: """
      Pictures are written as SVG or PNG, as the name of --output ends.

      EXAMPLES
        convnet visualize grad-cam model.safetensors cat.jpg --output cam.svg
        convnet visualize arithmetic --input 5 --kernel 3 --stride 2 --padding same \\
          --output a.svg
      """,
    subcommands: [
      GradCAMCommand.self, SaliencyCommand.self, IntegratedGradientsCommand.self,
      OcclusionCommand.self, ActivationsCommand.self, ArithmeticCommand.self,
      ConvolveCommand.self, NormalizationCommand.self, ShiftCommand.self,
      ReceptiveFieldCommand.self, NetworkCommand.self, FiltersCommand.self,
      FeaturesCommand.self, NearestCommand.self, MaximizeCommand.self, InvertCommand.self,
      EmbeddingCommand.self, LandscapeCommand.self,
    ])
}

/// Where a picture is written.
struct PictureOutput: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where to write the picture: a name that ends in .svg or .png.", valueName: "file"))
  var output: String

  /// Looks at the name before there is work to lose.
  ///
  /// - Parameter inputs: what the command reads.
  func require(apartFrom inputs: [NamedFile] = []) throws {
    try FigureFormat.require(output)
    try OutputFiles.require([NamedFile("--output", output)], apartFrom: inputs)
    try requireFolder(of: output, "--output")
  }

  func write(_ figure: any Figure) throws { try figure.writeFile(to: output) }
}

/// A file of results that work would begin again, though it could go on with it.
struct UsedFile: ReadableError {
  var path: String
  /// What it holds.
  var content: String
  /// The option that names it.
  var option: String

  var description: String {
    "\(path) holds \(content) already; go on with --resume, or name another file with \(option)"
  }
}

/// What the commands that look at a network's answer for one picture take.
struct AttributionOptions: ParsableArguments {
  @Argument(help: "A model file, or a model's name.") var file: String
  @Argument(help: "A picture.") var picture: String
  @OptionGroup var result: PictureOutput
  @Option(
    name: .customLong("class"),
    help: ArgumentHelp(
      "A class by name or number; several may be given. Default: the likeliest.",
      valueName: "name"))
  var classNames: [String] = []
  @Option(help: "So many of the likeliest classes.") var top: Int?
  @Flag(help: "Draw the same for random weights too, and compare: it must differ.")
  var sanityCheck = false
  @OptionGroup var weights: WeightsOptions
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    if let top { try requirePositive(top, "--top") }
    guard top == nil || classNames.isEmpty else {
      throw ValidationError("--top and --class both say which classes; give one of them")
    }
  }

  /// A picture and what the network says of it.
  struct Subject {
    var model: Model
    /// What the network sees.
    var image: Image
    var input: Tensor
    var probabilities: [Double]
    var classes: [Int]

    func label(_ index: Int) -> String {
      "\(model.className(index)) \(HumanReadable.percent(probabilities[index]))"
    }
  }

  func subject() throws -> Subject {
    try result.require(
      apartFrom: [NamedFile.model(file), NamedFile("the picture", picture)] + weights.read)
    let model = try weights.model(
      from: ModelSource(file, isMapped: true, recognizingFor: shared), shared, network)
    let preprocessing = try model.requiredPreprocessing()
    let image = try Image(contentsOf: picture)
    let input = preprocessing.prepared(image)
    let (_, probabilities) = try model.probabilities(of: input, compute: compute.options(shared))
    if probabilities.contains(where: { !$0.isFinite }) {
      throw NoAnswer(
        model: file, count: 1, total: 1, parameters: model.nonFiniteParameters)
    }
    let ranking = probabilities.indices.sorted {
      (probabilities[$0], $1) > (probabilities[$1], $0)
    }
    return Subject(
      model: model, image: preprocessing.fitted(image), input: input,
      probabilities: probabilities,
      classes: classNames.isEmpty
        ? Array(ranking.prefix(top ?? 1)) : try classNames.map { try model.classIndex($0) })
  }

  /// The row of `--json`.
  struct Result: Encodable {
    struct Row: Encodable {
      var label: String
      var index: Int
      var probability: Double
      var score: Double
      /// The largest magnitude of the map.
      var largest: Double
      /// With the map of random weights.
      var randomCorrelation: Double?
    }
    var model: String
    var picture: String
    var layer: String?
    var classes: [Row]
    /// By how much integrated gradients miss the difference of the scores.
    var completenessGap: Double?
    var saved: String
  }

  /// Draws, writes and prints.
  ///
  /// - Parameter attribute: the attributions of a model, a class each.
  func draw(
    _ subject: Subject, title: String, unit: String, layer: String? = nil, gap: Double? = nil,
    _ attribute: (Model) throws -> [Attribution]
  ) throws {
    let attributions = try attribute(subject.model)
    var panels = attributions.map { ($0, subject.label($0.classIndex)) }
    var correlations: [Double?] = attributions.map { _ in nil }
    if sanityCheck {
      let random = try attribute(subject.model.randomized(seed: shared.seed))
      correlations = zip(attributions, random).map { $0.rankCorrelation(with: $1) }
      panels += zip(random, correlations).map { attribution, correlation in
        (
          attribution,
          "random weights: \(subject.model.className(attribution.classIndex))\nrank correlation "
            + HumanReadable.fixed(correlation ?? 0, digits: 2)
        )
      }
    }
    let sheet = PictureSheet(
      title, subtitle: "\(subject.model.graph.name), \(pictureName(picture))",
      picture: subject.image, attributions: panels, unit: unit)
    try result.write(sheet)
    let rows = zip(attributions, correlations).map { attribution, correlation in
      Result.Row(
        label: subject.model.className(attribution.classIndex), index: attribution.classIndex,
        probability: subject.probabilities[attribution.classIndex], score: attribution.score,
        largest: Double(attribution.plane.largestMagnitude), randomCorrelation: correlation)
    }
    if shared.json {
      return try printJSON(
        Result(
          model: subject.model.graph.name, picture: picture, layer: layer, classes: rows,
          completenessGap: gap, saved: result.output))
    }
    for row in rows {
      var text =
        "\(row.label) \(HumanReadable.percent(row.probability)), score \(HumanReadable.quantity(row.score))"
      if let correlation = row.randomCorrelation {
        text +=
          ", rank correlation with random weights \(HumanReadable.fixed(correlation, digits: 2))"
      }
      try print(text)
    }
    if let gap {
      try print("the shares miss the difference of the scores by \(HumanReadable.quantity(gap))")
    }
    try print("saved \(result.output)")
    for row in rows where (row.randomCorrelation ?? 0) > 0.5 {
      shared.note(
        "the map of \(row.label) hardly changes where the weights are random: it shows the picture more than what was learned"
      )
    }
  }
}

/// A layer by name.
struct LayerOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A layer by name, as `convnet summary --layers` lists them. Default: the last before the classifier that has height and width.",
      valueName: "name"))
  var layer: String?
}

/// A picture's name without its folders, for a caption.
func pictureName(_ path: String) -> String {
  FileSystem.line(path.split(separator: "/").last.map(String.init) ?? path)
}

extension Model {
  /// The number of a class, of its name or number.
  func classIndex(_ name: String) throws -> Int {
    if let index = classNames.firstIndex(of: name) { return index }
    if let index = Int(name), 0..<classCount ~= index { return index }
    throw UnknownName(
      kind: "class", name: name, known: classNames,
      advice: "classes have names or numbers from 0 to \(classCount - 1)")
  }
}
