import ArgumentParser
import ConvNet
import Foundation

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Convert weights between formats.",
    discussion: """
      Reads safetensors, PyTorch checkpoints (.pth, .pt), NumPy archives (.npz) and
      Keras's weights (.weights.h5, .h5, .keras), told by their contents; nothing in
      a checkpoint is executed. Writes the format
      that the ending of OUT names: .safetensors, .pth, .pt, .npz, or .onnx, which
      holds the network too, for other frameworks and runtimes.

      With --model, the weights must be those of that network, and a .safetensors
      file becomes a model file, which describes itself: predict, evaluate and
      train need nothing else. So it does where IN is one already.

      EXAMPLES
        convnet convert resnet50.pth resnet50.safetensors --model resnet50-v1.5 \\
          --preset imagenet
        convnet convert own.pth own.safetensors --model resnet50-v1.5 --resize 232 \\
          --mean 0.485,0.456,0.406 --deviation 0.229,0.224,0.225
        convnet convert runs/first/model.safetensors lenet5.pth
        convnet convert model.safetensors small.safetensors --element-type bfloat16
        convnet convert weights.npz weights.safetensors --json
        convnet convert runs/first/model.safetensors lenet5.onnx
        convnet convert mobilenet_v2.pth mobilenet.onnx --model mobilenet-v2 \\
          --preset imagenet --with-preprocessing
      """)

  @Argument(help: ArgumentHelp("The file to read.", valueName: "in")) var source: String
  @Argument(help: ArgumentHelp("The file to write; replaces one of its name.", valueName: "out"))
  var target: String
  @Option(help: ArgumentHelp("The network of the zoo that the weights are of.", valueName: "name"))
  var model: String?
  @OptionGroup var asNamed: AsNamedOption
  @OptionGroup var network: NetworkOptions
  @Option(
    help: """
      What floating-point elements become: float32, float16 or bfloat16. Default: what they are; \
      float32 in a model file.
      """)
  var elementType: StoredElementType?
  @Option(
    help: ArgumentHelp(
      "What the network was trained to have subtracted from the channels of a picture of 0 to 1.",
      valueName: "r,g,b"))
  var mean: ChannelValues?
  @Option(
    help: ArgumentHelp("What it was trained to have them divided by.", valueName: "r,g,b"))
  var deviation: ChannelValues?
  @OptionGroup(title: "Preparation of pictures") var preparation: PreparationOptions
  @Option(
    help: ArgumentHelp(
      "A text file with the name of a class a line; or imagenet, for its 1000 classes.",
      valueName: "file|imagenet"))
  var classNames: String?
  @Flag(help: "Compress a NumPy archive.") var deflate = false
  @Flag(
    help:
      "Have an .onnx file normalize pictures itself: its input is uint8 then, pixels from 0 to 255."
  )
  var withPreprocessing = false
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var input: String
    var output: String
    var inputFormat: String
    var outputFormat: String
    var model: String?
    var tensors: Int
    var elements: Int
    var bytes: Int
    var notes: [String]
  }

  func validate() throws {
    do {
      try Preprocessing.requireRange(mean: mean?.values, deviation: deviation?.values)
    } catch {
      throw ValidationError("--\(error)")
    }
    guard !withPreprocessing || writesONNX else {
      throw ValidationError("--with-preprocessing is of .onnx files; \(target) is none")
    }
    try OutputFiles.require(
      [NamedFile("the output", target)],
      apartFrom: [
        NamedFile("the input", source),
        NamedFile("--class-names", classNames == "imagenet" ? nil : classNames),
      ])
    guard model == nil else { return }
    for (value, option) in [
      (mean.map { "\($0)" }, "--mean"), (deviation.map { "\($0)" }, "--deviation"),
      (classNames, "--class-names"), (network.classes.map(String.init), "--classes"),
      (network.input.map { "\($0)" }, "--input"),
    ] where value != nil {
      throw ValidationError("\(option) describes a network; name it with --model")
    }
  }

  func run() throws {
    guard !writesONNX else { return try writeONNX() }
    let format = try WeightFormat(forPath: target)
    let file = try WeightFile(source)
    for note in file.notes { shared.note("\(source): \(note)") }
    var notes: [String] = []
    let progress = Progress(
      "converting", unit: "bytes", total: 2 * file.byteCount, shared, after: 1)
    let model = try describedModel(file)
    let written: [WeightFile.NamedTensor]
    if let model {
      written = parameters(of: model)
      if format != .safetensors {
        notes.append(
          "\(target) holds the weights only: the format has no place for the network"
            + lost(of: model).map { ", \($0)" }.joined())
      }
      if format == .safetensors { notes += try assumptions(of: model, file) }
      notes.forEach(shared.note)
    } else {
      written = try file.tensors(as: elementType?.type) { progress.update($0) }
    }
    tellNonFinite(in: written)
    let report = { (share: Double) in
      progress.update(file.byteCount + Int(share * Double(file.byteCount)))
    }
    if let model, format == .safetensors {
      try model.save(to: target, as: elementType?.type ?? .float32, progress: report)
    } else {
      try WeightFile.write(
        written, to: target, network: model?.graph.name ?? file.network, isDeflated: deflate,
        progress: report)
    }
    progress.finish()
    try printResult(
      file, format.rawValue, name: model.map { "model \($0.graph.name)" } ?? format.description,
      model, written, notes)
  }

  private var writesONNX: Bool { target.lowercased().hasSuffix(".onnx") }

  /// A network with its weights, for other frameworks and runtimes.
  private func writeONNX() throws {
    let file = try WeightFile(source)
    for note in file.notes { shared.note("\(source): \(note)") }
    guard let model = try describedModel(file) else {
      throw ValidationError(
        "\(target) would hold a network, and \(source) has none; name it with --model")
    }
    let notes = try assumptions(of: model, file)
    notes.forEach(shared.note)
    let written = parameters(of: model)
    tellNonFinite(in: written)
    try model.writeONNX(
      to: target, as: elementType?.type ?? .float32, includesPreprocessing: withPreprocessing)
    try printResult(file, "onnx", name: "ONNX of \(model.graph.name)", model, written, notes)
  }

  private func printResult(
    _ file: WeightFile, _ format: String, name: String, _ model: Model?,
    _ written: [WeightFile.NamedTensor], _ notes: [String]
  ) throws {
    let result = Result(
      input: source, output: target, inputFormat: file.format.rawValue,
      outputFormat: format, model: model?.graph.name, tensors: written.count,
      elements: written.reduce(0) { $0 + $1.tensor.count },
      bytes: written.reduce(0) { $0 + $1.tensor.byteCount }, notes: file.notes + notes)
    if shared.json { return try printJSON(result) }
    let size = HumanReadable.bytes(result.bytes)
    try print(
      "\(target): \(name), \(plural(result.tensors, "tensor")), "
        + "\(HumanReadable.count(result.elements)) numbers, \(size)")
  }

  /// What is not finite in the file, or became so because the new type holds no number so large.
  private func tellNonFinite(in tensors: [WeightFile.NamedTensor]) {
    let found = tensors.map { NonFiniteParameter(name: $0.name, count: $0.tensor.nonFiniteCount) }
      .filter { $0.count > 0 }
    guard !found.isEmpty else { return }
    let old = found.filter { parameter in
      (try? WeightFile(source).tensor(named: parameter.name))?.nonFiniteCount ?? 1 > 0
    }
    ConvNetCommand.tellNonFinite(old, in: source)
    ConvNetCommand.tellNonFinite(found.filter { !old.contains($0) }, in: target)
  }

  /// The model that the file describes, or the network of `--model` with the file's weights.
  private func describedModel(_ file: WeightFile) throws -> Model? {
    guard let name = model else {
      guard file.describesModel else {
        guard preparation.isGiven else { return nil }
        throw ValidationError(
          "how pictures are prepared belongs to a network, and \(source) has none; name it with --model"
        )
      }
      var model = try Model(file)
      try prepare(&model)
      return model
    }
    guard let entry = ModelRegistry[name] else {
      throw UnknownName(
        kind: "model", name: name, known: ModelRegistry.names,
        advice: "`convnet models` lists the models")
    }
    var options = entry.defaults
    options.height = network.input?.height ?? options.height
    options.width = network.input?.width ?? options.width
    options.classes = network.classes ?? options.classes
    options.adapt(entry, to: file)
    var model = try Model(validating: entry.build(options), seed: shared.seed)
    for note in try model.loadParameters(
      from: file, namings: entry.weightNamings, asNamed: asNamed.isOn)
    {
      shared.note("\(source): \(note)")
    }
    if let brought = try BroughtDescription(file) {
      if classNames == nil { brought.lendClassNames(to: &model).forEach(shared.note) }
      if mean == nil, deviation == nil, !preparation.isGiven {
        brought.lendPreparation(to: &model).forEach(shared.note)
      }
      model.augmentation = brought.augmentation
    }
    try prepare(&model)
    if classNames == "imagenet" {
      guard model.classCount == ImageNetClasses.names.count else {
        throw ValidationError(
          "--class-names imagenet is of 1000 classes, the network has \(model.classCount)")
      }
      model.classNames = ImageNetClasses.names
    } else if let classNames {
      try model.loadClassNames(from: classNames)
    }
    return model
  }

  /// What neither the file nor an option says of the network that a model file is made of.
  private func assumptions(of model: Model, _ file: WeightFile) throws -> [String] {
    guard self.model != nil else { return [] }
    var notes: [String] = []
    if try BroughtDescription(file) == nil, mean == nil, deviation == nil, !preparation.isGiven,
      let preprocessing = model.preprocessing
    {
      notes.append(
        "\(source) does not say how pictures are prepared: \(preprocessing); say it with --mean and --deviation, or --preset"
      )
    }
    if model.classNames.isEmpty {
      notes.append("\(source) does not say what the classes are called; --class-names does")
    }
    return notes
  }

  /// Has pictures prepared as the options say.
  private func prepare(_ model: inout Model) throws {
    guard mean != nil || deviation != nil || preparation.isGiven, var own = model.preprocessing
    else { return }
    if mean != nil || deviation != nil {
      own.mean = mean?.values
      own.deviation = deviation?.values
      own.meanPicture = nil
    }
    let given = own
    own = try preparation.applied(to: own)
    if mean != nil || deviation != nil { (own.mean, own.deviation) = (given.mean, given.deviation) }
    model.preprocessing = try own.resized(height: own.height, width: own.width)
  }

  /// What a model says of itself and a file of weights does not.
  private func lost(of model: Model) -> [String] {
    var lost: [String] = []
    if !model.classNames.isEmpty { lost.append("the names of its classes") }
    if let preprocessing = model.preprocessing, !preprocessing.isUsual {
      lost.append("how pictures are prepared (\(preprocessing))")
    }
    return lost
  }

  /// In the order of the network, as PyTorch has them.
  private func parameters(of model: Model) -> [WeightFile.NamedTensor] {
    model.graph.parameters.compactMap { id in
      let name = model.graph[id].name
      return model.parameters[name].map { tensor in
        (name, tensor.converted(to: elementType?.type ?? .float32))
      }
    }
  }
}

/// The types in which weights are kept.
enum StoredElementType: String, ExpressibleByArgument, CaseIterable {
  case float32, float16, bfloat16

  var type: ElementType {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    }
  }
}

/// `0.5,0.4,0.3` on the command line.
struct ChannelValues: ExpressibleByArgument {
  var values: [Float]

  init?(argument: String) {
    let values = argument.split(separator: ",", omittingEmptySubsequences: false).map {
      Float($0.trimmingCharacters(in: .whitespaces))
    }
    self.values = values.compactMap(\.self)
    guard self.values.count == values.count else { return nil }
  }
}
