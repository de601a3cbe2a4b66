import ArgumentParser
import ConvNet

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Push a raw tensor through a network.",
    discussion: """
      Input and output are NumPy files of float32 numbers in logical order:
      batch, channels, height, width, as PyTorch has them; one example may come
      without the batch. Nothing is prepared or normalized. A model is built for the
      height and width of the input.

      EXAMPLES
        convnet run model.safetensors --input x.npy --output y.npy
        convnet run resnet50-v1.5 --weights w.pth --input x.npy --output y.npy

      An ONNX file may have several inputs and outputs, of any type: give --input
      for each, in the file's order or as NAME=x.npy. Where --output has no ending
      .npy, it is a folder, which gets NAME.npy for each output.

        convnet run network.onnx --input x.npy --input size=s.npy --output results

      --cases reads many such runs from a file, one a line, and tells of each on a
      line of JSON what became of it:

        {"model": "a.onnx", "inputs": ["x.npy"], "output": "results/a"}
      """)

  @Argument(help: "A model file, or a model's name.") var model: String?
  @Option(
    help: ArgumentHelp(
      "Weights for a model by name: safetensors, .pth, .npz, or Keras's .h5 and .keras.",
      valueName: "file"))
  var weights: String?
  @OptionGroup var asNamed: AsNamedOption
  @Option(
    help: ArgumentHelp(
      "The tensor to read; NAME=x.npy for an input by its name.", valueName: "x.npy"))
  var input: [String] = []
  @Option(
    help: ArgumentHelp(
      "Where to write the result; replaces a file of its name.", valueName: "y.npy"))
  var output: String?
  @Option(help: ArgumentHelp("Many runs of ONNX files, one a line.", valueName: "file"))
  var cases: String?
  @Option(help: "Classes of the output.") var classes: Int?
  @OptionGroup var compute: InferenceArguments
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var model: String
    var input: [Int]
    /// The shape of what was written.
    var output: [Int]
    /// Where it was written.
    var saved: String
    /// Numbers of the input, and of the output, that are not finite.
    var nonFiniteInput: Int
    var nonFinite: Int
  }

  func validate() throws {
    if let classes { try requirePositive(classes, "--classes") }
    if cases != nil {
      guard model == nil, input.isEmpty, output == nil else {
        throw ValidationError("--cases says model, inputs and output of each run")
      }
      return
    }
    guard model != nil else { throw ValidationError("name a model") }
    guard output != nil else { throw ValidationError("--output says where to write the result") }
    guard !input.isEmpty else { throw ValidationError("--input names the tensor to read") }
    try OutputFiles.require(
      [NamedFile("--output", output)],
      apartFrom: [NamedFile.model(model), NamedFile("--weights", weights)]
        + input.map { NamedFile("--input", ONNXCase.Input($0).path) })
  }

  func run() throws {
    if let cases { return try ONNXCases(path: cases).run(compute: compute.options(shared)) }
    guard let model, let output, let input = input.first else { return }
    if try ONNXCase.isONNX(model) {
      guard weights == nil, classes == nil else {
        throw FixedSizes(path: model, options: weights == nil ? "--classes" : "--weights")
      }
      let written = try ONNXCase(model: model, inputs: self.input, output: output).run(
        compute: compute.options(shared))
      return try shared.json
        ? printJSON(written) : written.forEach { try print("saved \($0.file), \(Shape($0.shape))") }
    }
    guard self.input.count == 1 else {
      throw ValidationError("\(model) has one input; --input was given \(self.input.count) times")
    }
    let file = try NumpyFile(input)
    let network = try Self.model(
      model, weights: weights, asNamed: asNamed.isOn, for: file.layout, classes: classes, shared)
    let tensor = try file.tensor()
    let result = try network.run(
      tensor, order: Self.order, compute: compute.options(shared))
    try result.writeNPY(to: output)
    Self.tellNonFinite(tensor, "the input \(input)")
    Self.tellNonFinite(result, output)
    guard shared.json else { return try print("saved \(output), \(result.shape)") }
    try printJSON(
      Result(
        model: network.graph.name, input: tensor.shape.dimensions, output: result.shape.dimensions,
        saved: output, nonFiniteInput: tensor.nonFiniteCount, nonFinite: result.nonFiniteCount))
  }

  private static func tellNonFinite(_ tensor: Tensor, _ name: String) {
    let count = tensor.nonFiniteCount
    guard count > 0 else { return }
    Console.tell("\(name): \(count) of \(plural(tensor.count, "number")) are not finite\n")
  }

  /// As PyTorch and ONNX have it, whatever order the network is given pictures in.
  static let order = DataFormat.channelsFirst

  /// The model of a file, or the one of a name built for the input's height and width. What does not fit is refused before
  /// weights and input are read.
  static func model(
    _ argument: String, weights: String?, asNamed: Bool, for input: NumpyLayout, classes: Int?,
    _ shared: SharedOptions
  ) throws -> Model {
    let source = try ModelSource(argument, isMapped: true, recognizingFor: shared)
    if let path = source.path, classes != nil {
      throw FixedSizes(path: path, options: "--classes")
    }
    func model(isDescription: Bool) throws -> Model {
      try source.model(seed: shared.seed, for: weights, isDescription: isDescription) { options in
        if 3...4 ~= input.shape.rank {
          let extents = input.shape.dimensions.suffix(2)
          (options.height, options.width) = (extents.first ?? 1, extents.last ?? 1)
        }
        options.classes = classes ?? options.classes
      }
    }
    _ = try model(isDescription: true)
      .fitted(to: input.shape, of: input.elementType, order: order)
    var model = try model(isDescription: false)
    if let weights {
      for note in try source.load(&model, from: weights, asNamed: asNamed) {
        shared.note("\(weights): \(note)")
      }
    }
    return model
  }
}
