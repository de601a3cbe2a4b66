import ConvNet
import Foundation

/// What a training leaves.
extension TrainCommand {
  struct Result: Encodable {
    var epochs: Int
    /// Of early stopping: whose parameters the model has.
    var bestEpoch: Int?
    var top1: Double
    var top5: Double
    var loss: Double
    var seconds: Double
    var imagesPerSecond: Double
    /// Of the training's time, 0 to 1.
    var dataWaitShare: Double
    /// Samples that could not be read.
    var skipped: Int
    var augmentation: Augmentation?
    /// `training` where nothing was held out: the figures are those of the last epoch's own steps.
    var measuredOn: String?
  }

  /// Writes the model and the report of the last finished epoch.
  ///
  /// - Returns: what could not be written.
  func save(
    _ model: inout Model, _ history: [EpochReport], _ settings: TrainingSettings, _ run: RunFolder
  ) -> [any Error] {
    // As it was named.
    model.trainingSummary?.data = settings.data
    let report = RunReport(
      of: model, history: history, facts: [("Threads", "\(settings.threads)")])
    return [failure { try run.save(model) }, failure { try run.write(report) }]
      .compactMap(\.self)
  }

  /// What to say of a training that a signal has ended.
  func stopped(
    _ model: inout Model, _ logger: CommandLogger, _ settings: TrainingSettings, _ run: RunFolder,
    _ log: RunLog
  ) -> Interrupted {
    let unsaved = logger.hasFinishedEpoch ? save(&model, logger.history, settings, run) : []
    let unwritten = log.unwritten.filter { !isRetried($0, run) } + unsaved
    for error in unwritten { Console.tell("\(error)\n") }
    var kept: [String] = []
    if let place = log.savedPlace {
      if place.epochs > 0, unwritten.isEmpty {
        kept.append("\(run.modelPath) is of epoch \(place.epochs)")
      }
      kept.append("--resume goes on \(place): convnet train --resume --output \(output)")
    }
    return Interrupted(
      signal: Interruption.signal ?? SIGINT,
      outcome: kept.isEmpty ? "nothing could be kept" : kept.joined(separator: "; "))
  }

  /// Whether it is of a file that ``save(_:_:_:_:)`` writes again.
  private func isRetried(_ error: any Error, _ run: RunFolder) -> Bool {
    [run.modelPath, run.reportPath].contains((error as? FileError)?.path)
  }

  /// How the folder is written while the training runs.
  func logOptions(_ settings: TrainingSettings) throws -> RunLog.Options {
    RunLog.Options(
      interval: keeping.checkpointEvery?.interval ?? .seconds(600), keptCount: keeping.keep,
      settings: try settings.kept(), dataName: settings.data,
      facts: [("Threads", "\(settings.threads)")])
  }

  /// Writes and prints the results: all that can be, before an error says what cannot.
  func finish(
    _ model: inout Model, _ history: [EpochReport], _ settings: TrainingSettings, _ run: RunFolder,
    _ unwritten: [any Error]
  ) throws {
    guard let last = history.last else { return }
    let chosen = history.first { $0.epoch == model.trainingSummary?.bestEpoch } ?? last
    let measured = chosen.validation ?? chosen.training
    let lost = save(&model, history, settings, run) + unwritten.filter { !isRetried($0, run) }
    let seconds = history.reduce(0) { $0 + $1.seconds }
    let samples = history.reduce(0) { $0 + $1.training.samples }
    let result = Result(
      epochs: history.count, bestEpoch: model.trainingSummary?.bestEpoch, top1: measured.top1,
      top5: measured.top5, loss: measured.loss,
      seconds: seconds, imagesPerSecond: Double(samples) / max(seconds, 1e-9),
      dataWaitShare: history.reduce(0) { $0 + $1.dataWaitSeconds } / max(seconds, 1e-9),
      skipped: last.skippedCount + (last.validation?.skippedCount ?? 0),
      augmentation: model.augmentation.flatMap { $0.steps.isEmpty ? nil : $0 },
      measuredOn: last.validation == nil ? "training" : nil)
    if shared.json {
      try printJSON(result)
    } else {
      try printText(result, measured)
      if lost.isEmpty { try print("saved \(run.modelPath)") }
    }
    for error in lost.dropFirst() { Console.tell("\(error)\n") }
    if let error = lost.first { throw error }
  }

  func printText(_ result: Result, _ measured: ClassificationMetrics) throws {
    try Console.write(
      wrapping: """
        \(result.bestEpoch.map { "the model is of epoch \($0), the best: " } ?? "")\(result.measuredOn ?? "validation") accuracy \(HumanReadable.percent(measured.top1, digits: 2)) after \(plural(result.epochs, "epoch")), \
        \(HumanReadable.duration(result.seconds)) of training at \
        \(HumanReadable.quantity(result.imagesPerSecond)) images/s, \
        \(HumanReadable.percent(result.dataWaitShare)) of it waiting for data
        """)
  }
}
