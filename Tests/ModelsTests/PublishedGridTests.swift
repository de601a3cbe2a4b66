import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import Testing

/// torchvision's AlexNet and VGG take pictures of any size with the same parameters.
@Suite("Grids behind other sizes of pictures")
struct PublishedGridTests {
  private static func shapes(_ graph: Graph) -> [String: Shape] {
    Dictionary(uniqueKeysWithValues: graph.parameters.map { (graph[$0].name, graph[$0].shape) })
  }

  @Test(
    "With the published grid the parameters are those at the published size",
    arguments: ["alexnet-torchvision", "vgg-a", "vgg-d", "vgg16-bn"],
    [(64, 96), (160, 192), (230, 224), (448, 300)])
  func parameters(name: String, size: (Int, Int)) throws {
    let entry = try #require(ModelRegistry[name])
    var options = entry.defaults
    (options.height, options.width, options.poolsToPublishedGrid) = (size.0, size.1, true)
    let published = try entry.network.graph()
    #expect(try Self.shapes(entry.build(options).graph()) == Self.shapes(published))
    // At the published size there is nothing to pool.
    options = entry.defaults
    options.poolsToPublishedGrid = true
    #expect(try entry.build(options).graph().operations == published.operations)
  }

  @Test("Without it the dense layers are made for the grid that there is")
  func made() throws {
    let entry = try #require(ModelRegistry["vgg-d"])
    var options = entry.defaults
    (options.height, options.width) = (64, 64)
    #expect(
      try Self.shapes(entry.build(options).graph())["classifier.0.weight"] == [4096, 4 * 512])
  }
}
