import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetFormats
import ConvNetGraphs
import ConvNetInference
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

private struct Setting: Sendable, CustomTestStringConvertible {
  var name: String
  var change: @Sendable (inout Trainer) -> Void
  var testDescription: String { name }

  init(_ name: String, _ change: @escaping @Sendable (inout Trainer) -> Void) {
    self.name = name
    self.change = change
  }
}

@Suite("Trainer") struct TrainerTests {
  @Test("LeNet-5 learns bars by their place within a few epochs")
  func learns() throws {
    let options = ModelOptions(height: 28, width: 28, channels: 1, classes: 4)
    var model = Model(lenet5(options), seed: 1)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .plateau(from: 0.02),
      batchSize: 32, compute: ComputeOptions(threads: 1))
    let validation = try syntheticData(count: 200, seed: 2)
    var last: EpochReport?
    try trainer.fit(&model, on: syntheticData(count: 800), validating: validation, epochs: 4) {
      last = $0
    }
    let report = try #require(last)
    #expect(report.training.samples == 800 && report.validation?.samples == 200)
    #expect(try #require(report.validation).top1 > 0.99)
    #expect(model.classNames == ["bar 0", "bar 1", "bar 2", "bar 3"])
  }

  @Test("Schedules go by the error of validation, and without one by the training loss")
  func followed() throws {
    var trainer = momentumTrainer
    trainer.schedule = .plateau(from: 0.01, patience: 1)
    for validation in [nil, try syntheticData(count: 16, extent: 8, seed: 3)] {
      var model = Model(smallNetwork(), seed: 1)
      var last: Checkpoint?
      try trainer.fit(
        &model, on: syntheticData(count: 32, extent: 8), validating: validation, epochs: 3
      ) { report, checkpoint in
        #expect(report.error == report.validation.map { 1 - $0.top1 } ?? report.training.loss)
        last = checkpoint
      }
      let history = try #require(last).history
      #expect((history[0].validation == nil) == (validation == nil))
    }
  }

  /// Without shortcuts forty layers have gradients of a length of 1,500 in the beginning: any step is chance.
  private static let chaotic: Set<String> = ["plain44", "plain56"]

  @Test(
    "a step of every network for small pictures lowers the loss",
    arguments: ModelRegistry.entries.filter {
      $0.defaults.height <= 32 && !chaotic.contains($0.name)
    })
  func oneStep(entry: ModelEntry) throws {
    let model = Model(entry.network, seed: 1)
    let trainer = Trainer(
      optimizer: .sgd(), schedule: .constant(0.01), batchSize: 4,
      compute: ComputeOptions(threads: 1))
    let session = try TrainingSession(model, trainer: trainer)
    let step = try session.step(batch: 4)
    let inputShape = step.executable.inputShape(model.inputName)
    let shape = try #require(inputShape)
    try step.executable.write(.random(shape, seed: 2, in: 0..<1), to: model.inputName)
    try step.executable.write(
      .randomClasses(entry.defaults.classes, examples: 4, seed: 3), to: TrainingGraph.labelsName)
    var losses: [Double] = []
    for _ in 0..<5 { losses.append(try session.run(step)) }
    let first = try #require(losses.first), last = try #require(losses.last)
    #expect(last < first, "\(losses)")
    #expect(session.stepCount == 5)
  }

  @Test("the same seed gives the same bytes, another seed does not")
  func determinism() throws {
    let data = try syntheticData(count: 50, extent: 8)
    func trained(seed: UInt64) throws -> [String: Tensor] {
      var trainer = momentumTrainer
      trainer.seed = seed
      trainer.compute.threads = 2
      var model = Model(smallNetwork(), seed: 1)
      try trainer.fit(&model, on: data, epochs: 2)
      return model.parameters
    }
    let first = try trained(seed: 3)
    #expect(try trained(seed: 3) == first)
    #expect(try trained(seed: 4) != first)
  }

  @Test(
    "no sample is dropped: a tail of any size, and one sample joins the batch before it",
    arguments: [32, 33, 34, 47, 1, 2, 15])
  func tails(count: Int) throws {
    let data = try syntheticData(count: max(count, 4), classes: 4, extent: 8)
    var model = Model(smallNetwork())
    var counts: [Int] = []
    try momentumTrainer.fit(&model, on: data, validating: data, epochs: 1) { progress in
      counts.append(progress.samples)
    } epochEnded: { report, _ in
      #expect(report.training.samples == data.count)
      #expect(report.validation?.samples == data.count)
    }
    #expect(counts.last == data.count)
    let sizes = zip(counts, [0] + counts).map { $0 - $1 }
    #expect(sizes.allSatisfy { $0 > 1 })
    #expect(model.parameters.values.allSatisfy { $0.elements.allSatisfy(\.isFinite) })
  }

  @Test("the schedule follows the validation error, and each report has its epoch's rate")
  func schedule() throws {
    let data = try syntheticData(count: 16, extent: 8)
    var trainer = momentumTrainer
    trainer.schedule = .plateau(from: 1e-12, factor: 0.5, patience: 1)
    var model = Model(smallNetwork())
    var rates: [Float] = []
    // A rate too small to change anything: the first epoch improves on nothing, the others do not.
    try trainer.fit(&model, on: data, validating: data, epochs: 4) { rates.append($0.learningRate) }
    #expect(rates == [1e-12, 1e-12, 5e-13, 2.5e-13])
  }

  @Test(
    "settings that make no sense are refused by name",
    arguments: [
      Setting("learning rate") { $0.schedule = .constant(.nan) },
      Setting("learning rate") { $0.schedule = .constant(-0.1) },
      Setting("learning rate") { $0.schedule = .plateau(from: 0) },
      Setting("learning rate") { $0.schedule = .constant(.infinity) },
      Setting("plateau factor") { $0.schedule = .plateau(from: 1, factor: .nan, patience: 1) },
      Setting("plateau factor") { $0.schedule = .plateau(from: 1, factor: 2, patience: 1) },
      Setting("plateau patience") { $0.schedule = .plateau(from: 1, factor: 0.1, patience: 0) },
      Setting("momentum") { $0.optimizer = .sgd(momentum: .nan) },
      Setting("momentum") { $0.optimizer = .sgd(momentum: 1) },
      Setting("weight decay") { $0.optimizer = .sgd(weightDecay: -1) },
      Setting("weight decay") { $0.optimizer = .sgd(weightDecay: .infinity) },
      Setting("batch size") { $0.batchSize = 0 },
      Setting("label smoothing") { $0.objective = .crossEntropy(labelSmoothing: 1) },
      Setting("label smoothing") { $0.objective = .crossEntropy(labelSmoothing: .nan) },
    ])
  private func settings(_ setting: Setting) throws {
    var trainer = momentumTrainer
    setting.change(&trainer)
    let before = Model(smallNetwork())
    var model = before
    let data = try syntheticData(count: 8, extent: 8)
    let error = #expect(throws: TrainingError.self) { try trainer.fit(&model, on: data, epochs: 1) }
    guard case .invalidSetting(setting.name, _, _) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(model.parameters == before.parameters)
  }

  @Test("other classes than the data's are refused with both lists")
  func classes() throws {
    let data = try syntheticData(count: 8, extent: 8)
    var model = Model(smallNetwork(), classNames: ["a", "b", "c", "d"])
    var error = #expect(throws: EvaluationError.self) {
      try momentumTrainer.fit(&model, on: data, epochs: 1)
    }
    #expect(
      error
        == .classMismatch(model: ["a", "b", "c", "d"], data: ["bar 0", "bar 1", "bar 2", "bar 3"]))
    #expect(error.map { "\($0)".contains("a, b, c, d; the data's are bar 0, bar 1") } == true)

    model = Model(smallNetwork(classes: 3))
    error = #expect(throws: EvaluationError.self) {
      try momentumTrainer.fit(&model, on: data, epochs: 1)
    }
    #expect(error == .classCount(model: 3, data: 4))

    model = Model(smallNetwork())
    let other = try syntheticData(count: 8, extent: 8, classNames: ["w", "x", "y", "z"])
    error = #expect(throws: EvaluationError.self) {
      model.classNames = data.classNames
      try momentumTrainer.fit(&model, on: data, validating: other, epochs: 1)
    }
    #expect(error == .classMismatch(model: data.classNames, data: other.classNames))

    // Training needs every class, validation does not.
    let few = try syntheticData(
      count: 8, classes: 2, extent: 8, classNames: Array(data.classNames[..<2]))
    error = #expect(throws: EvaluationError.self) {
      try momentumTrainer.fit(&model, on: few, validating: data, epochs: 1)
    }
    #expect(error == .classMismatch(model: data.classNames, data: few.classNames))
    try momentumTrainer.fit(&model, on: data, validating: few, epochs: 1)
  }

  @Test("classes in another order are found by name: the same training")
  func order() throws {
    let data = try syntheticData(count: 24, extent: 8)
    let names = ["bar 2", "bar 0", "bar 3", "bar 1"]
    let other = try #require(data.numbered(as: names))
    var models = [Model(smallNetwork()), Model(smallNetwork())]
    for (index, part) in [data, other].enumerated() {
      models[index].classNames = data.classNames
      try momentumTrainer.fit(&models[index], on: part, validating: other, epochs: 1)
    }
    #expect(models[0].parameters == models[1].parameters)
    #expect(models[1].classNames == data.classNames)
  }

  @Test("preprocessing for another input than the network's is refused")
  func preprocessing() throws {
    var model = Model(smallNetwork())
    model.preprocessing = Model(smallNetwork(extent: 9)).preprocessing
    let data = try syntheticData(count: 8, extent: 8)
    let error = #expect(throws: InferenceError.self) {
      try momentumTrainer.fit(&model, on: data, epochs: 1)
    }
    #expect(error.map { "\($0)".contains("1x9x9") && "\($0)".contains("1x8x8") } == true)
  }

  @Test("a number that is not finite stops before the parameters, and names layer, step and rate")
  func nonFinite() throws {
    let data = try syntheticData(count: 32, extent: 8)
    var trainer = momentumTrainer
    trainer.schedule = .constant(1e30)
    var model = Model(
      Network("n", input: .image(height: 8, width: 8, channels: 1)) {
        Flatten()
        Dense(16).named("first")
        ReLU()
        Dense(4).named("second")
      })
    let before = model.parameters
    let error = #expect(throws: TrainingError.self) {
      try trainer.fit(&model, on: data, epochs: 3)
    }
    guard case .nonFinite(let what, let layer, let step, let rate, let norm) = error else {
      Issue.record("\(error as Any)")
      return
    }
    // Its parameters are large, and finite.
    #expect(what == "the output" && layer == "second")
    #expect(step > 0 && rate == 1e30 && norm.isFinite && norm > 0)
    // No epoch was finished, so the model is as it was.
    #expect(model.parameters == before)
  }

  @Test("the store is untouched by the step that is refused")
  func nonFiniteStep() throws {
    let model = Model(smallNetwork())
    let session = try TrainingSession(model, trainer: momentumTrainer)
    let step = try session.step(batch: 2)
    try step.executable.write(
      Tensor(repeating: Float.nan, shape: [2, 8, 8, 1]), to: model.inputName)
    try step.executable.write(Tensor([0, 1] as [Int32]), to: TrainingGraph.labelsName)
    let error = #expect(throws: TrainingError.self) { try session.run(step) }
    #expect(
      error
        == .nonFinite(
          what: "the input", layer: model.inputName, step: 0, learningRate: 0.02, gradientNorm: 0))
    #expect(error.map { "\($0)".contains("nan") } == false)
    for id in model.graph.parameters where model.graph[id].parameterKind?.isTrainable == true {
      #expect(session.store[model.graph[id].name] == model.parameters[model.graph[id].name])
    }
    #expect(
      session.optimizer.slots["velocity"]?.values.allSatisfy { $0.elements.allSatisfy { $0 == 0 } }
        == true)
    #expect(session.stepCount == 0)
  }

  @Test("threads that share batch and update train as one does, and refuse what is not finite")
  func sharedUpdate() throws {
    let wide = Network("wide", input: .features(64)) {
      Dense(256)
      Tanh()
      Dense(4)
    }
    let model = Model(wide, seed: 3)
    func trained(threads: Int, _ input: Tensor) throws -> [String: Tensor] {
      var trainer = momentumTrainer
      trainer.compute.threads = threads
      let session = try TrainingSession(model, trainer: trainer)
      let step = try session.step(batch: 4)
      #expect(step.executable.shardCount == threads)
      for _ in 0..<3 {
        try step.executable.write(input, to: model.inputName)
        try step.executable.write(Tensor([0, 1, 2, 3] as [Int32]), to: TrainingGraph.labelsName)
        _ = try session.run(step)
      }
      return session.store.values
    }
    var input = Tensor.random([4, 64], seed: 4)
    let (alone, together) = try (trained(threads: 1, input), trained(threads: 2, input))
    for (name, parameter) in alone {
      #expect(parameter != model.parameters[name], "\(name)")
      let other = try #require(together[name])
      #expect(relativeDifference(other, ReferenceValue(parameter)) < 1e-5, "\(name)")
    }
    // Of one example, and so of one shard.
    input[3, 7] = .nan
    for threads in [1, 2] {
      #expect(throws: TrainingError.self) { try trained(threads: threads, input) }
    }
  }

  @Test("an update that overflows in an epoch's last step does not reach the model")
  func overflow() throws {
    let data = try syntheticData(count: 32, extent: 8)
    var trainer = momentumTrainer
    // One step an epoch, whose finite gradient the rate carries beyond the largest number.
    trainer.batchSize = 32
    trainer.schedule = .constant(.greatestFiniteMagnitude)
    trainer.optimizer = .sgd(weightDecay: 100)
    var model = Model(smallNetwork())
    let before = model.parameters
    let error = #expect(throws: TrainingError.self) {
      try trainer.fit(&model, on: data, epochs: 1)
    }
    guard case .nonFinite("the value", _, 1, .greatestFiniteMagnitude, let norm) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(norm.isFinite && norm > 0)
    #expect(model.parameters == before)
  }

  private func auxiliaryNetwork(weight: Float) -> Network {
    Network("n", input: .image(height: 16, width: 16, channels: 1)) {
      Conv2D(4, kernel: 3)
      ReLU()
      Auxiliary("aux", weight: weight) {
        Flatten()
        Dense(4)
      }
      Flatten()
      Dense(4)
    }
  }

  @Test("auxiliary classifiers are not what is measured")
  func auxiliary() throws {
    var model = Model(auxiliaryNetwork(weight: 0.3), seed: 2)
    let data = try syntheticData(count: 256, extent: 16)
    var last: EpochReport?
    try momentumTrainer.fit(&model, on: data, validating: data, epochs: 6) { last = $0 }
    #expect(try #require(last?.validation).top1 > 0.9)
  }

  @Test("a step changes an auxiliary classifier in proportion to its weight")
  func auxiliaryWeight() throws {
    let data = try syntheticData(count: 64, extent: 16)
    let trainer = Trainer(
      optimizer: .sgd(), schedule: .constant(0.1), batchSize: 64, seed: 7,
      compute: ComputeOptions(threads: 1))
    func change(_ weight: Float) throws -> [Double] {
      var model = Model(auxiliaryNetwork(weight: weight), seed: 2)
      let before = try #require(model.parameters["aux.dense1.weight"]).elements
      try trainer.fit(&model, on: data, epochs: 1)
      let after = try #require(model.parameters["aux.dense1.weight"]).elements
      return zip(after, before).map { Double($0) - Double($1) }
    }
    let (small, large) = (try change(0.25), try change(1))
    #expect(large.contains { abs($0) > 1e-4 })
    #expect(relativeDifference(small.map { 4 * $0 }, large) < 1e-2)
  }
}
