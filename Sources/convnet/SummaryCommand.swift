public import ArgumentParser
import ConvNet

struct SummaryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "summary",
    abstract: "Print the layers of a network, their cost, and the memory of its plan.",
    discussion: """
      EXAMPLES
        convnet summary lenet5
        convnet summary resnet50 --layers
        convnet summary lenet5 --input 32x32 --classes 26 --batch 64 --mode training
        convnet summary runs/first/model.safetensors --json
        convnet summary resnet50-v1.5 --weights resnet50.pth
        convnet summary resnet50.pth

      A file of weights without a network is a list of tensors. With --weights, the
      file must fit the network.
      """)

  @Argument(help: "A model's name, a model file, or a file of weights.") var model: String
  @Option(
    help: ArgumentHelp(
      "Weights for a model by name: safetensors, .pth, .npz, or Keras's .h5 and .keras.",
      valueName: "file"))
  var weights: String?
  @OptionGroup var asNamed: AsNamedOption
  @Flag(help: "Print every layer, not the stages of the paper's table.") var layers = false
  @OptionGroup var network: NetworkOptions
  @OptionGroup var plan: PlanOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  private struct Summary: Encodable {
    struct Layer: Encodable {
      var name: String
      var kind: String
      var output: [Int]
      var parameters: Int
      var multiplyAdds: Int
    }
    struct Memory: Encodable {
      /// Of the parameters as a file holds them, without those of auxiliary classifiers in inference.
      var parameterBytes: Int
      /// As they are prepared for the processor.
      var weightBytes: Int
      var activationBytes: Int
    }
    var name: String
    var parameters: Int
    var multiplyAdds: Int
    var layers: [Layer]
    var memory: Memory
    /// Of the training, where the model is a file that says.
    var augmentation: Augmentation?
    /// Without its pictures.
    var training: TrainingSummary?
    /// How the network of the zoo differs from its paper.
    var note: String?
    /// Networks of the zoo with the same parameters, and what this one computes otherwise.
    var twins: [TwinRow]?
  }

  func run() throws {
    if try ModelSource.isBareWeights(model) { return try printWeights() }
    let source = try ModelSource(model, isMapped: true)
    var model = try network.model(
      from: source, for: weights, isDescription: weights == nil, seed: shared.seed)
    if let weights {
      for note in try source.load(&model, from: weights, asNamed: asNamed.isOn) {
        shared.note("\(weights): \(note)")
      }
    }
    // Auxiliary classifiers are there in training only.
    let graph = plan.mode == .inference ? model.graph.withoutAuxiliaries : model.graph
    let rows = graph.layerTable
    let memory = try model.memory(
      batch: plan.batch, mode: plan.mode, compute: compute.options(shared))
    let summary = Summary(
      name: model.graph.name, parameters: rows.reduce(0) { $0 + $1.parameters },
      multiplyAdds: rows.reduce(0) { $0 + $1.multiplyAdds },
      layers: rows.map {
        .init(
          name: $0.name, kind: $0.kind, output: $0.output, parameters: $0.parameters,
          multiplyAdds: $0.multiplyAdds)
      },
      memory: .init(
        parameterBytes: graph.parameterByteCount, weightBytes: memory.weightByteCount,
        activationBytes: memory.activationByteCount),
      augmentation: model.augmentation, training: training(of: model),
      note: ModelRegistry[self.model]?.note, twins: TwinRow.rows(of: ModelRegistry[self.model]))
    if shared.json { return try printJSON(summary) }
    let table = layers ? layerTable(summary) : stageTable(summary, graph.stageTable)
    try Console.write(table)
    try print("")
    try Console.write(
      wrapping:
        "Exactly \(plural(summary.parameters, "parameter")), \(plural(summary.multiplyAdds, "multiply-add")) an example"
    )
    try Console.write(
      wrapping: """
        Memory for \(plan.mode.rawValue) at batch \(plan.batch): parameters \
        \(HumanReadable.bytes(summary.memory.parameterBytes)), prepared for this processor \
        \(HumanReadable.bytes(summary.memory.weightBytes)), activations \
        \(HumanReadable.bytes(summary.memory.activationBytes)) at their peak
        """)
    if let training = summary.training { try Console.write(wrapping: "Trained: \(training)") }
    if let note = summary.note { try Console.write(wrapping: "Note: \(note)") }
    for twin in summary.twins ?? [] {
      try Console.write(wrapping: "Note: \(twin.sentence(of: summary.name))")
    }
  }

  private func training(of model: Model) -> TrainingSummary? {
    var training = model.trainingSummary
    training?.pictures = nil
    return training
  }

  private func printWeights() throws {
    let weights = WeightTable(try WeightFile(model))
    if shared.json { return try printJSON(weights) }
    try Console.write(weights.table)
    for note in weights.notes { shared.note("\(model): \(note)") }
  }

  private func stageTable(_ summary: Summary, _ rows: [StageRow]) -> Table {
    var table = Table(
      [
        .init("stage", leastWidth: 16), .init("layers", dispensability: 1, leastWidth: 20),
        .init("output", .right, dispensability: 3),
      ] + Self.countColumns, footer: footer(summary))
    for row in rows {
      table.append(
        [
          row.name, row.content, Shape(row.output).description,
        ] + counts(row.parameters, row.multiplyAdds))
    }
    return table
  }

  private func layerTable(_ summary: Summary) -> Table {
    var table = Table(
      [
        .init("layer", leastWidth: 24), .init("kind", dispensability: 1),
        .init("output", .right, dispensability: 3),
      ] + Self.countColumns, footer: footer(summary))
    for layer in summary.layers {
      table.append(
        [
          layer.name, layer.kind, Shape(layer.output).description,
        ] + counts(layer.parameters, layer.multiplyAdds))
    }
    return table
  }

  private func footer(_ summary: Summary) -> [String] {
    [summary.name, "", ""] + counts(summary.parameters, summary.multiplyAdds)
  }

  private static let countColumns: [Table.Column] = [
    .init("parameters", .right),
    .init("exact parameters", .right, dispensability: 4, isExtra: true),
    .init("multiply-adds", .right, dispensability: 2),
    .init("exact multiply-adds", .right, dispensability: 5, isExtra: true),
  ]

  private func counts(_ parameters: Int, _ multiplyAdds: Int) -> [String] {
    [parameters, multiplyAdds].flatMap { number in
      number == 0 ? ["", ""] : [HumanReadable.count(number), "\(number)"]
    }
  }
}

extension Mode: ExpressibleByArgument {}

/// What a network is compiled for.
struct PlanOptions: ParsableArguments {
  @Option(help: "Examples at once.") var batch = 1
  @Option(help: "What the plan is for: inference or training.") var mode = Mode.inference

  func validate() throws { try requirePositive(batch, "--batch") }
}

func requireProbability(_ value: Float, _ option: String) throws {
  guard 0...1 ~= value else {
    throw ValidationError("\(option) is \(value), must be from 0 to 1")
  }
}

/// For arguments that are numbers of something.
func requirePositive(_ value: Int, _ option: String) throws {
  guard value >= 1 else { throw ValidationError("\(option) is \(value), must be at least 1") }
}

/// How a network of the zoo is built; a file has its own sizes.
struct NetworkOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Height and width of the input.", valueName: "HxW"))
  var input: ImageSize?

  @Option(help: "Classes of the output.")
  var classes: Int?

  func validate() throws {
    if let classes { try requirePositive(classes, "--classes") }
    try input?.require("--input")
  }

  /// - Parameters:
  ///   - imageShape: height, width and channels of the data, which a network of the zoo is built
  ///     for.
  ///   - classNames: of the data.
  func model(
    from name: String, imageShape: Shape? = nil, classNames: [String] = [], recipe: Recipe? = nil,
    seed: UInt64, recognizingFor shared: SharedOptions? = nil
  ) throws -> Model {
    try model(
      from: ModelSource(name, recognizingFor: shared), imageShape: imageShape,
      classNames: classNames, recipe: recipe, seed: seed)
  }

  /// As above, of what a name stands for.
  func model(
    from source: ModelSource, imageShape: Shape? = nil, classNames: [String] = [],
    for weights: String? = nil, isDescription: Bool = false, recipe: Recipe? = nil, seed: UInt64
  ) throws -> Model {
    switch source {
    case .file(_, let path) where input != nil || classes != nil:
      throw FixedSizes(path: path, options: "--input and --classes")
    case .weights(let file, _, _) where classes != nil:
      throw FixedSizes(path: file.path, options: "--classes")
    default: break
    }
    return try source.model(
      seed: seed, classNames: classNames, for: weights, isDescription: isDescription
    ) { options in
      recipe?.apply(to: &options)
      options.height = input?.height ?? imageShape?[0] ?? options.height
      options.width = input?.width ?? imageShape?[1] ?? options.width
      options.channels = imageShape?[2] ?? options.channels
      options.classes = classes ?? (classNames.isEmpty ? options.classes : classNames.count)
    }
  }
}

/// `224x224` on the command line. What is no size is told with an example, which the parser could not.
struct ImageSize: ExpressibleByArgument {
  var text: String
  var height: Int
  var width: Int

  /// - Throws: where it is no size, with one that is.
  func require(_ option: String) throws {
    guard height < 1 || width < 1 else { return }
    let example = Int(text).flatMap { $0 > 0 ? $0 : nil } ?? 64
    throw ValidationError(
      "\(option) is \(text), must be height x width in pixels: \(example)x\(example)")
  }

  init(argument: String) {
    text = argument
    let parts = argument.split(separator: "x", omittingEmptySubsequences: false)
      .map { Int($0) ?? 0 }
    (height, width) = parts.count == 2 ? (parts[0], parts[1]) : (0, 0)
  }
}
