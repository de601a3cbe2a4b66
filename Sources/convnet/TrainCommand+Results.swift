import ConvNet
import Foundation

/// What a training leaves.
extension TrainCommand {
  struct Result: Encodable {
    var epochs: Int
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
    _ model: inout Model, _ settings: TrainingSettings, _ run: RunFolder
  ) -> [any Error] {
    guard !run.history.isEmpty else { return [] }
    // As it was named.
    model.trainingSummary?.data = settings.data
    let report = RunReport(
      of: model, history: run.history, facts: [("Threads", "\(settings.threads)")])
    return [failure { try run.save(model) }, failure { try run.write(report) }]
      .compactMap(\.self)
  }

  /// Keeps what a training has when a signal ends it.
  ///
  /// - Returns: what to say of it.
  func stopped(
    _ model: inout Model, _ settings: TrainingSettings, _ logger: CommandLogger
  ) -> Interrupted {
    let run = logger.run
    let lost = save(&model, settings, run) + logger.unwritten
    for error in lost { Console.tell("\(error)\n") }
    var kept: [String] = []
    if !run.history.isEmpty, lost.isEmpty {
      kept.append("\(run.modelPath) is of epoch \(run.history.count)")
    }
    if let place = logger.savedPlace { kept.append("--resume goes on \(place)") }
    return Interrupted(
      signal: Interruption.signal ?? SIGINT,
      outcome: kept.isEmpty ? "nothing could be kept" : kept.joined(separator: "; "))
  }

  /// Writes and prints the results: all that can be, before an error says what cannot.
  func finish(
    _ model: inout Model, _ settings: TrainingSettings, _ run: RunFolder,
    _ unwritten: [any Error]
  ) throws {
    let history = run.history
    guard let last = history.last else { return }
    let measured = last.validation ?? last.training
    let lost = save(&model, settings, run) + unwritten
    let seconds = history.reduce(0) { $0 + $1.seconds }
    let samples = history.reduce(0) { $0 + $1.training.samples }
    let result = Result(
      epochs: history.count, top1: measured.top1, top5: measured.top5, loss: measured.loss,
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
        \(result.measuredOn ?? "validation") accuracy \(HumanReadable.percent(measured.top1, digits: 2)) after \(plural(result.epochs, "epoch")), \
        \(HumanReadable.duration(result.seconds)) of training at \
        \(HumanReadable.quantity(result.imagesPerSecond)) images/s, \
        \(HumanReadable.percent(result.dataWaitShare)) of it waiting for data
        """)
  }
}
