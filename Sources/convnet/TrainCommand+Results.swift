import ConvNet
import Foundation

/// What a training leaves.
extension TrainCommand {
  struct Result: Encodable {
    var epochs: Int
    /// Of early stopping: whose parameters the model has.
    var bestEpoch: Int?
    /// Of classes.
    var top1: Double?
    var top5: Double?
    /// Of labels and numbers, by their keys.
    var figures: [String: Double]?
    var loss: Double
    var seconds: Double
    var imagesPerSecond: Double
    /// Of the training's time, 0 to 1.
    var dataWaitShare: Double
    /// Samples that could not be read.
    var skipped: Int
    var augmentation: Augmentation?
    /// What `top1`, `top5` and `loss` are of: `validation`, or `training` where nothing was held out: then those of the
    /// epoch's own steps.
    var measuredOn: String
    /// Of settings on the way; `nil` where the training went on as it began.
    var changes: [TrainingChange]?
  }

  /// What to say of a training that a signal has ended.
  func stopped(
    _ model: Model, _ logger: CommandLogger, _ run: RunFolder, _ log: RunLog
  ) -> Interrupted {
    let unsaved = logger.hasFinishedEpoch ? log.save(model, logger.history) : []
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

  /// Whether it is of a file that is written again when the training has ended.
  private func isRetried(_ error: any Error, _ run: RunFolder) -> Bool {
    [run.modelPath, run.reportPath].contains((error as? FileError)?.path)
  }

  /// How the folder is written while the training runs.
  func logOptions(_ settings: TrainingSettings) throws -> RunLog.Options {
    RunLog.Options(
      interval: settings.checkpointInterval ?? .seconds(600), keptCount: settings.keptCount ?? 1,
      settings: try settings.kept(), dataName: settings.data,
      recipe: settings.wholeRecipe)
  }

  /// Writes and prints the results: all that can be, before an error says what cannot.
  func finish(
    _ model: Model, _ history: [EpochReport], _ run: RunFolder, _ log: RunLog,
    changes: [TrainingChange]
  ) throws {
    guard let last = history.last else { return }
    let chosen = history.first { $0.epoch == model.trainingSummary?.bestEpoch } ?? last
    let measured = chosen.validation ?? chosen.training
    let targets = chosen.validation == nil ? chosen.trainingTargets : chosen.validationTargets
    let unwritten = log.unwritten.filter { !isRetried($0, run) }
    let lost = log.save(model, history) + unwritten
    let seconds = history.reduce(0) { $0 + $1.seconds }
    let samples = history.reduce(0) { $0 + $1.training.samples }
    let result = Result(
      epochs: history.count, bestEpoch: model.trainingSummary?.bestEpoch,
      top1: targets == nil ? measured.top1 : nil, top5: targets == nil ? measured.top5 : nil,
      figures: targets?.values, loss: measured.loss, seconds: seconds,
      imagesPerSecond: Double(samples) / max(seconds, 1e-9),
      dataWaitShare: history.reduce(0) { $0 + $1.dataWaitSeconds } / max(seconds, 1e-9),
      skipped: last.skippedCount + (last.validation?.skippedCount ?? 0),
      augmentation: model.augmentation.flatMap { $0.steps.isEmpty ? nil : $0 },
      measuredOn: last.validation == nil ? "training" : "validation",
      changes: changes.isEmpty ? nil : changes)
    if shared.json {
      try printJSON(result)
    } else {
      try printText(result, measured, targets)
      if lost.isEmpty { try print("saved \(run.modelPath)") }
    }
    for error in lost.dropFirst() { Console.tell("\(error)\n") }
    if let error = lost.first { throw error }
  }

  func printText(
    _ result: Result, _ measured: ClassificationMetrics, _ targets: TargetMetrics?
  ) throws {
    let figures = targets.map { $0.figures.map(\.description).joined(separator: ", ") }
    try Console.write(
      wrapping: """
        \(result.bestEpoch.map { "the model is of epoch \($0), the best: " } ?? "")\(result.measuredOn) \(figures ?? "accuracy \(HumanReadable.percent(measured.top1, digits: 2))") after \(plural(result.epochs, "epoch")), \
        \(HumanReadable.duration(result.seconds)) of training at \
        \(HumanReadable.quantity(result.imagesPerSecond)) images/s, \
        \(HumanReadable.percent(result.dataWaitShare)) of it waiting for data
        """)
  }
}
