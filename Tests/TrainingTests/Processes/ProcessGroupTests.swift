import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetProcessSupport
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("Processes that train together") struct ProcessGroupTests {
  /// Random numbers in the network and in pictures; no statistics over a batch, which would be of parts.
  private static func network(isNormalized: Bool = false) -> Network {
    Network("joint", input: .image(height: 8, width: 8, channels: 1)) {
      Conv2D(3, kernel: 3)
      if isNormalized { BatchNorm() }
      ReLU()
      Flatten()
      Dropout(0.2)
      Dense(4)
    }
  }

  private static let trainer = Trainer(
    optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .plateau(from: 0.02),
    gradientTransforms: [.clipping(norm: 1)], augmentation: [.randomCrop(padding: 1)],
    batchSize: 16, seed: 7, compute: ComputeOptions(threads: 1))

  private struct Outcome: Sendable {
    var parameters: [String: Tensor]
    var training: [ClassificationMetrics]
    var validation: [ClassificationMetrics?]
    var confusion: ConfusionMatrix?
    var norms: [Double]
  }

  /// What a process comes to.
  private static func outcome(
    of processes: (any ProcessGroup)?, isNormalized: Bool = false, isJoint: Bool = false,
    epochs: Int = 2,
    keeping path: String? = nil, resuming checkpoint: Checkpoint? = nil
  ) throws -> Outcome {
    var trainer = Self.trainer
    trainer.processes = processes
    trainer.normalizesJointly = isJoint
    var model = Model(network(isNormalized: isNormalized), seed: 1)
    let log = Log(keeping: processes?.rank ?? 0 == 0 ? path : nil)
    try trainer.fit(
      &model, on: syntheticData(count: 50, extent: 8),
      validating: syntheticData(count: 21, extent: 8, seed: 2), epochs: epochs,
      resuming: checkpoint, loggers: [log])
    return Outcome(
      parameters: model.parameters, training: log.epochs.map(\.training),
      validation: log.epochs.map(\.validation), confusion: log.confusion, norms: log.norms)
  }

  private static func expectNear(_ one: Outcome, _ other: Outcome, _ tolerance: Float = 2e-5) {
    #expect(one.parameters.count == other.parameters.count)
    for (name, values) in one.parameters {
      let others = other.parameters[name]?.elements ?? []
      #expect(values.elements.count == others.count)
      let largest = zip(values.elements, others).map { abs($0 - $1) }.max() ?? .nan
      #expect(largest <= tolerance, "\(name)")
    }
    for (own, others) in zip(one.training, other.training) {
      #expect(own.samples == others.samples && abs(own.loss - others.loss) < 1e-5)
      #expect(own.top1 == others.top1 && own.top5 == others.top5)
    }
    #expect(one.training.count == other.training.count)
    for (own, others) in zip(one.validation, other.validation) {
      #expect(own?.samples == others?.samples && own?.top1 == others?.top1)
    }
    #expect(one.confusion == other.confusion && one.confusion != nil)
    #expect(zip(one.norms, other.norms).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  @Test("come to what one comes to, but for the order of sums", arguments: [2, 3, 4])
  func equality(count: Int) throws {
    let alone = try Self.outcome(of: nil)
    let together = try ThreadProcesses.run(count) { try Self.outcome(of: $0) }.map { try $0.get() }
    for outcome in together {
      #expect(outcome.parameters == together[0].parameters)
      Self.expectNear(outcome, alone)
    }
  }

  @Test("normalize by the samples of all, and come to what one comes to", arguments: [2, 3])
  func jointNormalization(count: Int) throws {
    let alone = try Self.outcome(of: nil, isNormalized: true)
    let together = try ThreadProcesses.run(count) {
      try Self.outcome(of: $0, isNormalized: true, isJoint: true)
    }.map { try $0.get() }
    for outcome in together {
      #expect(outcome.parameters == together[0].parameters)
      Self.expectNear(outcome, alone, 2e-4)
    }
    let apart = try ThreadProcesses.run(count) { try Self.outcome(of: $0, isNormalized: true) }[0]
      .get()
    #expect(apart.parameters != together[0].parameters)
  }

  @Test("come to the same bytes again, with normalization too", arguments: [2, 3])
  func sameBytes(count: Int) throws {
    let runs = try (0..<2).map { _ in
      try ThreadProcesses.run(count) { try Self.outcome(of: $0, isNormalized: true) }
        .map { try $0.get() }
    }
    #expect(runs[0].map(\.parameters) == runs[1].map(\.parameters))
    // The running statistics of one are those of all.
    for outcome in runs[0] { #expect(outcome.parameters == runs[0][0].parameters) }
  }

  @Test(
    "come to the same bytes whether sums go on beside the backward pass or after it",
    arguments: [2, 3])
  func sumsBesideWork(count: Int) throws {
    let runs = try [false, true].map { isBeside in
      try ThreadProcesses.run(count, sumsBesideWork: isBeside) {
        try Self.outcome(of: $0, isNormalized: true, isJoint: $0.count == 3)
      }.map { try $0.get() }
    }
    #expect(runs[0].map(\.parameters) == runs[1].map(\.parameters))
    #expect(runs[0].map(\.norms) == runs[1].map(\.norms))
  }

  @Test("the running statistics are of the samples of all")
  func statistics() throws {
    // Without any learning the normalization's own samples change nothing of what comes before it.
    @Sendable func means(_ processes: (any ProcessGroup)?) throws -> [Float] {
      var trainer = Self.trainer
      (trainer.processes, trainer.schedule) = (processes, .constant(1e-12))
      var model = Model(Self.network(isNormalized: true), seed: 1)
      try trainer.fit(&model, on: syntheticData(count: 50, extent: 8), epochs: 1, loggers: [])
      let name = try #require(model.parameters.keys.first { $0.hasSuffix("mean") })
      return model.parameters[name]?.elements ?? []
    }
    let alone = try means(nil)
    for result in ThreadProcesses.run(3, { try means($0) }) {
      let together = try result.get()
      #expect(zip(alone, together).allSatisfy { abs($0 - $1) < 1e-5 * max(1, abs($0)) })
      #expect(together.count == 3 && together.allSatisfy { $0 != 0 })
    }
  }

  @Test("go on where others were, of another number too", arguments: [1, 2, 4])
  func resuming(count: Int) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("checkpoint")
    let whole = try ThreadProcesses.run(4) { try Self.outcome(of: $0, epochs: 3) }[0].get()
    _ = try ThreadProcesses.run(4) { try Self.outcome(of: $0, epochs: 1, keeping: path) }[0].get()
    let checkpoint = try Checkpoint(loading: path)
    #expect(checkpoint.processCount == 4)
    let resumed = try ThreadProcesses.run(count) {
      try Self.outcome(of: count == 1 ? nil : $0, epochs: 3, resuming: checkpoint)
    }[0].get()
    if count == 4 {
      #expect(resumed.parameters == whole.parameters)
    } else {
      for (name, values) in whole.parameters {
        let others = resumed.parameters[name]?.elements ?? []
        #expect(zip(values.elements, others).allSatisfy { abs($0 - $1) < 2e-5 }, "\(name)")
      }
    }
  }

  @Test("are refused where one would train something else, all with the same words")
  func refusals() throws {
    func words(_ body: @escaping @Sendable (Int, inout Trainer, inout Int) -> Void) throws -> String
    {
      let results = ThreadProcesses.run(3) { group in
        var trainer = Self.trainer
        var count = 50
        body(group.rank, &trainer, &count)
        trainer.processes = group
        var model = Model(Self.network(), seed: 1)
        try trainer.fit(
          &model, on: syntheticData(count: count, extent: 8), epochs: 1, loggers: [])
      }
      let all = results.map { result in
        do {
          try result.get()
          return "none"
        } catch { return "\(error)" }
      }
      #expect(Set(all).count == 1, "\(all)")
      return all[0]
    }
    #expect(
      try words { rank, trainer, _ in if rank == 1 { trainer.seed = 8 } }
        == "the seed of process 1 is 8, of process 0 7; all processes train the same network on the same data"
    )
    #expect(
      try words { rank, trainer, _ in if rank == 2 { trainer.optimizer = .sgd(momentum: 0.8) } }
        .hasPrefix("the recipe of process 2 is "))
    #expect(
      try words { rank, _, count in if rank == 2 { count = 49 } }
        .hasPrefix("the training data of process 2 is "))
    #expect(
      try words { _, trainer, _ in trainer.batchSize = 2 }
        == "batch size is 2, must be at least 3, a sample for each of the processes")
  }

  @Test("stop together where one is asked to", arguments: [0, 1])
  func stopping(rank: Int) {
    let results = ThreadProcesses.run(2) { group in
      var trainer = Self.trainer
      trainer.processes = group
      var model = Model(Self.network(), seed: 1)
      try trainer.fit(
        &model, on: syntheticData(count: 50, extent: 8), epochs: 3,
        loggers: [Log(stoppingAfter: group.rank == rank ? 5 : .max)])
    }
    for result in results {
      #expect(throws: TrainingError.stopped(epoch: 2)) { try result.get() }
    }
  }

  @Test("the one that all wait for is known by its own time")
  func slowness() {
    func slow(_ own: [(seconds: Double, data: Double, exchange: Double)]) -> Int? {
      let all = own.enumerated().map {
        ProcessTimes(
          rank: $0, seconds: $1.seconds, dataWaitSeconds: $1.data, exchangeSeconds: $1.exchange)
      }
      return ProcessTimes.slow(among: all)?.rank
    }
    // All take as long; who waits least for the others is waited for.
    #expect(slow([(10, 0, 4), (10, 0, 4.5), (10, 0, 1)]) == 2)
    #expect(slow([(10, 6, 1), (10, 0, 4), (10, 0, 4)]) == 0)
    #expect(slow([(10, 0, 4), (10, 0, 4.5), (10, 0, 3.5)]) == nil)
    #expect(slow([(10, 0, 1)]) == nil && slow([]) == nil)
  }

  @Test("tell how each spent its time")
  func times() throws {
    let results = ThreadProcesses.run(3) { group in
      var trainer = Self.trainer
      trainer.processes = group
      var model = Model(Self.network(), seed: 1)
      let log = Log()
      try trainer.fit(
        &model, on: syntheticData(count: 50, extent: 8), epochs: 2, loggers: [log])
      return log.epochs.map { $0.processes ?? [] }
    }
    let all = try results.map { try $0.get() }
    for epochs in all {
      #expect(epochs == all[0] && epochs.count == 2)
      for times in epochs {
        #expect(times.map(\.rank) == [0, 1, 2])
        #expect(times.allSatisfy { !$0.machine.isEmpty && $0.computeSeconds > 0 })
        #expect(times.allSatisfy { $0.exchangeSeconds > 0 && $0.dataWaitSeconds >= 0 })
      }
    }
  }

  @Test("sum gradients of all sizes, weighed by their samples")
  func buckets() throws {
    let counts = [1, 7, 70_000, 3, 65_535, 65_536, 12, 0, 40_000, 40_000]
    let results = ThreadProcesses.run(3) { group -> [[Float]] in
      let share = [0.5, 0.25, 0.25][group.rank] as Float
      let memory = counts.map { UnsafeMutableBufferPointer<Float>.allocate(capacity: $0) }
      defer { for memory in memory { memory.deallocate() } }
      for (place, values) in memory.enumerated() {
        for index in values.indices {
          values.initializeElement(at: index, to: Float((index + place) % 97 * (group.rank + 1)))
        }
      }
      try GradientBuckets(group, counts: counts).average(memory, share: share)
      return memory.map { Array($0) }
    }
    for result in results {
      for (place, values) in try result.get().enumerated() {
        #expect(values.count == counts[place])
        for (index, value) in values.enumerated() where value != Float((index + place) % 97) * 1.75
        {
          Issue.record("gradient \(place), element \(index): \(value)")
          return
        }
      }
    }
  }
}

/// What a training said.
private final class Log: TrainingLogger {
  private let path: String?
  private let last: Int
  private var steps = 0
  private(set) var epochs: [EpochReport] = []
  private(set) var norms: [Double] = []
  private(set) var confusion: ConfusionMatrix?

  init(keeping path: String? = nil, stoppingAfter last: Int = .max) {
    (self.path, self.last) = (path, last)
  }

  var asksToStop: Bool { steps >= last }

  func stepEnded(_ step: StepReport, of training: TrainingInProgress) {
    steps += 1
    norms.append(step.gradientNorm)
  }

  func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) throws {
    epochs.append(epoch)
    confusion = training.assessment?.confusion
    if let path { try training.checkpoint().save(to: path) }
  }
}
