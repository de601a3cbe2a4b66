import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
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

private let (examples, channels, height, width) = (8, 3, 2, 2)
/// Of the channels. The first has a variance of 0.0001, which beside the 1 that averages begin at is lost in single precision.
private let (scales, offsets): ([Float], [Float]) = ([0.002, 0.5, 30], [0, 1, -100])

/// The same small numbers as in Fixtures/make_statistics_fixtures.py, in order [N, H, W, C].
private func batch(_ step: Int) -> Tensor {
  var values: [Float] = []
  for n in 0..<examples {
    for h in 0..<height {
      for w in 0..<width {
        for c in 0..<channels {
          let number = (step * step * 7 + n * 11 + c * 5 + h * 3 + w * 23) % 17
          values.append(scales[c] * Float(number) + offsets[c])
        }
      }
    }
  }
  return Tensor(values, shape: [examples, height, width, channels])
}

/// Mean and variance of each channel of a batch, in double precision.
private func statistics(_ step: Int) -> (mean: [Double], variance: [Double]) {
  let values = batch(step).elements.map(Double.init)
  let count = Double(values.count / channels)
  let rows = (0..<channels).map { c in
    stride(from: c, to: values.count, by: channels).map { values[$0] }
  }
  let means = rows.map { $0.reduce(0, +) / count }
  let variances = zip(rows, means).map { row, mean in
    row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
  }
  return (means, variances)
}

/// What a training of batches `steps` has seen: every batch weighs momentum to the power of its age, and all together one.
private func seen(
  _ steps: Range<Int>, momentum: Float
) -> (mean: [Double], variance: [Double]) {
  var (mean, variance) = ([Double](repeating: 0, count: 3), [Double](repeating: 0, count: 3))
  var total = 0.0
  for step in steps {
    let weight = pow(Double(momentum), Double(steps.upperBound - 1 - step))
    let fresh = statistics(step)
    for c in 0..<channels {
      mean[c] += weight * fresh.mean[c]
      variance[c] += weight * fresh.variance[c]
    }
    total += weight
  }
  return (mean.map { $0 / total }, variance.map { $0 / total })
}

private func network(_ normalization: BatchNorm = BatchNorm()) -> Network {
  Network("n", input: .image(height: height, width: width, channels: channels)) {
    normalization
    Flatten()
    Dense(2)
  }
}

/// A training of a model by some of the batches.
private func session(
  _ model: Model, after steps: Range<Int>
) throws -> TrainingSession {
  var trainer = momentumTrainer
  trainer.schedule = .constant(1e-6)
  let session = try TrainingSession(model, trainer: trainer)
  let step = try session.step(batch: examples)
  for number in steps {
    try step.executable.write(batch(number), to: model.inputName)
    try step.executable.write(
      .randomClasses(2, examples: examples, seed: 1), to: TrainingGraph.labelsName)
    try session.run(step)
  }
  return session
}

private func expect(
  _ actual: Tensor?, near expected: [Double], within tolerance: Double = 1e-5,
  _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let actual = try #require(actual, sourceLocation: sourceLocation).elements
  for (value, expected) in zip(actual, expected) {
    #expect(
      abs(Double(value) - expected) <= tolerance * abs(expected), comment,
      sourceLocation: sourceLocation)
  }
}

@Suite("Running statistics") struct RunningStatisticsTests {
  @Test(
    "after any number of steps a model has the statistics of what was seen",
    arguments: [1, 2, 10, 1000], [0, 0.9, 0.99, 0.999] as [Float])
  func exact(steps: Int, momentum: Float) throws {
    var model = Model(network(BatchNorm(momentum: momentum)))
    try session(model, after: 0..<steps).update(&model)
    let expected = seen(0..<steps, momentum: momentum)
    try expect(model.parameters["bn1.running_mean"], near: expected.mean, "mean")
    try expect(model.parameters["bn1.running_var"], near: expected.variance, "variance")
    #expect(model.parameters.keys.sorted() == Model(network()).parameters.keys.sorted())
  }

  @Test("the training itself keeps averages from 0 and 1, as the lecture has them")
  func stored() throws {
    let store = try session(Model(network()), after: 0..<1).store
    let fresh = statistics(0)
    try expect(store["bn1.running_mean"], near: fresh.mean.map { 0.01 * $0 }, "mean")
    try expect(
      store["bn1.running_var"], near: fresh.variance.map { 0.99 + 0.01 * $0 }, "variance")
  }

  private struct Stored: Decodable {
    var steps: Int
    var mean: [Double]
    var variance: [Double]
  }

  @Test("and equal what PyTorch stores")
  func pytorch() throws {
    let rows = try JSONDecoder().decode(
      [Stored].self, from: Data(fileBytes(fixturePath("statistics.json"))))
    #expect(rows.count == 4)
    let model = Model(network(BatchNorm(runningVariance: .sample)))
    for row in rows {
      let store = try session(model, after: 0..<row.steps).store
      try expect(store["bn1.running_mean"], near: row.mean, "mean after \(row.steps)")
      try expect(store["bn1.running_var"], near: row.variance, "variance after \(row.steps)")
    }
  }

  @Test("the sample variance is freed of its beginning, too")
  func sampleVariance() throws {
    var model = Model(network(BatchNorm(runningVariance: .sample)))
    try session(model, after: 0..<3).update(&model)
    let count = Double(examples * height * width)
    try expect(
      model.parameters["bn1.running_var"],
      near: seen(0..<3, momentum: 0.99).variance.map { $0 * count / (count - 1) }, "variance")
  }

  @Test("before the first step, and where nothing is let in, mean and variance are 0 and 1")
  func nothingSeen() throws {
    for (momentum, steps) in [(0.99, 0), (1, 3)] as [(Float, Int)] {
      var model = Model(network(BatchNorm(momentum: momentum)))
      try session(model, after: 0..<steps).update(&model)
      #expect(model.parameters["bn1.running_mean"]?.elements == [0, 0, 0])
      #expect(model.parameters["bn1.running_var"]?.elements == [1, 1, 1])
    }
  }

  @Test("statistics that a file brings count as old")
  func loaded() throws {
    let directory = try TemporaryDirectory()
    var trained = Model(network())
    try session(trained, after: 0..<4).update(&trained)
    let path = directory.file("model")
    try trained.save(to: path)
    var models = [try Model(loading: path), Model(network()), Model(network()), trained]
    #expect(try models[1].takeParameters(from: path).left.isEmpty)
    try models[2].loadParameters(from: path)
    // The model knew their age, but they are a file's now.
    try models[3].loadParameters(from: path)
    let (old, fresh) = (seen(0..<4, momentum: 0.99), statistics(4))
    for var model in models {
      try session(model, after: 4..<5).update(&model)
      try expect(
        model.parameters["bn1.running_mean"],
        near: zip(old.mean, fresh.mean).map { 0.99 * $0 + 0.01 * $1 }, "mean")
      try expect(
        model.parameters["bn1.running_var"],
        near: zip(old.variance, fresh.variance).map { 0.99 * $0 + 0.01 * $1 }, "variance")
    }
  }

  @Test("statistics of a file that has seen nothing begin with the training")
  func untrainedFile() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model")
    try Model(network()).save(to: path)
    var model = try Model(loading: path)
    try session(model, after: 0..<2).update(&model)
    try expect(
      model.parameters["bn1.running_var"], near: seen(0..<2, momentum: 0.99).variance, "variance")
  }

  @Test("of a network that a file fits in part, old and new layers have their own age")
  func mixed() throws {
    func network(second: Int) -> Network {
      Network("n", input: .image(height: height, width: width, channels: channels)) {
        BatchNorm()
        Flatten()
        Dense(second)
        BatchNorm()
        Dense(2)
      }
    }
    let directory = try TemporaryDirectory()
    let path = directory.file("model")
    var trained = Model(network(second: 4))
    try session(trained, after: 0..<4).update(&trained)
    try trained.save(to: path)
    var model = Model(network(second: 5))
    #expect(
      try model.takeParameters(from: path, minimumShare: 0).left.contains {
        $0.name == "bn2.running_var"
      })
    let session = try session(model, after: 4..<5)
    session.update(&model)
    let (old, fresh) = (seen(0..<4, momentum: 0.99), statistics(4))
    try expect(
      model.parameters["bn1.running_var"],
      near: zip(old.variance, fresh.variance).map { 0.99 * $0 + 0.01 * $1 }, "old")
    // Of one step: the whole batch's, of which the training's own average has a hundredth.
    let stored = try #require(session.store["bn2.running_mean"]).elements
    try expect(
      model.parameters["bn2.running_mean"], near: stored.map { Double($0) / (1 - 0.99) }, "new")
  }

  @Test("a training after a training weighs all their batches as one would have")
  func twice() throws {
    var model = Model(network())
    for steps in [0..<3, 3..<4, 4..<9] { try session(model, after: steps).update(&model) }
    let expected = seen(0..<9, momentum: 0.99)
    try expect(model.parameters["bn1.running_mean"], near: expected.mean, "mean")
    try expect(model.parameters["bn1.running_var"], near: expected.variance, "variance")
  }

  @Test("a checkpoint keeps their age, and without it is refused")
  func checkpoint() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("checkpoint")
    let data = try syntheticData(count: 48, extent: 8)
    var models = [Model(smallNetwork()), Model(smallNetwork())]
    for epoch in 1...3 {
      let checkpoint = epoch > 1 ? try Checkpoint(loading: path) : nil
      try momentumTrainer.fit(&models[0], on: data, epochs: epoch, resuming: checkpoint) {
        try $1.save(to: path)
      }
    }
    try momentumTrainer.fit(&models[1], on: data, epochs: 3)
    #expect(models[0].parameters == models[1].parameters)
    #expect(models[0].averageAges == ["bn1.running_var": 9])

    var file = try Safetensors(contentsOf: path)
    file.tensors["bn1.running_var/seen"] = nil
    try file.write(to: directory.file("other"))
    let lacking = try Checkpoint(loading: directory.file("other"))
    var error = #expect(throws: TrainingError.self) {
      try momentumTrainer.fit(&models[0], on: data, epochs: 4, resuming: lacking) { _, _ in }
    }
    #expect(error.map { "\($0)".contains("average of bn1.running_var") } == true)

    let text = try #require(file.metadata["convnet.checkpoint"])
    for (old, new, says) in [
      ("\"format\":4,", "", "another version"),
      ("\"format\":4,", "\"format\":2,", "another version"),
      ("\"bn1.running_var\":0", "", "damaged"),
      ("\"bn1.running_var\":0", "\"bn1.running_var\":10", "before step 10"),
      ("\"bn1.running_var\":0", "\"bn1.running_var\":-9223372036854775808", "damaged"),
    ] {
      var other = try Safetensors(contentsOf: path)
      let changed = text.replacingOccurrences(of: old, with: new)
      #expect(changed != text)
      other.metadata["convnet.checkpoint"] = changed
      // An empty dictionary says that all are old: then there is an average too many, which does no harm.
      if new.isEmpty, says == "damaged" {
        other.metadata["convnet.checkpoint"] = changed.replacingOccurrences(
          of: "\"averageBeginnings\":{},", with: "")
      }
      try other.write(to: directory.file("other"))
      error = #expect(throws: TrainingError.self) {
        try Checkpoint(loading: directory.file("other"))
      }
      #expect(error.map { "\($0)".contains(says) } == true, "\(error as Any)")
    }
  }

  @Test(
    "a checkpoint, whose averages are a training's own, is not taken for a model or its weights")
  func checkpointAsWeights() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("checkpoint")
    var model = Model(smallNetwork())
    try momentumTrainer.fit(&model, on: syntheticData(count: 16, extent: 8), epochs: 1) {
      try $1.save(to: path)
    }
    for take in [
      { _ = try $0.takeParameters(from: path) }, { try $0.loadParameters(from: path) },
      { $0 = try Model(loading: path) },
    ] as [(inout Model) throws -> Void] {
      let error = #expect(throws: ModelFileError.self) { try take(&model) }
      #expect(error?.problem == .checkpoint)
    }
  }

  @Test("ResNet-20 tells red from blue in validation as it does in training, after two epochs")
  func redAndBlue() throws {
    var random = RandomNumbers(RandomKey(seed: 4, purpose: .input))
    func pictures(_ count: Int) throws -> IDXDataset {
      let labels = (0..<count).map { UInt8($0 % 2) }
      var pixels: [UInt8] = []
      for label in labels {
        for _ in 0..<16 * 16 {
          for base in label == 0 ? [150, 50, 50] : [50, 50, 150] {
            pixels.append(UInt8(base + Int.random(in: -50...50, using: &random)))
          }
        }
      }
      return try IDXDataset(
        name: "colors", images: Tensor(pixels, shape: [count, 16, 16, 3]), labels: Tensor(labels),
        classNames: ["red", "blue"])
    }
    let entry = try #require(ModelRegistry["resnet20"])
    var options = entry.defaults
    (options.height, options.width, options.classes) = (16, 16, 2)
    var model = Model(entry.build(options), seed: 1)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .plateau(from: 0.01),
      batchSize: 16, compute: ComputeOptions(threads: 1))
    var reports: [EpochReport] = []
    try trainer.fit(&model, on: pictures(128), validating: pictures(64), epochs: 2) {
      reports.append($0)
    }
    let last = try #require(reports.last)
    #expect(last.training.top1 > 0.95)
    #expect(try #require(last.validation).top1 > 0.95)
  }
}
