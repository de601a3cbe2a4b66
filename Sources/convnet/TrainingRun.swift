import ConvNet
import Foundation

/// The folder that a training writes into.
struct TrainingRun {
  let folder: String
  var modelPath: String { folder + "/model.safetensors" }
  private var checkpointPath: String { folder + "/checkpoint" }
  private var metricsPath: String { folder + "/metrics.jsonl" }

  init(folder: String) {
    self.folder = folder
  }

  func loadCheckpoint() throws -> Checkpoint { try Checkpoint(loading: checkpointPath) }

  /// Keeps the state after an epoch, and the history as a line of JSON an epoch and as TensorBoard's events. All are
  /// written whole: a resumed training has every epoch once.
  func record(_ history: [EpochReport], _ checkpoint: Checkpoint) throws {
    try checkpoint.save(to: checkpointPath)
    let lines = try history.map { try jsonLine(MetricsLine($0)) }
    try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: metricsPath)
    try EventFile(history).write(to: folder + "/" + EventFile.name)
  }

  func save(_ model: Model) throws { try model.save(to: modelPath) }

  func writeReport(title: String, history: [EpochReport]) throws {
    var table = Table([
      .init("epoch", .right), .init("learning rate", .right), .init("training loss", .right),
      .init("training accuracy", .right), .init("validation accuracy", .right),
      .init("images/s", .right),
    ])
    for report in history {
      table.append([
        "\(report.epoch)", "\(report.learningRate)",
        HumanReadable.fixed(report.training.loss, digits: 4),
        HumanReadable.percent(report.training.top1),
        report.validation.map { HumanReadable.percent($0.top1) } ?? "",
        HumanReadable.quantity(report.imagesPerSecond),
      ])
    }
    var losses = [LinePlot.Series("training", values: history.map(\.training.loss))]
    var errors = [LinePlot.Series("training", values: history.map { 100 * (1 - $0.training.top1) })]
    if history.allSatisfy({ $0.validation != nil }) {
      losses.append(.init("validation", values: history.compactMap(\.validation?.loss)))
      errors.append(
        .init(
          "validation", values: history.compactMap { $0.validation.map { 100 * (1 - $0.top1) } })
      )
    }
    let page = ReportPage(
      title,
      sections: [
        .init(
          "Curves",
          [
            .figure(
              LinePlot(
                "Loss", horizontal: Axis("epoch"), vertical: Axis("cross-entropy"), series: losses)),
            .figure(
              LinePlot(
                "Error", horizontal: Axis("epoch"), vertical: Axis("top-1 error, %"), series: errors
              )
            ),
          ]),
        .init("Epochs", [.table(table)]),
      ])
    try page.write(to: folder + "/report.html")
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
  var seconds: Double
  var imagesPerSecond: Double

  init(_ report: EpochReport) {
    epoch = report.epoch
    learningRate = report.learningRate
    trainingLoss = report.training.loss
    trainingTop1 = report.training.top1
    validationLoss = report.validation?.loss
    validationTop1 = report.validation?.top1
    validationTop5 = report.validation?.top5
    seconds = report.seconds
    imagesPerSecond = report.imagesPerSecond
  }
}
