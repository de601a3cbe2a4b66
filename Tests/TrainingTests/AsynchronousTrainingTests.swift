import ConvNetDatasets
import ConvNetEngine
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTraining
import Foundation
import Synchronization
import Testing

@Suite("A training on a thread of its own") struct AsynchronousTrainingTests {
  /// What an application has: a model that only it touches, and other things to do.
  private actor Owner {
    var model = Model(smallNetwork(), seed: 1)
    private(set) var answers = 0

    func answer() -> Int {
      answers += 1
      return answers
    }

    func train(_ data: any Dataset, epochs: Int, _ loggers: [any TrainingLogger & Sendable])
      async throws
    {
      var trained = model
      defer { model = trained }
      try await momentumTrainer.fit(
        &trained, on: data, validating: data, epochs: epochs, loggers: loggers)
    }
  }

  /// Lets the training go on only when it is told to.
  private final class Gate: TrainingLogger, Sendable {
    let reached = Atomic(false)
    let isOpen = Atomic(false)

    func stepEnded(_ step: StepReport, of training: TrainingInProgress) {
      reached.store(true, ordering: .sequentiallyConsistent)
      while !isOpen.load(ordering: .sequentiallyConsistent) {
        Thread.sleep(forTimeInterval: 0.001)
      }
    }
  }

  @Test("its actor answers meanwhile, and the model is the one of the form that waits")
  func answers() async throws {
    let data = try syntheticData(count: 48, extent: 8)
    let (owner, gate) = (Owner(), Gate())
    let training = Task { try await owner.train(data, epochs: 2, [gate]) }
    while !gate.reached.load(ordering: .sequentiallyConsistent) { await Task.yield() }
    for expected in 1...100 { #expect(await owner.answer() == expected) }
    gate.isOpen.store(true, ordering: .sequentiallyConsistent)
    try await training.value
    #expect(try await owner.model.parameters == Self.waited(data, epochs: 2).parameters)
  }

  private static func waited(_ data: any Dataset, epochs: Int) throws -> Model {
    var model = Model(smallNetwork(), seed: 1)
    try momentumTrainer.fit(&model, on: data, validating: data, epochs: epochs)
    return model
  }

  private final class Counter: TrainingLogger, Sendable {
    let epochs = Atomic(0)
    let ended = Mutex<String?>(nil)

    func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) {
      epochs.store(epoch.epoch, ordering: .sequentiallyConsistent)
    }

    func trainingEnded(_ training: TrainingInProgress, by error: (any Error)?) {
      ended.withLock { $0 = error.map { "\(type(of: $0))" } }
    }
  }

  @Test("it ends between two steps where its task is cancelled; the model has its last epoch")
  func cancelled() async throws {
    let data = try syntheticData(count: 48, extent: 8)
    let counter = Counter()
    let training = Task { () async throws -> (Model, Bool) in
      var model = Model(smallNetwork(), seed: 1)
      do {
        try await momentumTrainer.fit(
          &model, on: data, validating: data, epochs: 100_000, loggers: [counter])
      } catch is CancellationError {
        return (model, true)
      }
      return (model, false)
    }
    while counter.epochs.load(ordering: .sequentiallyConsistent) < 2 { await Task.yield() }
    training.cancel()
    let (model, isCancelled) = try await training.value
    let epochs = counter.epochs.load(ordering: .sequentiallyConsistent)
    #expect(isCancelled && counter.ended.withLock { $0 } == "CancellationError")
    #expect(try model.parameters == Self.waited(data, epochs: epochs).parameters)
  }

  @Test("errors come to who awaits it, and closures are told of epochs")
  func failures() async throws {
    let data = try syntheticData(count: 48, extent: 8)
    var model = Model(smallNetwork(), seed: 1)
    await #expect(throws: TrainingError.self) {
      try await momentumTrainer.fit(&model, on: data, epochs: 0)
    }
    let epochs = Mutex<[Int]>([])
    try await momentumTrainer.fit(&model, on: data, epochs: 3) { report in
      epochs.withLock { $0.append(report.epoch) }
    }
    #expect(epochs.withLock { $0 } == [1, 2, 3])
  }
}
