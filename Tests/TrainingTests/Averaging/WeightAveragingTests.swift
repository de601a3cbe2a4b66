import ConvNetDatasets
import ConvNetEngine
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

/// Keeps the weights as they are, as somebody outside the package would write it.
private struct Newest: WeightAveraging {
  static let name = "test.newest"
  var statisticsBatches: Int { 0 }
  func share(ofUpdate number: Int) -> Float { 1 }
}

@Suite("Averaged weights") struct WeightAveragingTests {
  /// Wide enough that threads share the update, and blocks of it are taken.
  private let wide = Network("wide", input: .features(64)) {
    Dense(600)
    Tanh()
    Dense(3)
  }

  /// The weights after each of some steps, and what a model then is given.
  private func course(
    _ averaging: (any WeightAveraging)?, steps: Int = 5, threads: Int = 1,
    optimizer: any Optimizer = .sgd(momentum: 0.9)
  ) throws -> (weights: [[String: Tensor]], model: Model, session: TrainingSession) {
    var model = Model(wide, seed: 1)
    var trainer = Trainer(
      optimizer: optimizer, schedule: .constant(0.1), compute: ComputeOptions(threads: threads))
    trainer.averaging = averaging
    let session = try TrainingSession(model, trainer: trainer)
    let step = try session.step(batch: 4)
    var weights: [[String: Tensor]] = []
    for seed in 0..<UInt64(steps) {
      try step.executable.write(.random([4, 64], seed: seed), to: model.inputName)
      try step.executable.write(
        .randomClasses(3, examples: 4, seed: seed), to: TrainingGraph.labelsName)
      try session.run(step)
      weights.append(session.store.values)
    }
    session.update(&model)
    return (weights, model, session)
  }

  @Test(
    "the average is that of all weights since the beginning, with the weights of its formula",
    arguments: [1, 2],
    [
      .exponential(decay: 0.5), .exponential(decay: 0.75, beginning: .slow), .polyak(),
      .polyak(skippedUpdates: 2),
    ] as [any WeightAveraging])
  func formula(threads: Int, averaging: any WeightAveraging) throws {
    let (weights, model, _) = try course(averaging, threads: threads)
    let plain = try course(nil, threads: threads)
    // The training goes on with the weights as they are.
    #expect(weights.last == plain.weights.last)
    #expect(model.parameters != plain.model.parameters)
    let first = Model(wide, seed: 1).parameters
    for (name, average) in model.parameters {
      var expected = try #require(first[name]).elements.map(Double.init)
      switch averaging {
      case let average as ExponentialAverage where average.beginning == .corrected:
        // The sum of decay^(5 - t) w_t over that of the weights.
        let shares = (0..<5).map { pow(0.5, Double(4 - $0)) }
        let sum = shares.reduce(0, +)
        expected = expected.map { _ in 0 }
        for (share, values) in zip(shares, weights) {
          for (place, value) in try #require(values[name]).elements.enumerated() {
            expected[place] += share / sum * Double(value)
          }
        }
      case is ExponentialAverage:
        for (step, values) in weights.enumerated() {
          let decay = min(0.75, Double(step + 2) / Double(step + 11))
          for (place, value) in try #require(values[name]).elements.enumerated() {
            expected[place] = decay * expected[place] + (1 - decay) * Double(value)
          }
        }
      default:
        let skipped = (averaging as? PolyakAverage)?.skippedUpdates ?? 0
        expected = expected.map { _ in 0 }
        for values in weights.dropFirst(skipped) {
          for (place, value) in try #require(values[name]).elements.enumerated() {
            expected[place] += Double(value) / Double(5 - skipped)
          }
        }
      }
      for (value, expected) in zip(average.elements, expected) {
        #expect(abs(Double(value) - expected) < 1e-6, "\(name)")
      }
    }
  }

  @Test(
    "an average of the newest weights is the newest, whichever optimizer moved them",
    arguments: [.sgd(momentum: 0.9), .adamW(), .lars(trust: 0.1)] as [any Optimizer])
  func newest(optimizer: any Optimizer) throws {
    let (weights, model, _) = try course(Newest(), optimizer: optimizer)
    #expect(model.parameters == weights.last)
  }

  @Test("after the first update an average has nothing of the beginning")
  func beginning() throws {
    let (weights, model, _) = try course(.exponential(decay: 0.9999), steps: 1)
    #expect(model.parameters == weights[0])
    let untouched = try course(.exponential(decay: 0.9999), steps: 0)
    #expect(untouched.model.parameters == Model(wide, seed: 1).parameters)
  }

  private var normalized: Network {
    Network("normalized", input: .image(height: 8, width: 8, channels: 1)) {
      Conv2D(4, kernel: 3, bias: false)
      BatchNorm(runningVariance: .sample)
      ReLU()
      GlobalPool.average
      Dense(4)
    }
  }

  @Test("a resumed training has the same averages, byte for byte, and a checkpoint gives them")
  func resumes() throws {
    let data = try syntheticData(count: 40, extent: 8)
    var trainer = momentumTrainer
    trainer.averaging = .exponential(decay: 0.8, statisticsBatches: 2)
    let directory = try TemporaryDirectory()
    var (whole, weights) = (Model(normalized, seed: 1), [String: Tensor]())
    try trainer.fit(&whole, on: data, validating: data, epochs: 3) { report, checkpoint in
      if report.epoch == 1 { try checkpoint.save(to: directory.file("checkpoint")) }
      weights = try checkpoint.model().parameters
    }
    for (name, values) in weights where !name.contains("running") {
      #expect(values == whole.parameters[name])
    }
    let checkpoint = try Checkpoint(loading: directory.file("checkpoint"))
    var resumed = Model(normalized, seed: 1)
    try trainer.fit(&resumed, on: data, validating: data, epochs: 3, resuming: checkpoint) { _, _ in
    }
    #expect(resumed.parameters == whole.parameters)
    trainer.averaging = nil
    let error = #expect(throws: TrainingError.self) {
      try checkpoint.requireFit(for: trainer, resumed)
    }
    #expect(error.map { "\($0)".contains("decay 0.8") && "\($0)".contains("as they are") } == true)
  }

  @Test("statistics are the means of those that batches have with the averaged weights")
  func statistics() throws {
    // Four batches of 8, all of one size.
    let data = try syntheticData(count: 32, extent: 8)
    var trainer = momentumTrainer
    trainer.batchSize = 8
    trainer.averaging = .exponential(decay: 0.8, statisticsBatches: 100)
    var model = Model(normalized, seed: 1)
    try trainer.fit(&model, on: data, epochs: 2)
    // Naively: the convolution's outputs for every picture, in the batches of the second epoch.
    let kernel = try #require(model.parameters["conv1.weight"]).elements.map(Double.init)
    let loader = try BatchLoader(
      data, batchSize: 8, preprocessing: try #require(model.preprocessing),
      shuffleSeed: trainer.seed)
    loader.start(epoch: 1)
    var (means, variances, batches) = ([0.0, 0, 0, 0], [0.0, 0, 0, 0], 0.0)
    while let batch = try loader.next() {
      let pictures = batch.withImages { images in images.indices.map { Double(images[$0]) } }
      for channel in 0..<4 {
        var outputs: [Double] = []
        for n in 0..<8 {
          for row in 0..<6 {
            for column in 0..<6 {
              var sum = 0.0
              for i in 0..<3 {
                for j in 0..<3 {
                  sum +=
                    kernel[channel * 9 + i * 3 + j]
                    * pictures[n * 64 + (row + i) * 8 + column + j]
                }
              }
              outputs.append(sum)
            }
          }
        }
        let mean = outputs.reduce(0, +) / Double(outputs.count)
        means[channel] += mean
        variances[channel] +=
          outputs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(outputs.count - 1)
      }
      batches += 1
    }
    #expect(batches == 4)
    for (name, sums) in [("bn1.running_mean", means), ("bn1.running_var", variances)] {
      for (value, sum) in zip(try #require(model.parameters[name]).elements, sums) {
        #expect(abs(Double(value) - sum / batches) < 1e-4 * max(1, abs(sum)), "\(name)")
      }
    }
    // Those of the training are others.
    trainer.averaging = .exponential(decay: 0.8, statisticsBatches: 0)
    var other = Model(normalized, seed: 1)
    try trainer.fit(&other, on: data, epochs: 2)
    #expect(other.parameters["conv1.weight"] == model.parameters["conv1.weight"])
    #expect(other.parameters["bn1.running_mean"] != model.parameters["bn1.running_mean"])
  }

  @Test(
    "settings that make no sense are refused",
    arguments: [
      .exponential(decay: 1), .exponential(decay: -0.1), .exponential(statisticsBatches: -1),
      .polyak(skippedUpdates: -1), .polyak(statisticsBatches: -1),
    ] as [any WeightAveraging])
  func refused(averaging: any WeightAveraging) {
    var trainer = momentumTrainer
    trainer.averaging = averaging
    #expect(throws: TrainingError.self) { try trainer.validate(epochs: 1) }
  }
}
