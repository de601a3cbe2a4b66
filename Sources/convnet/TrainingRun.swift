import ConvNet
import Foundation

/// The folder that a training writes into.
struct TrainingRun {
  let folder: String
  var modelPath: String { folder + "/model.safetensors" }
  private var checkpointPath: String { folder + "/checkpoint" }
  private var metrics: EpochLog
  private var events: EpochLog

  init(folder: String) {
    self.folder = folder
    metrics = EpochLog(path: folder + "/metrics.jsonl", tail: .cut) { bytes in
      bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    }
    events = EventFile.log(at: folder + "/" + EventFile.name)
  }

  /// What a training writes, by which one is known.
  private var traces: [String] {
    ["checkpoint", "model.safetensors", "metrics.jsonl", EventFile.name]
  }

  private func exists(_ name: String) -> Bool {
    FileSystem.exists("\(folder)/\(name)")
  }

  /// - Throws: ``UsedFolder`` where the folder holds a training.
  func requireUnused() throws {
    let found = traces.filter(exists)
    guard found.isEmpty else {
      throw UsedFolder(
        folder: folder, found: found,
        remedies: (found.contains("checkpoint") ? ["go on with --resume"] : [])
          + ["replace it with --overwrite"])
    }
  }

  /// Removes the files of a training, so that none is left beside those of another.
  ///
  /// - Throws: ``UnwritableOutput``.
  func clear() throws {
    for name in (traces + ["report.html"]).filter(exists) {
      do {
        try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
      } catch {
        throw UnwritableOutput(path: "\(folder)/\(name)", reason: error.localizedDescription)
      }
    }
  }

  /// Epochs of the checkpoint that lies in the folder; `nil` where this training neither read nor wrote one.
  private(set) var savedEpoch: Int?

  mutating func loadCheckpoint() throws -> Checkpoint {
    let checkpoint = try Checkpoint(loading: checkpointPath)
    savedEpoch = checkpoint.history.count
    return checkpoint
  }

  mutating func save(_ checkpoint: Checkpoint) throws {
    try checkpoint.save(to: checkpointPath)
    savedEpoch = checkpoint.history.count
  }

  /// Keeps the state after an epoch, and appends to the history: a line of JSON an epoch, and TensorBoard's events. A resumed
  /// training has every epoch once.
  ///
  /// - Returns: what could not be written. The next call writes what is missing.
  mutating func record(_ history: [EpochReport], _ checkpoint: Checkpoint) -> [any Error] {
    [
      failure { try save(checkpoint) },
      failure {
        try metrics.write(history.map { [UInt8](try jsonLine(MetricsLine($0)).utf8 + [10]) })
      },
      failure { try events.write(EventFile(history).records) },
    ].compactMap(\.self)
  }

  func save(_ model: Model) throws { try model.save(to: modelPath) }

  /// Writes `report.html`: the outcome, the curves, every epoch, and the settings that made them.
  func writeReport(
    title: String, settings: [(name: String, value: String)], history: [EpochReport]
  ) throws {
    let page = ReportPage(
      title, summary: summary(of: history),
      sections: [
        .init("Curves", [.figure(losses(history)), .figure(errors(history))]),
        .init(
          "Epochs",
          [
            .table(table(history)),
            .text(
              "Training figures are those of the epoch's own steps, while the parameters changed; "
                + "validation figures are measured after the epoch."),
          ]),
        .init("Settings", [.facts(settings)]),
      ])
    try page.write(to: folder + "/report.html")
  }

  private func summary(of history: [EpochReport]) -> String {
    guard let last = history.last else { return "" }
    let seconds = HumanReadable.duration(history.reduce(0) { $0 + $1.seconds })
    guard let validation = last.validation,
      let best = history.max(by: { ($0.validation?.top1 ?? 0) < ($1.validation?.top1 ?? 0) })
    else {
      return
        "Training accuracy \(HumanReadable.percent(last.training.top1, digits: 2)) in \(seconds)."
    }
    var text = "Validation accuracy \(HumanReadable.percent(validation.top1, digits: 2)) on "
    text +=
      "\(plural(validation.samples, "picture")) after \(plural(history.count, "epoch")), \(seconds) of training."
    if best.epoch != last.epoch, let top1 = best.validation?.top1 {
      text += " The best was \(HumanReadable.percent(top1, digits: 2)), after epoch \(best.epoch)."
    }
    return text
  }

  private func losses(_ history: [EpochReport]) -> LinePlot {
    var series = [LinePlot.Series("training", values: history.map(\.training.loss))]
    if history.allSatisfy({ $0.validation != nil }) {
      series.append(.init("validation", values: history.compactMap(\.validation?.loss)))
    }
    return LinePlot(
      "Loss", horizontal: Axis("epoch", isInteger: true), vertical: Axis("cross-entropy, nats"),
      series: series)
  }

  private func errors(_ history: [EpochReport]) -> LinePlot {
    func error(_ metrics: ClassificationMetrics) -> Double { 100 * (1 - metrics.top1) }
    var series = [LinePlot.Series("training", values: history.map { error($0.training) })]
    if history.allSatisfy({ $0.validation != nil }) {
      series.append(.init("validation", values: history.compactMap { $0.validation.map(error) }))
    }
    return LinePlot(
      "Error", horizontal: Axis("epoch", isInteger: true), vertical: Axis("top-1 error, %"),
      series: series)
  }

  private func table(_ history: [EpochReport]) -> Table {
    var table = Table([
      .init("epoch", .right), .init("rate", .right), .init("training loss", .right),
      .init("accuracy", .right), .init("validation loss", .right), .init("accuracy", .right),
      .init("images/s", .right), .init("data wait", .right),
    ])
    for report in history {
      table.append([
        "\(report.epoch)", HumanReadable.quantity(Double(report.learningRate)),
        HumanReadable.fixed(report.training.loss, digits: 4),
        HumanReadable.percent(report.training.top1),
        report.validation.map { HumanReadable.fixed($0.loss, digits: 4) } ?? "",
        report.validation.map { HumanReadable.percent($0.top1) } ?? "",
        HumanReadable.quantity(report.imagesPerSecond),
        HumanReadable.percent(report.dataWaitShare),
      ])
    }
    return table
  }
}

/// A folder for results that holds others.
struct UsedFolder: ReadableError {
  var folder: String
  var found: [String]
  var remedies: [String]
  var description: String {
    let names = found.count > 3 ? found.prefix(3) + ["…"] : found[...]
    return "\(folder) holds results already (\(names.joined(separator: ", "))); "
      + (remedies + ["name another folder with --output"]).joined(separator: ", or ")
  }
}

/// A line of metrics.jsonl.
private struct MetricsLine: Encodable {
  var epoch: Int
  var learningRate: Float
  var trainingLoss: Double
  var trainingTop1: Double
  var validationLoss: Double?
  var validationTop1: Double?
  var validationTop5: Double?
  /// Of the pictures to validate on: left out because they cannot be read, and with scores that are not finite.
  var validationSkipped: Int?
  var validationNonFinite: Int?
  var seconds: Double
  var imagesPerSecond: Double
  var dataWaitShare: Double
  var skipped: Int

  init(_ report: EpochReport) {
    epoch = report.epoch
    learningRate = report.learningRate
    trainingLoss = report.training.loss
    trainingTop1 = report.training.top1
    validationLoss = report.validation?.loss
    validationTop1 = report.validation?.top1
    validationTop5 = report.validation?.top5
    validationSkipped = report.validation?.skippedCount
    validationNonFinite = report.validation?.nonFiniteCount
    seconds = report.seconds
    imagesPerSecond = report.imagesPerSecond
    dataWaitShare = report.dataWaitShare
    skipped = report.skippedCount
  }
}

/// The error of work that others do not depend on.
func failure(of work: () throws -> Void) -> (any Error)? {
  do {
    try work()
    return nil
  } catch {
    return error
  }
}
