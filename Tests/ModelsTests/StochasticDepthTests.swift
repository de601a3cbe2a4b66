import ConvNetCompiler
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import Testing

@Suite("Stochastic depth of residual networks") struct StochasticDepthTests {
  private func rates(_ graph: Graph) -> [Float] {
    graph.operations.compactMap { ($0.attributes as? Operation.StochasticDepth)?.rate }
  }

  @Test(
    "rates grow evenly from block to block, up to the last, whose it is",
    arguments: [("resnet20", 9), ("resnet18", 8), ("resnet50", 16), ("resnet50-v1.5", 16)])
  func rates(name: String, blocks: Int) throws {
    let entry = try #require(ModelRegistry[name])
    var options = entry.defaults
    options.stochasticDepth = 0.5
    let graph = try entry.build(options).graph()
    let found = rates(graph)
    #expect(found.count == blocks)
    for (block, rate) in found.enumerated() {
      #expect(abs(rate - 0.5 * Float(block + 1) / Float(blocks)) < 1e-6)
    }
    let indices = graph.operations.compactMap {
      ($0.attributes as? Operation.StochasticDepth)?.index
    }
    #expect(Set(indices).count == blocks, "each drops other examples")
    // On what the block makes, before the shortcut is added.
    for operation in graph.operations where operation.attributes is Operation.StochasticDepth {
      let readers = graph.operations.filter { $0.inputs.contains(operation.outputs[0]) }
      #expect(readers.map(\.kind.name) == ["add"])
    }
    // In inference nobody reads what it makes.
    let inference = try graph.specialized(for: .inference)
    let made = inference.operations.filter { $0.attributes is Operation.StochasticDepth }
      .flatMap(\.outputs)
    #expect(!inference.operations.contains { !Set($0.inputs).isDisjoint(with: made) })
    let usual = try entry.network.graph()
    #expect(rates(usual).isEmpty)
    #expect(graph.parameters.map { graph[$0].name } == usual.parameters.map { usual[$0].name })
  }

  @Test("networks without shortcuts have no place for it", arguments: ["plain20", "vgg-a"])
  func noPlace(name: String) throws {
    let entry = try #require(ModelRegistry[name])
    var options = entry.defaults
    options.stochasticDepth = 0.5
    #expect(try rates(entry.build(options).graph()).isEmpty)
  }
}
