import ArgumentParser
import ConvNet

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Push a raw tensor through a network.",
    discussion: """
      Input and output are NumPy files of float32 numbers in logical order:
      batch, channels, height, width. Nothing is prepared or normalized.

      EXAMPLES
        convnet run model.safetensors --input x.npy --output y.npy
        convnet run lenet5 --weights w.safetensors --input x.npy --output y.npy
      """)

  @Argument(help: "A model file, or a model's name.") var model: String
  @Option(help: ArgumentHelp("Parameters for a model by name.", valueName: "file"))
  var weights: String?
  @Option(help: ArgumentHelp("The tensor to read.", valueName: "x.npy")) var input: String
  @Option(help: ArgumentHelp("Where to write the result.", valueName: "y.npy")) var output: String
  @OptionGroup var network: NetworkOptions
  @OptionGroup var shared: SharedOptions

  func run() throws {
    let tensor = try Tensor(npy: input)
    var model = try network.model(from: model, seed: shared.seed)
    if let weights { try model.loadParameters(from: weights) }
    let result = try model.run(tensor, threads: shared.threadCount)
    try result.writeNPY(to: output)
  }
}
