import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

/// What is computed a second time in the backward pass changes memory and nothing else.
@Suite("Recomputation") struct RecomputationTests {
  private func gradients(
    _ model: Model, _ images: Tensor, _ labels: Tensor, _ recomputation: Recomputation
  ) throws -> LossGradients {
    try model.gradients(
      of: images, labels: labels, seed: 5,
      compute: ComputeOptions(threads: 2, recomputation: recomputation))
  }

  private func expectSame(_ first: LossGradients, _ second: LossGradients) {
    #expect(first.loss == second.loss && first.totalLoss == second.totalLoss)
    #expect(first.gradients == second.gradients)
    #expect(first.runningStatistics == second.runningStatistics)
  }

  /// Dropout and Inception blocks with side classifiers; response normalization; residual blocks with batch normalization; a
  /// chain of convolutions; a network that is computed in shards.
  @Test(
    "gradients and moving averages are the same bit for bit",
    arguments: [
      "googlenet", "googlenet-torchvision", "inception-v3", "alexnet", "resnet18", "resnet50",
      "resnet20", "vgg-a", "vgg11-bn", "lenet5",
    ])
  func sameNumbers(name: String) throws {
    let entry = try #require(ModelRegistry[name])
    let options = entry.reduced
    let model = Model(entry.build(options), seed: 1)
    let images = Tensor.random([4, options.channels, options.height, options.width], seed: 2)
    let labels = Tensor([Int64(0), 4, 2, 1])
    let plain = try gradients(model, images, labels, .off)
    expectSame(try gradients(model, images, labels, .blocks), plain)
    expectSame(try gradients(model, images, labels, .normalizations), plain)
  }

  @Test("normalizations that are large enough give the same numbers in less memory")
  func normalizations() throws {
    let entry = try #require(ModelRegistry["resnet20"])
    let model = Model(entry.network, seed: 1)
    let batch = 128
    let step = try PassPipeline(mode: .training).run(
      on: model.stepGraph(batch: batch, mode: .training))
    #expect(step.operations.contains { $0.name.hasSuffix("/again") })
    let images = Tensor.random([batch, 3, 32, 32], seed: 2)
    let labels = Tensor((0..<batch).map { Int64($0 % 10) })
    expectSame(
      try gradients(model, images, labels, .normalizations),
      try gradients(model, images, labels, .off))
  }

  /// Shares of the memory of activations without recomputation.
  @Test(
    "memory falls by what the documentation says",
    arguments: [
      ("resnet50", 0.9, 0.4), ("inception-v3", 1, 0.55), ("vgg-a", 1, 0.8),
    ])
  func memory(name: String, normalizations: Double, blocks: Double) throws {
    let entry = try #require(ModelRegistry[name])
    var options = entry.defaults
    if name != "inception-v3" { (options.height, options.width) = (112, 112) }
    let model = Model(entry.build(options), seed: 1)
    func byteCount(_ recomputation: Recomputation) throws -> Double {
      Double(
        try model.executable(
          batch: 8, mode: .training,
          compute: ComputeOptions(threads: 2, recomputation: recomputation)
        ).activationByteCount)
    }
    let plain = try byteCount(.off)
    #expect(try byteCount(.normalizations) <= normalizations * plain)
    #expect(try byteCount(.blocks) <= blocks * plain)
  }
}
