import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Registry, minimal filtering") struct PrecisionTests {
  /// The bound that users are promised; what is measured lies below a hundredth of it.
  @Test(
    "logits lie within a thousandth of the largest of those of exact convolutions, in the same order at the top",
    arguments: ["resnet34", "googlenet-torchvision", "inception-v3", "alexnet-torchvision"])
  func logits(_ name: String) throws {
    let entry = try #require(ModelRegistry[name])
    var options = entry.defaults
    options.height = 96
    options.width = 96
    options.classes = 100
    let model = Model(entry.build(options), seed: 3)
    let image = Tensor.random([2, 96, 96, 3], seed: 5, in: 0..<1)
    let (exact, filtered) = try (
      self.logits(model, image, isExact: true), self.logits(model, image, isExact: false)
    )
    let largest = exact.map(abs).max() ?? 1
    for (one, other) in zip(exact, filtered) { #expect(abs(one - other) < 1e-3 * largest) }
    for row in 0..<2 {
      let range = row * options.classes..<(row + 1) * options.classes
      #expect(top5(exact[range]) == top5(filtered[range]))
    }
  }

  private func logits(_ model: Model, _ image: Tensor, isExact: Bool) throws -> [Float] {
    let name = model.graph[model.graph.inputs[0]].name
    var executable = try Executable(
      model.graph.batched(image.shape[0]), parameters: model.parameters,
      options: CompilationOptions(compute: ComputeOptions(isExact: isExact)))
    return try #require(try executable.run([name: image])[Network.outputName]).elements
  }

  private func top5(_ logits: ArraySlice<Float>) -> [Int] {
    Array(logits.indices.sorted { logits[$0] > logits[$1] }.prefix(5))
  }
}
