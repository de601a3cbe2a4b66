import ConvNetEngine
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

@Suite("Numbers that are not finite in training") struct NonFiniteTests {
  /// Three dense layers without anything between them.
  private static let network = Network("chain", input: .features(2)) {
    Dense(3).named("first")
    Dense(3).named("second")
    Dense(4).named("third")
  }

  private static func step(
    _ session: TrainingSession, _ input: Tensor, labels: [Int32], batch: Int = 1
  ) throws -> TrainingError? {
    let step = try session.step(batch: batch)
    try step.executable.write(input, to: Network.inputName)
    try step.executable.write(Tensor(labels), to: TrainingGraph.labelsName)
    do {
      try session.run(step)
      return nil
    } catch let error as TrainingError {
      return error
    }
  }

  private static func session(
    threads: Int = 1, _ parameters: [String: Float]
  ) throws -> TrainingSession {
    var model = Model(network, seed: 2)
    for (name, value) in parameters {
      let shape = try #require(model.parameters[name]).shape
      model.parameters[name] = Tensor(repeating: value, shape: shape)
    }
    var trainer = momentumTrainer
    trainer.compute.threads = threads
    trainer.schedule = .constant(1e-3)
    return try TrainingSession(model, trainer: trainer)
  }

  @Test("the layer is the first whose output is not finite, whatever follows it")
  func forward() throws {
    let session = try Self.session(["first.weight": 1e20, "second.weight": 1e20])
    let error = try Self.step(session, Tensor([1, 1] as [Float], shape: [1, 2]), labels: [0])
    #expect(
      error
        == .nonFinite(
          what: "the output", layer: "second", step: 0, learningRate: 1e-3, gradientNorm: 0))
    // No step has moved the weights: it is not the learning rate.
    let text = error?.description ?? ""
    #expect(text.contains("at step 0, before any weight has changed"), "\(text)")
    #expect(!text.contains("learning rate") && !text.contains("epoch"), "\(text)")
  }

  @Test("a layer is told from the loss by its place, whatever it is called")
  func layerCalledAsLoss() throws {
    let name = "logits/cross entropy"
    let network = Network("named", input: .features(2)) {
      Dense(3).named(name)
      Dense(4)
    }
    var model = Model(network, seed: 2)
    for (name, value) in model.parameters where name.hasSuffix("weight") {
      model.parameters[name] = Tensor(repeating: 1e38 as Float, shape: value.shape)
    }
    let session = try TrainingSession(model, trainer: momentumTrainer)
    let error = try Self.step(session, Tensor([9, 9] as [Float], shape: [1, 2]), labels: [0])
    guard case .nonFinite("the output", name, _, _, _) = error else {
      Issue.record("\(error.map { "\($0)" } ?? "finite")")
      return
    }
  }

  @Test("where the loss is finite, it is the first on the way back whose gradient is not")
  func backward() throws {
    // All logits are zero, so that the third layer's output has a gradient of 1/4 and -3/4 times its weights: their sum is
    // beyond the largest number.
    let session = try Self.session([
      "first.weight": 0, "first.bias": 0, "second.weight": 0, "second.bias": 0, "third.bias": 0,
    ])
    let weights = try #require(session.store["third.weight"])
    session.store.withFloats(of: "third.weight") { values in
      for index in values.indices {
        values[index] = index < 3 * weights.shape[1] ? 3.4e38 : -3.4e38
      }
    }
    let error = try Self.step(session, Tensor([1, 1] as [Float], shape: [1, 2]), labels: [3])
    #expect(
      error
        == .nonFinite(
          what: "the gradient", layer: "third", step: 0, learningRate: 1e-3, gradientNorm: 0))
  }

  @Test("the norm is that of the last gradient that was finite", arguments: [1, 2])
  func norm(threads: Int) throws {
    let session = try Self.session(threads: threads, [:])
    let good = Tensor.random([4, 2], seed: 3)
    let labels: [Int32] = [0, 1, 2, 3]
    #expect(try Self.step(session, good, labels: labels, batch: 4) == nil)
    var model = Model(Self.network)
    session.update(&model)
    let expected = try model.gradients(of: good, labels: Tensor(labels)).norm
    #expect(try Self.step(session, good, labels: labels, batch: 4) == nil)
    #expect(abs(session.gradientNorm - expected) < 1e-5 * expected)
    var bad = good
    bad[2, 1] = .infinity
    let error = try Self.step(session, bad, labels: labels, batch: 4)
    #expect(
      error
        == .nonFinite(
          what: "the input", layer: model.inputName, step: 2, learningRate: 1e-3,
          gradientNorm: session.gradientNorm))
    #expect(error.map { "\($0)".contains("last finite gradient norm") } == true)
    #expect(error.map { "\($0)".contains("try a lower learning rate") } == true)
  }

  @Test("gradients whose squares overflow in single precision have a norm")
  func largeGradient() throws {
    let session = try Self.session([:])
    // The first layer's gradient is of the input's size, but for the example that is of the class with the largest score.
    let input = Tensor(repeating: Float(1e25), shape: [4, 2])
    #expect(try Self.step(session, input, labels: [0, 1, 2, 3], batch: 4) == nil)
    #expect(session.gradientNorm.isFinite && session.gradientNorm > 1e20)
  }

  @Test(
    "a parameter that is not finite is named before the first step",
    arguments: ["conv1.weight", "bn1.running_var", "dense1.bias"], [Float.nan, -.infinity])
  func parameter(name: String, value: Float) throws {
    var model = Model(smallNetwork())
    var tensor = try #require(model.parameters[name])
    let count = tensor.count
    if tensor.shape.rank == 1 { tensor[1] = value } else { tensor[1, 0, 2, 2] = value }
    model.parameters[name] = tensor
    let data = try syntheticData(count: 16, extent: 8)
    let error = #expect(throws: TrainingError.self) {
      try momentumTrainer.fit(&model, on: data, epochs: 1)
    }
    #expect(error == .nonFiniteParameter(name: name, count: 1, elements: count))
    #expect(error.map { "\($0)".contains("before the first step") } == true)
  }
}
