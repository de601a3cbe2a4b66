import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

@Suite("Early stopping") struct EarlyStoppingTests {
  /// A rate at which nothing is learnt for long.
  private static func trainer(patience: Int?) -> Trainer {
    Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(0.05), batchSize: 16, seed: 7,
      compute: ComputeOptions(threads: 1),
      earlyStopping: patience.map { EarlyStopping(patience: $0) })
  }

  private static let training = Result { try syntheticData(count: 48, extent: 8) }
  private static let validation = Result { try syntheticData(count: 24, extent: 8, seed: 5) }

  /// - Returns: the model, and every epoch's report and parameters.
  private func train(
    patience: Int?, epochs: Int, resuming checkpoint: Checkpoint? = nil
  ) throws -> (Model, [(report: EpochReport, model: Model, checkpoint: Checkpoint)]) {
    var model = try checkpoint?.model() ?? Model(smallNetwork(), seed: 1)
    let log = Log()
    try Self.trainer(patience: patience).fit(
      &model, on: Self.training.get(), validating: Self.validation.get(), epochs: epochs,
      resuming: checkpoint, loggers: [log])
    return (model, log.epochs)
  }

  private final class Log: TrainingLogger {
    var epochs: [(report: EpochReport, model: Model, checkpoint: Checkpoint)] = []
    func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) throws {
      epochs.append((epoch, training.model, try training.checkpoint()))
    }
  }

  private func errors(_ reports: [EpochReport]) -> [Double] {
    reports.map { 1 - ($0.validation?.top1 ?? 0) }
  }

  @Test(
    "it ends so many epochs after the first best one, whose parameters the model has",
    arguments: [1, 2, 4])
  func ends(patience: Int) throws {
    let (_, all) = try train(patience: nil, epochs: 30)
    let errors = errors(all.map(\.report))
    var (best, end) = (0, errors.count)
    for (place, error) in errors.enumerated() {
      if error < errors[best] { best = place }
      if place - best >= patience { end = place + 1; break }
    }
    try #require(end < 30)
    let (model, epochs) = try train(patience: patience, epochs: 30)
    #expect(epochs.count == end)
    #expect(model.parameters == all[best].model.parameters)
    #expect(model.averageAges == all[best].model.averageAges)
    #expect(model.trainingSummary?.bestEpoch == best + 1 && model.trainingSummary?.epochs == end)
    #expect(model.trainingSummary?.top1 == 1 - errors[best])
  }

  @Test("where the epochs run out first, the best one is restored too")
  func runsOut() throws {
    let (_, all) = try train(patience: nil, epochs: 30)
    let errors = errors(all.map(\.report))
    let best = try #require(errors.firstIndex(of: errors.min() ?? 0))
    try #require(best < 25)
    let (model, epochs) = try train(patience: 100, epochs: best + 4)
    #expect(epochs.count == best + 4 && model.parameters == all[best].model.parameters)
  }

  @Test("a training that goes on knows its best epoch")
  func resumed() throws {
    let (whole, all) = try train(patience: 2, epochs: 30)
    let directory = try TemporaryDirectory()
    for place in all.indices {
      let path = directory.file("checkpoint")
      try all[place].checkpoint.save(to: path)
      let (resumed, rest) = try train(patience: 2, epochs: 30, resuming: Checkpoint(loading: path))
      #expect(resumed.parameters == whole.parameters, "epoch \(place + 1)")
      #expect(resumed.trainingSummary == whole.trainingSummary)
      #expect(rest.count == all.count - place - 1)
    }
  }

  @Test("without data to validate on, and without patience, it is refused")
  func refused() throws {
    var model = Model(smallNetwork(), seed: 1)
    let error = #expect(throws: TrainingError.self) {
      try Self.trainer(patience: 1).fit(&model, on: Self.training.get(), epochs: 1)
    }
    #expect(error?.description.contains("validate") == true)
    #expect(throws: TrainingError.self) {
      try Self.trainer(patience: 0).fit(
        &model, on: Self.training.get(), validating: Self.validation.get(), epochs: 1)
    }
  }
}
