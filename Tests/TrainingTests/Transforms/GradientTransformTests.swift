import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

/// Gradients of biases times a factor, as somebody outside the package would write it.
private struct ScaledBiases: GradientTransform {
  static let name = "test.scaledBiases"
  var factor: Float

  func apply(to gradients: inout Gradients) -> UpdateDecision {
    gradients.forEach { gradient in
      guard gradient.kind == .bias else { return }
      gradient.withSpan { elements in
        for index in elements.indices { elements[index] *= factor }
      }
    }
    return .update
  }
}

@Suite("Gradient transforms") struct GradientTransformTests {
  private let network = Network("n", input: .features(6)) {
    Dense(5)
    Tanh()
    Dense(3)
  }

  /// Wide enough that threads share the update.
  private let wide = Network("wide", input: .features(64)) {
    Dense(256)
    Tanh()
    Dense(3)
  }

  /// What a training makes of the parameters by plain gradient descent of rate 1, a batch after the other.
  private func changes(
    _ transforms: [any GradientTransform], _ network: Network? = nil, seeds: [UInt64] = [1],
    threads: Int = 1, batch: Int = 4, rate: Float = 1
  ) throws -> [String: [Float]] {
    let model = Model(network ?? self.network, seed: 1)
    let trainer = Trainer(
      optimizer: .sgd(), schedule: .constant(rate), gradientTransforms: transforms,
      compute: ComputeOptions(threads: threads))
    let session = try TrainingSession(model, trainer: trainer)
    let step = try session.step(batch: batch)
    let count = try #require(model.graph.inputs.first.map { model.graph[$0].shape[1] })
    for seed in seeds {
      try step.executable.write(.random([batch, count], seed: seed), to: model.inputName)
      try step.executable.write(
        .randomClasses(3, examples: batch, seed: seed), to: TrainingGraph.labelsName)
      try session.run(step)
    }
    return model.parameters.mapValues(\.elements).merging(
      session.store.values.mapValues(\.elements)
    ) {
      before, after in zip(before, after).map { $1 - $0 }
    }
  }

  private func norm(_ changes: [String: [Float]]) -> Double {
    changes.values.joined().reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  @Test(
    "clipping by norm shortens all gradients together, and only where they are too long",
    arguments: [1, 2])
  func normClipping(threads: Int) throws {
    func run(_ transforms: [any GradientTransform]) throws -> [String: [Float]] {
      try changes(transforms, wide, threads: threads)
    }
    let free = try run([])
    let length = norm(free)
    #expect(try run([.clipping(norm: Float(2 * length))]) == free)
    let clipped = try run([.clipping(norm: Float(length / 4))])
    #expect(abs(norm(clipped) - length / 4) < 1e-5 * length)
    for (name, values) in clipped {
      for (value, other) in zip(values, try #require(free[name])) {
        #expect(abs(value - other / 4) < 1e-6)
      }
    }
  }

  @Test("clipping by value holds each element", arguments: [1, 2])
  func valueClipping(threads: Int) throws {
    let free = try changes([], wide, threads: threads)
    let clipped = try changes([.clipping(values: 0.001)], wide, threads: threads)
    #expect(free.values.joined().contains { abs($0) > 0.002 })
    for (name, values) in clipped {
      for (value, other) in zip(values, try #require(free[name])) {
        #expect(abs(value - min(max(other, -0.001), 0.001)) < 1e-6, "\(name)")
      }
    }
  }

  @Test("transforms are done in their order: the second sees what the first made")
  func order() throws {
    let limit: Float = 1e-3
    let first = try changes([ScaledBiases(factor: 100), .clipping(values: limit)])
    let second = try changes([.clipping(values: limit), ScaledBiases(factor: 100)])
    let bias = "dense2.bias"
    #expect(try #require(first[bias]).allSatisfy { abs($0) <= 1.01 * limit })
    #expect(try #require(second[bias]).contains { abs($0) > 50 * limit })
    #expect(first["dense2.weight"] == second["dense2.weight"])
  }

  @Test("accumulated batches move the parameters once, as one batch of all would")
  func accumulation() throws {
    let model = Model(network, seed: 1)
    #expect(norm(try changes([.accumulation(batches: 3)], seeds: [1, 2])) == 0)
    let accumulated = try changes([.accumulation(batches: 3)], seeds: [1, 2, 3])
    var sum: [String: [Double]] = [:]
    for seed in 1...3 as ClosedRange<UInt64> {
      let gradients = try model.gradients(
        of: .random([4, 6], seed: seed), labels: .randomClasses(3, examples: 4, seed: seed))
      for (name, gradient) in gradients.gradients {
        let old = sum[name] ?? [Double](repeating: 0, count: gradient.count)
        sum[name] = zip(old, gradient.elements).map { $0 + Double($1) / 3 }
      }
    }
    for (name, expected) in sum {
      for (value, expected) in zip(try #require(accumulated[name]), expected) {
        #expect(abs(Double(value) + expected) < 1e-6, "\(name)")
      }
    }
    #expect(try changes([.accumulation(batches: 1)]) == changes([]))
  }

  /// Of n samples in a batch and N in all: sum over batches of n / N g, as the mean over all samples.
  @Test("a batch that is smaller than the others counts by its samples", arguments: [1, 2])
  func unevenBatches(threads: Int) throws {
    let sizes = [4, 4, 2]
    let model = Model(network, seed: 1)
    let trainer = Trainer(
      optimizer: .sgd(), schedule: .constant(1), gradientTransforms: [.accumulation(batches: 3)],
      compute: ComputeOptions(threads: threads))
    let step = try TrainingStep(model, trainer)
    var inputs: [Float] = []
    var labels: [Int32] = []
    for (seed, size) in sizes.enumerated() {
      let input = Tensor.random([size, 6], seed: UInt64(seed + 1))
      let own = (0..<size).map { Int32(($0 + seed) % 3) }
      try step.run(input, labels: Tensor(own))
      try step.update()
      inputs += input.elements
      labels += own
    }
    let whole = try model.gradients(of: Tensor(inputs, shape: [10, 6]), labels: Tensor(labels))
    for (name, gradient) in whole.gradients {
      let before = try #require(model.parameters[name]).elements
      let after = try #require(step.model.parameters[name]).elements
      for (place, expected) in gradient.elements.enumerated() {
        #expect(abs(Double(before[place] - after[place]) - Double(expected)) < 2e-6, "\(name)")
      }
    }
  }

  @Test("a training that is stopped in the middle of an accumulation goes on with what was summed")
  func resumes() throws {
    // Four batches an epoch, the last of 12 pictures.
    let data = try syntheticData(count: 60, extent: 8)
    var trainer = momentumTrainer
    trainer.gradientTransforms = [.accumulation(batches: 3), .clipping(norm: 1)]
    let directory = try TemporaryDirectory()
    var whole = Model(smallNetwork(), seed: 1)
    try trainer.fit(&whole, on: data, epochs: 3) { report, checkpoint in
      if report.epoch == 1 { try checkpoint.save(to: directory.file("checkpoint")) }
    }
    let checkpoint = try Checkpoint(loading: directory.file("checkpoint"))
    var resumed = Model(smallNetwork(), seed: 1)
    try trainer.fit(&resumed, on: data, epochs: 3, resuming: checkpoint) { _, _ in }
    #expect(resumed.parameters == whole.parameters)
    trainer.gradientTransforms = [.accumulation(batches: 4), .clipping(norm: 1)]
    let error = #expect(throws: TrainingError.self) {
      try checkpoint.requireFit(for: trainer, resumed)
    }
    #expect(error.map { "\($0)".contains("gradients of 3 batches") } == true)
    #expect(error.map { "\($0)".contains("gradients of 4 batches") } == true)
  }

  @Test(
    "settings that make no sense are refused",
    arguments: [
      .clipping(norm: 0), .clipping(norm: .nan), .clipping(values: -1),
      .clipping(values: .infinity),
      .accumulation(batches: 0),
    ] as [any GradientTransform])
  func refused(transform: any GradientTransform) throws {
    var trainer = momentumTrainer
    trainer.gradientTransforms = [transform]
    #expect(throws: TrainingError.self) { try trainer.validate(epochs: 1) }
  }
}
