import ConvNetDatasets
import ConvNetEngine
import ConvNetInference
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

@Suite("Training step") struct TrainingStepTests {
  @Test("a loop by hand, with accumulation, gives what a trainer gives")
  func loop() throws {
    let data = try syntheticData(count: 50, extent: 8)
    var trainer = momentumTrainer
    trainer.schedule = .constant(0.02)
    trainer.gradientTransforms = [.accumulation(batches: 2)]
    var fitted = Model(smallNetwork(), seed: 1, classNames: data.classNames)
    let start = fitted
    try trainer.fit(&fitted, on: data, epochs: 2)

    let loader = try BatchLoader(
      data, batchSize: trainer.batchSize, preprocessing: #require(start.preprocessing),
      shuffleSeed: trainer.seed)
    let step = try TrainingStep(start, trainer)
    for epoch in 0..<2 {
      loader.start(epoch: epoch)
      while let batch = try loader.next() {
        try step.run(batch)
        try step.update()
      }
    }
    #expect(step.model.parameters == fitted.parameters)
    #expect(step.point.step == 8)
  }

  @Test("loss, scores and gradients are those of the model before the update")
  func values() throws {
    let model = Model(Network("n", input: .features(6)) { Dense(3) }, seed: 1)
    let step = try TrainingStep(model, momentumTrainer)
    let (input, labels) = (Tensor.random([4, 6], seed: 2), Tensor([0, 1, 2, 0] as [Int64]))
    #expect(step.loss.isNaN)
    #expect(try step.scores() == nil)
    let expected = try model.gradients(
      of: input, labels: labels, compute: ComputeOptions(threads: 1))
    #expect(try step.run(input, labels: labels) == expected.loss)
    #expect(Set(step.parameterNames) == Set(expected.gradients.keys))
    for (name, gradient) in expected.gradients {
      #expect(try step.gradient(of: name) == gradient)
    }
    #expect(try step.gradient(of: "dense2.weight") == nil)
    let scores = try #require(try step.scores())
    #expect(scores.shape == [4, 3] && abs(scores.elements.reduce(0, +) - 4) < 1e-5)
    // No update: nothing has moved, and the same again.
    #expect(step.model.parameters == model.parameters)
    #expect(try step.run(input, labels: labels) == expected.loss)
    try step.update()
    #expect(step.model.parameters != model.parameters)
    #expect(try step.run(input, labels: labels) < expected.loss)
  }

  @Test("labels that do not fit are refused, and so are settings")
  func refused() throws {
    let model = Model(Network("n", input: .features(6)) { Dense(3) }, seed: 1)
    let step = try TrainingStep(model, momentumTrainer)
    let input = Tensor.random([2, 6], seed: 2)
    for labels in [Tensor([0, 3] as [Int32]), Tensor([0] as [Int32]), Tensor([0, 1] as [Float])] {
      #expect(throws: TrainingError.self) { try step.run(input, labels: labels) }
    }
    #expect(throws: EngineError.self) {
      try step.run(Tensor.random([2, 5], seed: 2), labels: Tensor([0, 1] as [Int32]))
    }
    var trainer = momentumTrainer
    trainer.optimizer = .sgd(momentum: 2)
    #expect(throws: TrainingError.self) { try TrainingStep(model, trainer) }
  }

  @Test("where its task is cancelled the next run says so, and the model is that of the last step")
  func cancelled() async throws {
    let model = Model(Network("n", input: .features(6)) { Dense(3) }, seed: 1)
    let (input, labels) = (Tensor.random([4, 6], seed: 2), Tensor([0, 1, 2, 0] as [Int32]))
    func trained(steps: Int, cancelling: Bool) throws -> Model {
      let step = try TrainingStep(model, momentumTrainer)
      do {
        for number in 0..<9 {
          try step.run(input, labels: labels)
          try step.update()
          guard number + 1 == steps else { continue }
          if !cancelling { break }
          withUnsafeCurrentTask { $0?.cancel() }
        }
      } catch is CancellationError {}
      return step.model
    }
    let task = Task { try trained(steps: 2, cancelling: true) }
    let cancelled = try await task.value
    #expect(try cancelled.parameters == trained(steps: 2, cancelling: false).parameters)
  }
}

@Suite("The order of axes in training") struct TrainingAxesTests {
  private func model(_ format: DataFormat) -> Model {
    Model(
      Network("n", input: .image(height: 5, width: 4, channels: 3), dataFormat: format) {
        Conv2D(2, kernel: 2)
        Flatten()
        Dense(3)
      }, seed: 1)
  }

  @Test(
    "a step and the gradients take the model's order, one example without the batch, and refuse the other",
    arguments: DataFormat.allCases)
  func order(format: DataFormat) throws {
    let model = model(format)
    let one = Shape(Array(format.ordered([1, 3, 5, 4]).dropFirst()))
    let (input, label) = (Tensor.random(one, seed: 2), Tensor([Int64(1)]))
    let batch = input.reshaped(to: Shape([1] + one.dimensions))
    let compute = ComputeOptions(threads: 1)
    let expected = try model.gradients(of: batch, labels: label, compute: compute)
    #expect(
      try model.gradients(of: input, labels: label, compute: compute).gradients
        == expected.gradients)
    var trainer = momentumTrainer
    trainer.compute = compute
    let step = try TrainingStep(model, trainer)
    #expect(try step.run(input, labels: label) == expected.loss)
    #expect(try step.run(batch, labels: label) == expected.loss)
    let wrong = Tensor(zeros: Shape(format.other.ordered([1, 3, 5, 4])))
    let refused = #expect(throws: InferenceError.self) {
      try model.gradients(of: wrong, labels: label, compute: compute)
    }
    #expect(refused?.description.hasSuffix("transpose it") == true)
    #expect(throws: EngineError.self) { try step.run(wrong, labels: label) }
    #expect(
      try model.gradients(of: wrong, labels: label, order: format.other, compute: compute)
        .gradients.count == expected.gradients.count)
  }
}
