import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

@Suite("Stopping a training") struct StoppingTests {
  private struct Parts {
    var training: any Dataset
    var validation: any Dataset

    init() throws {
      training = try syntheticData(count: 50, extent: 8)
      validation = try syntheticData(count: 20, extent: 8)
    }
  }

  /// Every kind of memory: of the optimizer, of a transform over several batches, random numbers in the network and in pictures.
  private static let trainer = Trainer(
    optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .plateau(from: 0.02),
    gradientTransforms: [.accumulation(batches: 3)], augmentation: [.randomCrop(padding: 1)],
    batchSize: 16, seed: 7, compute: ComputeOptions(threads: 1))

  private func wholeModel(_ parts: Parts, epochs: Int) throws -> Model {
    var model = Model(smallNetwork(), seed: 1)
    try Self.trainer.fit(
      &model, on: parts.training, validating: parts.validation, epochs: epochs)
    return model
  }

  @Test(
    "It stops where it is asked to, within an epoch too, and goes on as if it had not",
    arguments: 1...13)
  func stops(atQuestion last: Int) throws {
    let parts = try Parts()
    let directory = try TemporaryDirectory()
    let path = directory.file("checkpoint")
    var model = Model(smallNetwork(), seed: 1)
    let stop = Stop(atQuestion: last, keeping: path)
    let error = #expect(throws: TrainingError.self) {
      try Self.trainer.fit(
        &model, on: parts.training, validating: parts.validation, epochs: 9, loggers: [stop])
    }
    let finished = stop.epochs.count
    #expect(error == .stopped(epoch: finished + 1) && stop.questions == last)
    let before =
      try finished == 0 ? Model(smallNetwork(), seed: 1) : wholeModel(parts, epochs: finished)
    #expect(model.parameters == before.parameters)
    let checkpoint = try Checkpoint(loading: path)
    // Of five questions in an epoch the last is asked in the validation.
    #expect(checkpoint.step == finished * 4 + min(4, (last - 1) % 6))
    #expect(checkpoint.samplesOfEpoch == min(50, (checkpoint.step - finished * 4) * 16))
    var resumed = Model(smallNetwork(), seed: 1)
    var reports: [EpochReport] = []
    try Self.trainer.fit(
      &resumed, on: parts.training, validating: parts.validation, epochs: finished + 2,
      resuming: checkpoint
    ) { report, _ in reports.append(report) }
    let whole = try wholeModel(parts, epochs: finished + 2)
    #expect(resumed.parameters == whole.parameters && resumed.averageAges == whole.averageAges)
    #expect(reports.map(\.training.samples) == [50, 50] && reports[0].seconds > 0)
  }

  @Test("An epoch that goes on has the figures of a whole one")
  func figures() throws {
    let parts = try Parts()
    let directory = try TemporaryDirectory()
    func history(stoppingAt question: Int) throws -> [EpochReport] {
      var model = Model(smallNetwork(), seed: 1)
      let stop = Stop(atQuestion: question, keeping: directory.file("checkpoint"))
      do {
        try Self.trainer.fit(
          &model, on: parts.training, validating: parts.validation, epochs: 2, loggers: [stop])
        return stop.epochs
      } catch {
        let rest = Stop(atQuestion: .max, keeping: directory.file("other"))
        try Self.trainer.fit(
          &model, on: parts.training, validating: parts.validation, epochs: 2,
          resuming: Checkpoint(loading: directory.file("checkpoint")), loggers: [rest])
        return stop.epochs + rest.epochs
      }
    }
    let whole = try history(stoppingAt: .max)
    for question in [3, 6, 9] {
      let parts = try history(stoppingAt: question)
      #expect(parts.map(\.training) == whole.map(\.training))
      #expect(parts.map(\.validation) == whole.map(\.validation))
      #expect(
        parts.map(\.step) == [4, 8] && parts.map(\.learningRate) == whole.map(\.learningRate))
    }
  }

  @Test("The error says the epoch, and whose values the model has")
  func description() {
    #expect(
      TrainingError.stopped(epoch: 3).description
        == "the training was stopped in epoch 3; the model has its values of epoch 2")
    #expect(TrainingError.stopped(epoch: 1).description.hasSuffix("values of the beginning"))
  }

  @Test("It ends with its task, on the task's own thread")
  func cancelled() async throws {
    let parts = try Parts()
    let task = Task {
      try Self.stepsUntilCancelled(parts.training, parts.validation)
    }
    #expect(try await task.value == 1)
  }

  private static func stepsUntilCancelled(
    _ training: any Dataset, _ validation: any Dataset
  ) throws -> Int {
    var model = Model(smallNetwork(), seed: 1)
    var steps = 0
    do {
      try momentumTrainer.fit(&model, on: training, validating: validation, epochs: 9) { _ in
        steps += 1
        withUnsafeCurrentTask { $0?.cancel() }
      } epochEnded: { _, _ in
      }
    } catch is CancellationError {
      return steps
    }
    return 0
  }
}

/// Has a training stop, and keeps its state.
final class Stop: TrainingLogger {
  private(set) var questions = 0
  private(set) var epochs: [EpochReport] = []
  private let last: Int
  private let path: String

  init(atQuestion last: Int, keeping path: String) {
    self.last = last
    self.path = path
  }

  var asksToStop: Bool {
    questions += 1
    return questions == last
  }

  func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) { epochs.append(epoch) }

  func trainingEnded(_ training: TrainingInProgress, by error: (any Error)?) throws {
    try training.checkpoint().save(to: path)
  }
}
