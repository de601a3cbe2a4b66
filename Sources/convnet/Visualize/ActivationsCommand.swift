import ArgumentParser
import ConvNet

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
    try result.require(
      apartFrom: [NamedFile.model(file), NamedFile("the picture", picture)] + weights.read)
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
