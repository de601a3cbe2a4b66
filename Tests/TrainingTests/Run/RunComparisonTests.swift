import ConvNetEvaluation
import ConvNetFiles
import ConvNetLayers
import ConvNetReports
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("Comparison of trainings") struct RunComparisonTests {
  /// Trains into a folder.
  private func train(
    _ directory: borrowing TemporaryDirectory, _ name: String, rate: Float, epochs: Int = 3
  ) throws -> RunFolder {
    let folder = RunFolder(directory.file(name))
    try folder.create()
    var trainer = momentumTrainer
    trainer.schedule = .plateau(from: rate)
    var model = Model(smallNetwork(), seed: 1)
    try trainer.fit(
      &model, on: syntheticData(count: 48, extent: 8),
      validating: syntheticData(count: 20, extent: 8), epochs: epochs,
      loggers: [RunLog(folder, RunLog.Options(stepsPerLine: 1))])
    return folder
  }

  @Test("a folder is read as it was written: epochs, steps, settings, the best epoch")
  func record() throws {
    let directory = try TemporaryDirectory()
    let folder = try train(directory, "runs/a", rate: 0.02)
    let record = try RunRecord(folder)
    let history = try folder.loadCheckpoint().history
    #expect(record.epochs.map(\.epoch) == [1, 2, 3] && record.plannedEpochs == 3)
    #expect(record.epochs.map(\.validationTop1) == history.map(\.validation?.top1))
    #expect(record.epochs.map(\.trainingLoss) == history.map(\.training.loss))
    #expect(record.steps.map(\.step) == Array(1...9))
    #expect(record.best?.epoch == history.min { $0.error < $1.error }?.epoch)
    let settings = Dictionary(record.settings.map { ($0.name, $0.value) }) { $1 }
    #expect(settings["network"] == "small" && settings["batchSize"] == "16")
    #expect(settings["optimizer.momentum"] == "0.9" && settings["trainingPictures"] == "48")
    #expect(!record.isUnfinished)
  }

  @Test("only what differs is compared, under names without what all folders share")
  func differences() throws {
    let directory = try TemporaryDirectory()
    let runs = [
      try train(directory, "runs/a", rate: 0.02),
      try train(directory, "runs/b", rate: 0.04, epochs: 2),
    ]
    let comparison = RunComparison(try runs.map { try RunRecord($0) })
    #expect(comparison.names == ["a", "b"] && comparison.letters == ["a", "b"])
    #expect(comparison.differences.map(\.setting) == ["epochs", "schedule.rate"])
    #expect(comparison.differences.map(\.values) == [["3", "2"], ["0.02", "0.04"]])
    #expect(comparison.results.rows.map { $0[1] } == ["a", "b"])
    #expect(comparison.results.rows.map { $0[2] } == ["3", "2"])
    let html = comparison.page.html
    for text in ["Validation error", "Training loss", "Learning rate", "schedule.rate", "0.04"] {
      #expect(html.contains(text), "\(text)")
    }
    // Both curves in each plot.
    let chart = try #require(comparison.chart)
    let text = chart.lines(width: 60).joined(separator: "\n")
    #expect(text.contains("a") && text.contains("Validation error"))
  }

  @Test("a training that is at work is read up to its last whole line")
  func atWork() throws {
    let directory = try TemporaryDirectory()
    let folder = try train(directory, "run", rate: 0.02)
    var lines = try String(contentsOfFile: folder.metricsPath, encoding: .utf8)
    lines = String(lines.prefix(lines.count - 30))
    try lines.write(toFile: folder.metricsPath, atomically: false, encoding: .utf8)
    let record = try RunRecord(folder)
    #expect(record.epochs.map(\.epoch) == [1, 2] && record.isUnfinished)
    #expect(RunComparison([record]).results.rows[0][2] == "2 of 3")
    // Before the first line.
    try "".write(toFile: folder.metricsPath, atomically: false, encoding: .utf8)
    let begun = RunComparison([try RunRecord(folder)])
    #expect(begun.results.rows[0][2] == "0 of 3" && begun.chart == nil)
    #expect(begun.page.html.contains("Results"))
  }

  @Test("folders without a training are named", arguments: ["absent", "empty", "other"])
  func bad(kind: String) throws {
    let directory = try TemporaryDirectory()
    try directory.write([1], to: "empty/x")
    try directory.write([UInt8]("{}\nhello\n".utf8), to: "other/metrics.jsonl")
    let error = #expect(throws: RunRecordError.self) {
      try RunRecord(RunFolder(directory.file(kind)))
    }
    let says = ["absent": "is no folder", "empty": "it has no metrics.jsonl", "other": "no line"]
    #expect(error?.description.contains(says[kind] ?? "?") == true)
    #expect(error?.description.contains(kind) == true)
  }

  @Test("a curve of many steps is thinned evenly and keeps its beginning")
  func thinned() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try folder.create()
    let lines = (1...5000).map {
      #"{"epoch":1,"gradientNorm":1,"imagesPerSecond":1,"kind":"step","learningRate":0.1,"loss":\#($0),"samples":1,"step":\#($0)}"#
    }
    try lines.joined(separator: "\n").write(
      toFile: folder.metricsPath, atomically: false, encoding: .utf8)
    let steps = try RunRecord(folder).steps.map(\.step)
    #expect((500...1000).contains(steps.count) && steps.first == 1)
    #expect(Set(zip(steps, steps.dropFirst()).map { $1 - $0 }).count == 1)
    #expect((steps.last ?? 0) > 4900)
  }
}
