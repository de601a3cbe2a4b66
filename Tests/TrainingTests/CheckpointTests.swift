import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetFiles
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("Checkpoint") struct CheckpointTests {
  /// The checkpoint after some epochs, read back from its file.
  private func checkpoint(_ directory: borrowing TemporaryDirectory, epochs: Int) throws
    -> Checkpoint
  {
    let path = directory.file("checkpoint")
    var model = Model(smallNetwork(), seed: 1)
    try momentumTrainer.fit(
      &model, on: syntheticData(count: 50, extent: 8),
      validating: syntheticData(count: 20, extent: 8),
      epochs: epochs
    ) { try $1.save(to: path) }
    return try Checkpoint(loading: path)
  }

  @Test("a resumed training equals an uninterrupted one byte for byte", arguments: [1, 2, 3])
  func resumes(after epochs: Int) throws {
    let (train, validation) = (
      try syntheticData(count: 50, extent: 8), try syntheticData(count: 20, extent: 8)
    )
    var trainer = momentumTrainer
    // So eager that the rate falls on the way.
    trainer.schedule = .plateau(from: 0.02, factor: 0.5, patience: 1)
    let directory = try TemporaryDirectory()
    func run(
      from checkpoint: Checkpoint?, to epochs: Int
    ) throws -> (model: Model, rates: [Float], metrics: [ClassificationMetrics]) {
      var model = Model(smallNetwork(), seed: 1)
      var history = checkpoint?.history ?? []
      try trainer.fit(
        &model, on: train, validating: validation, epochs: epochs, resuming: checkpoint
      ) { report, checkpoint in
        history.append(report)
        try checkpoint.save(to: directory.file("checkpoint"))
      }
      return (model, history.map(\.learningRate), history.map(\.training))
    }
    let whole = try run(from: nil, to: 4)
    let (model, early) = (directory.file("whole"), directory.file("resumed"))
    try whole.model.save(to: model)
    _ = try run(from: nil, to: epochs)
    let resumed = try run(from: Checkpoint(loading: directory.file("checkpoint")), to: 4)
    try resumed.model.save(to: early)
    #expect(try fileBytes(model) == fileBytes(early))
    #expect(resumed.rates == whole.rates)
    #expect(resumed.metrics == whole.metrics)
  }

  @Test("a checkpoint of a finished training gives its model without another step")
  func finished() throws {
    let directory = try TemporaryDirectory()
    let loaded = try checkpoint(directory, epochs: 2)
    var model = Model(smallNetwork(), seed: 9)
    try momentumTrainer.fit(
      &model, on: syntheticData(count: 50, extent: 8), epochs: 2, resuming: loaded
    ) { _, _ in Issue.record("an epoch too many") }
    #expect(model.parameters["dense1.weight"] == loaded.averages["dense1.weight"])
    #expect(loaded.history.map(\.epoch) == [1, 2])
  }

  @Test(
    "another recipe is refused with both",
    arguments: [
      ("seed", "seed 7", "seed 8"), ("batch size", "batch size 16", "batch size 17"),
      ("label smoothing", "label smoothing 0.0", "label smoothing 0.1"),
      ("momentum", "momentum 0.9", "momentum 0.8"),
      ("schedule", "learning rate 0.02", "learning rate 0.03"),
      ("augmentation", "augmentation none", "reflection"),
      ("exactness", "by any algorithm", "as they are written"),
    ])
  func recipe(setting: String, kept: String, wanted: String) throws {
    let directory = try TemporaryDirectory()
    let loaded = try checkpoint(directory, epochs: 1)
    var trainer = momentumTrainer
    switch setting {
    case "seed": trainer.seed = 8
    case "batch size": trainer.batchSize = 17
    case "label smoothing": trainer.objective = .crossEntropy(labelSmoothing: 0.1)
    case "augmentation": trainer.augmentation = [.horizontalReflection()]
    case "exactness": trainer.compute.isExact = true
    case "momentum": trainer.optimizer = .sgd(momentum: 0.8, weightDecay: 0.0005)
    default: trainer.schedule = .plateau(from: 0.03)
    }
    var model = Model(smallNetwork(), seed: 1)
    let error = #expect(throws: TrainingError.self) {
      try trainer.fit(
        &model, on: syntheticData(count: 50, extent: 8), epochs: 2, resuming: loaded
      ) { _, _ in }
    }
    #expect(error.map { "\($0)".contains(kept) && "\($0)".contains(wanted) } == true)
    // Threads change no number, so they may differ.
    trainer = momentumTrainer
    trainer.compute.threads = 2
    try loaded.requireFit(for: trainer, model)
  }

  @Test("a checkpoint of another network is refused by the parameter's name")
  func otherNetwork() throws {
    let directory = try TemporaryDirectory()
    let loaded = try checkpoint(directory, epochs: 1)
    let error = #expect(throws: TrainingError.self) {
      try loaded.requireFit(for: momentumTrainer, Model(smallNetwork(classes: 5)))
    }
    #expect(error.map { "\($0)".contains("dense1.weight is Tensor(4x108") } == true)
  }

  @Test("networks that share the names and shapes of all parameters are told apart")
  func twins() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("checkpoint")
    func model(_ name: String) throws -> Model {
      let entry = try #require(ModelRegistry[name])
      let options = ModelOptions(height: 8, width: 8, channels: 1, classes: 4)
      return try Model(validating: entry.build(options), seed: 1)
    }
    let data = try syntheticData(count: 8, extent: 8)
    var plain = try model("plain20")
    try momentumTrainer.fit(&plain, on: data, epochs: 1) { try $1.save(to: path) }
    var residual = try model("resnet20")
    #expect(residual.parameters.mapValues(\.shape) == plain.parameters.mapValues(\.shape))
    let error = #expect(throws: TrainingError.self) {
      try momentumTrainer.fit(
        &residual, on: data, epochs: 2, resuming: Checkpoint(loading: path)
      ) { _, _ in }
    }
    #expect(error.map { "\($0)".contains("plain20") && "\($0)".contains("resnet20") } == true)
    // A name alone makes no other network.
    plain.graph.name = "mine"
    try momentumTrainer.fit(&plain, on: data, epochs: 2, resuming: Checkpoint(loading: path)) {
      _, _ in
    }
  }

  @Test("pictures that are prepared otherwise, and other data, are refused with both")
  func preparationAndData() throws {
    let directory = try TemporaryDirectory()
    let loaded = try checkpoint(directory, epochs: 1)
    func refusal(
      _ data: some Dataset, _ validation: (any Dataset)? = nil,
      _ change: (inout Model) -> Void = { _ in }
    ) throws -> String {
      var model = Model(smallNetwork(), seed: 1)
      change(&model)
      let error = #expect(throws: TrainingError.self) {
        try momentumTrainer.fit(
          &model, on: data, validating: validation, epochs: 2, resuming: loaded
        ) { _, _ in }
      }
      return "\(try #require(error))"
    }
    let (train, validation) = (
      try syntheticData(count: 50, extent: 8), try syntheticData(count: 20, extent: 8)
    )
    let mean = try refusal(train, validation) { $0.preprocessing?.mean = [0.25] }
    #expect(mean.contains("mean [0.25]") && mean.contains("the checkpoint's pictures are resized"))
    let fewer = try refusal(syntheticData(count: 49, extent: 8), validation)
    #expect(fewer.contains("training data are 50 pictures") && fewer.contains("49 pictures"))
    let other = try refusal(syntheticData(count: 50, extent: 8, seed: 9), validation)
    #expect(other.contains("training data are 50 pictures of fingerprint"))
    #expect(try refusal(train).contains("validation data are 20 pictures; these are none"))
    #expect(try refusal(train, train).contains("validation data are 20 pictures"))
  }

  @Test("a checkpoint gives its model, and what a caller wants to find again")
  func contents() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("checkpoint")
    var model = Model(smallNetwork(), seed: 1)
    try momentumTrainer.fit(&model, on: syntheticData(count: 16, extent: 8), epochs: 1) {
      var checkpoint = $1
      checkpoint.settings["mine"] = "a \"word\""
      try checkpoint.save(to: path)
    }
    let loaded = try Checkpoint(loading: path)
    #expect(loaded.settings == ["mine": "a \"word\""])
    let kept = try loaded.model()
    #expect(kept.parameters == model.parameters && kept.classNames == model.classNames)
    #expect(kept.graph == model.graph && kept.preprocessing == model.preprocessing)
  }

  /// Remembers the gradient, in slots whose names end where those of others, and of layers, go on.
  private struct Remembering: Optimizer {
    static let name = "test.remembering"
    var slots: [String] { ["a", "a/b"] }
    var updatesElementsSeparately: Bool { true }

    func update(
      _ weights: inout MutableSpan<Float>, gradient: Span<Float>, in step: borrowing OptimizerStep
    ) {
      step.withSlots("a", "a/b") { first, second in
        for index in weights.indices {
          first[index] = gradient[index]
          second[index] = -gradient[index]
          weights[index] -= step.learningRate * gradient[index]
        }
      }
    }
  }

  @Test("slots and parameters come back from the file under any names")
  func ambiguousNames() throws {
    let network = Network("names", input: .image(height: 8, width: 8, channels: 1)) {
      Flatten()
      // `a/b/c.weight` is a parameter, slot `a` of `b/c.weight`, and slot `a/b` of `c.weight`.
      Dense(5).named("a/b/c")
      Dense(6).named("b/c")
      Dense(4).named("c")
    }
    var trainer = momentumTrainer
    trainer.optimizer = Remembering()
    trainer.schedule = .constant(0.01)
    let data = try syntheticData(count: 32, extent: 8)
    let directory = try TemporaryDirectory()
    let path = directory.file("checkpoint")
    var kept: Checkpoint?
    var model = Model(network, seed: 1)
    try trainer.fit(&model, on: data, epochs: 2) { report, checkpoint in
      guard report.epoch == 1 else { return }
      kept = checkpoint
      try checkpoint.save(to: path)
    }
    let checkpoint = try Checkpoint(loading: path)
    #expect(checkpoint.slots == kept?.slots)
    #expect(checkpoint.slots["a"]?.count == 6 && checkpoint.slots["a/b"]?.count == 6)
    #expect(checkpoint.averages == kept?.averages && checkpoint.averages.count == 6)
    var resumed = Model(network, seed: 1)
    try trainer.fit(&resumed, on: data, epochs: 2, resuming: checkpoint) { _, _ in }
    #expect(resumed.parameters == model.parameters)
  }

  @Test("settings that a file has as a text within its text are read")
  func formerSettings() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("former")
    let checkpoint = try checkpoint(directory, epochs: 1)
    var file = try Safetensors(contentsOf: directory.file("checkpoint"))
    let key = "convnet.checkpoint"
    let text = try #require(file.metadata[key])
    var state = try #require(
      JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    var recipe = try #require(state["recipe"] as? [String: Any])
    for part in ["optimizer", "schedule", "objective"] {
      var kept = try #require(recipe[part] as? [String: Any])
      let removed = kept.removeValue(forKey: "fields")
      let fields = try #require(removed)
      kept["settings"] = String(
        decoding: try JSONSerialization.data(withJSONObject: fields), as: UTF8.self)
      recipe[part] = kept
    }
    state["recipe"] = recipe
    file.metadata[key] = String(
      decoding: try JSONSerialization.data(withJSONObject: state), as: UTF8.self)
    try file.write(to: path)
    let back = try Checkpoint(loading: path)
    var model = Model(smallNetwork(), seed: 1)
    var resumed = model
    let data = try syntheticData(count: 50, extent: 8)
    let validation = try syntheticData(count: 20, extent: 8)
    try momentumTrainer.fit(
      &model, on: data, validating: validation, epochs: 2, resuming: checkpoint
    ) { _, _ in }
    try momentumTrainer.fit(
      &resumed, on: data, validating: validation, epochs: 2, resuming: back
    ) { _, _ in }
    #expect(resumed.parameters == model.parameters)
  }

  @Test("files that are no checkpoints, or damaged ones, are refused with a typed error")
  func damaged() throws {
    let directory = try TemporaryDirectory()
    _ = try checkpoint(directory, epochs: 1)
    let path = directory.file("checkpoint")
    let good = try Safetensors(contentsOf: path)
    let bytes = try fileBytes(path)

    try directory.write(Array(bytes.dropLast()), to: "short")
    #expect(throws: SafetensorsError.self) { try Checkpoint(loading: directory.file("short")) }
    #expect(throws: FileError.self) { try Checkpoint(loading: directory.file("missing")) }

    let model = directory.file("model")
    try Model(smallNetwork()).save(to: model)
    var error = #expect(throws: TrainingError.self) { try Checkpoint(loading: model) }
    #expect(error.map { "\($0)".contains("is no checkpoint") } == true)

    for text in ["", "{}", "[1]", "{\"step\":-1}"] {
      var other = good
      other.metadata["convnet.checkpoint"] = text
      try other.write(to: path)
      error = #expect(throws: TrainingError.self) { try Checkpoint(loading: path) }
      #expect(error.map { "\($0)".contains("damaged") } == true)
    }
  }

  @Test("velocities that are missing or too short are refused before they are read past their end")
  func velocities() throws {
    let directory = try TemporaryDirectory()
    _ = try checkpoint(directory, epochs: 1)
    let path = directory.file("checkpoint")
    for replacement in [nil, Tensor(zeros: [1]), Tensor(zeros: [4, 108], elementType: .float16)] {
      var file = try Safetensors(contentsOf: path)
      file.tensors["velocity/dense1.weight"] = replacement
      let other = directory.file("other")
      try file.write(to: other)
      let loaded = try Checkpoint(loading: other)
      let error = #expect(throws: TrainingError.self) {
        try loaded.requireFit(for: momentumTrainer, Model(smallNetwork()))
      }
      #expect(error.map { "\($0)".contains("velocity of dense1.weight") } == true)
    }
  }
}
