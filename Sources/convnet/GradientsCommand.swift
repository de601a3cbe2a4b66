import ArgumentParser
import ConvNet

struct GradientsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradients",
    abstract: "Write the gradients of one training step, which changes nothing.",
    discussion: """
      The result is a safetensors file: the gradient of the loss by every trainable
      parameter under the parameter's name, and the running means and variances of
      batch normalization as the batch leaves them. The loss is the mean
      cross-entropy, with those of auxiliary classifiers times their weights. Input as
      for `convnet run`.

      EXAMPLES
        convnet gradients resnet18 --weights w.safetensors --input x.npy \\
          --labels y.npy --output g.safetensors
        convnet gradients model.safetensors --input x.npy --labels y.npy \\
          --output g.safetensors --without-dropout --json
      """)

  @Argument(help: "A model file, or a model's name.") var model: String
  @Option(help: ArgumentHelp("Parameters for a model by name.", valueName: "file"))
  var weights: String?
  @OptionGroup var asNamed: AsNamedOption
  @Option(
    help: ArgumentHelp("The tensor to read: batch, channels, height, width.", valueName: "x.npy"))
  var input: String
  @Option(help: ArgumentHelp("The class of every example, integers from 0.", valueName: "y.npy"))
  var labels: String
  @Option(
    help: ArgumentHelp(
      "Where to write the gradients; replaces a file of its name.", valueName: "g.safetensors"))
  var output: String
  @Option(help: "Classes of the output.") var classes: Int?
  @Flag(help: "Let everything pass dropout.") var withoutDropout = false
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var loss: Double
    var totalLoss: Double
    var gradientNorm: Double
    var parameters: Int
  }

  func validate() throws {
    if let classes { try requirePositive(classes, "--classes") }
    try OutputFiles.require(
      [NamedFile("--output", output)],
      apartFrom: [
        NamedFile.model(model), NamedFile("--weights", weights), NamedFile("--input", input),
        NamedFile("--labels", labels),
      ])
  }

  func run() throws {
    let file = try NumpyFile(input)
    let labels = try Tensor(npy: labels)
    let model = try RunCommand.model(
      model, weights: weights, asNamed: asNamed.isOn, for: file.layout, classes: classes, shared)
    let result = try model.gradients(
      of: file.tensor(), labels: labels, order: RunCommand.order, hasDropout: !withoutDropout,
      seed: shared.seed,
      compute: compute.options(shared))
    try Safetensors(
      tensors: result.gradients.merging(result.runningStatistics) { gradient, _ in gradient },
      metadata: ["loss": "\(result.loss)", "totalLoss": "\(result.totalLoss)"]
    ).write(to: output)
    if !result.totalLoss.isFinite || !result.norm.isFinite {
      Console.tell("\(output): the loss or the gradients are not finite\n")
    }
    if shared.json {
      return try printJSON(
        Result(
          loss: result.loss, totalLoss: result.totalLoss, gradientNorm: result.norm,
          parameters: result.gradients.count))
    }
    try print("loss \(HumanReadable.fixed(result.loss, digits: 6))")
    if result.totalLoss != result.loss {
      try print(
        "with auxiliary classifiers \(HumanReadable.fixed(result.totalLoss, digits: 6))")
    }
    try print(
      "gradients of \(plural(result.gradients.count, "parameter")), norm "
        + "\(HumanReadable.fixed(result.norm, digits: 6)), written to \(output)")
  }
}
