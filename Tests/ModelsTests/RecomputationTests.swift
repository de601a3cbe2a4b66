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
    _ model: Model, _ images: Tensor, _ labels: Tensor, _ recomputation: Recomputation,
    threads: Int = 2
  ) throws -> LossGradients {
    try model.gradients(
      of: images, labels: labels, order: .channelsFirst, seed: 5,
      compute: ComputeOptions(threads: threads, recomputation: recomputation))
  }

  private func expectSame(_ first: LossGradients, _ second: LossGradients) {
    #expect(first.loss == second.loss && first.totalLoss == second.totalLoss)
    #expect(first.gradients == second.gradients)
    #expect(first.runningStatistics == second.runningStatistics)
  }

  /// Dropout and Inception blocks with auxiliary classifiers; response normalization; residual blocks with batch normalization; a
  /// network that is computed in shards.
  @Test(
    "gradients and moving averages are the same bit for bit",
    arguments: [
      "googlenet", "googlenet-torchvision", "inception-v3", "alexnet", "resnet18", "resnet20",
      "lenet5",
    ])
  func sameNumbers(name: String) throws {
    let entry = try #require(ModelRegistry[name])
    let options = entry.reduced
    let model = Model(entry.build(options), seed: 1)
    let images = Tensor.random([4, options.channels, options.height, options.width], seed: 2)
    let labels = Tensor([Int64(0), 4, 2, 1])
    let plain = try gradients(model, images, labels, .off)
    expectSame(try gradients(model, images, labels, .blocks), plain)
  }

  /// Sums of 16 x 32 x 32 have 32 MiB at batch 512.
  @Test(
    "normalizations and residual sums that are large enough give the same numbers in less memory",
    arguments: [(128, false), (512, true)])
  func normalizations(batch: Int, hasSums: Bool) throws {
    let entry = try #require(ModelRegistry["resnet20"])
    let model = Model(entry.network, seed: 1)
    let step = try PassPipeline(mode: .training).run(
      on: model.stepGraph(batch: batch, mode: .training))
    let repeated = step.operations.filter { $0.name.hasSuffix("/again") }
    #expect(!repeated.isEmpty)
    #expect(repeated.contains { $0.name.hasSuffix("/add/again") } == hasSums)
    let images = Tensor.random([batch, 3, 32, 32], seed: 2)
    let labels = Tensor((0..<batch).map { Int64($0 % 10) })
    // One thread: two would take half a batch each.
    expectSame(
      try gradients(model, images, labels, .normalizations, threads: 1),
      try gradients(model, images, labels, .off, threads: 1))
  }

  /// Shares of the memory of activations without recomputation.
  @Test(
    "memory falls by what the documentation says",
    arguments: [("resnet20", 128, 0.85, 0.5), ("googlenet-torchvision", 16, 0.98, 0.55)])
  func memory(name: String, batch: Int, normalizations: Double, blocks: Double) throws {
    let entry = try #require(ModelRegistry[name])
    let model = Model(entry.network, seed: 1)
    func byteCount(_ recomputation: Recomputation) throws -> Double {
      Double(
        try model.executable(
          batch: batch, mode: .training,
          compute: ComputeOptions(threads: 2, recomputation: recomputation)
        ).activationByteCount)
    }
    let plain = try byteCount(.off)
    #expect(try byteCount(.normalizations) <= normalizations * plain)
    #expect(try byteCount(.blocks) <= blocks * plain)
  }
}
