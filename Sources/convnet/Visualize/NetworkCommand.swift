import ArgumentParser
import ConvNet

struct NetworkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network",
    abstract: "Draw the architecture of a network, a block as one box.",
    discussion: """
      EXAMPLES
        convnet visualize network resnet34 --output resnet34.svg
        convnet visualize network googlenet --expand inception3a \\
          --output googlenet.svg
        convnet visualize network resnet20 --expand all --output resnet20.svg
      """)

  @Argument(help: "A model's name, or a model file.") var file: String
  @Option(
    help: ArgumentHelp(
      "A block to draw layer by layer, or a layer around several; several may be given; all for each of them.",
      valueName: "name|all"))
  var expand: [String] = []
  @Flag(help: "Draw the classifiers at the side, which training has.") var auxiliary = false
  @OptionGroup var result: PictureOutput
  @OptionGroup var network: NetworkOptions
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var name: String
    var boxes: Int
    var blocks: [String]
    var saved: String
  }

  func run() throws {
    try result.require(apartFrom: [NamedFile.model(file)])
    let model = try network.model(
      from: ModelSource(file, isMapped: true), isDescription: true, seed: shared.seed)
    let drawing = try NetworkDrawing(
      of: model, expanding: expand.filter { $0 != "all" }, expandsAll: expand.contains("all"),
      hasAuxiliaryClassifiers: auxiliary)
    try result.write(NetworkFigure(drawing))
    if shared.json {
      return try printJSON(
        Result(
          name: drawing.name, boxes: drawing.boxes.count, blocks: drawing.blocks,
          saved: result.output))
    }
    try print(
      "\(drawing.name): \(plural(drawing.boxes.count, "box", "boxes")), \(plural(drawing.blocks.count, "block"))"
    )
    try print("saved \(result.output)")
  }
}
