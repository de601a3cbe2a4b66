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

  /// A folder with lines of epochs alone, each with these fields beside the common ones.
  private func record(
    _ directory: borrowing TemporaryDirectory, _ name: String, _ epochs: [String]
  ) throws -> RunRecord {
    let lines = epochs.enumerated().map { place, fields in
      #"{"epoch":\#(place + 1),"kind":"epoch","learningRate":0.1,"trainingLoss":0.5,"seconds":1,"#
        + #""imagesPerSecond":10,"dataWaitShare":0,"skipped":0,\#(fields)}"#
    }
    try directory.write(
      [UInt8](lines.joined(separator: "\n").utf8), to: "\(name)/metrics.jsonl")
    return try RunRecord(RunFolder(directory.file(name)))
  }

  private static let labelLines: [String] = [0.5, 0.9].map {
    #""trainingFigures":{"microF1":0.5,"macroF1":0.4},"validationLoss":0.4,"#
      + #""validationFigures":{"meanAveragePrecision":\#($0),"microF1":0.8,"macroF1":0.7}"#
  }
  private static let numberLines: [String] = [0.75, 0.25].map {
    #""trainingFigures":{"meanAbsoluteError":3,"rootMeanSquaredError":4,"determination":0.25},"#
      + #""validationLoss":\#($0),"validationFigures":"#
      + #"{"meanAbsoluteError":2,"rootMeanSquaredError":3,"determination":0.5}"#
  }
  private static let classLines: [String] = [0.5, 0.75].map {
    #""trainingTop1":0.5,"validationLoss":0.4,"validationTop1":\#($0),"validationTop5":1"#
  }

  @Test("trainings on labels are compared by the figures of their best epochs")
  func labels() throws {
    let directory = try TemporaryDirectory()
    let comparison = RunComparison([
      try record(directory, "a", Self.labelLines), try record(directory, "b", Self.labelLines),
    ])
    var metrics = LabelMetrics(count: 1)
    metrics.averagePrecisions = [1]
    let names = TargetMetrics.labels(metrics).figures.map(\.name)
    #expect(comparison.results.columns[4...6].map(\.title) == names)
    #expect(comparison.results.columns[7].title == "loss")
    #expect(comparison.results.rows[0][3...6] == ["2", "90.00 %", "80.00 %", "70.00 %"])
    let page = comparison.page
    #expect(
      page.summary
        == "The highest validation mean average precision is 90.00 %, of a after epoch 2.")
    for text in ["Validation mean average precision", "Training micro F1"] {
      #expect(page.html.contains(text), "\(text)")
    }
    #expect(!page.html.contains("top-1 error"))
    #expect(comparison.chart?.title.hasPrefix("Validation mean average precision") == true)
    for line in comparison.results.plainText(width: 80).split(separator: "\n") {
      #expect(line.count <= 80 && !line.hasSuffix("…"), "\(line)")
    }
    // Without validation, by those of the training.
    let alone = RunComparison([
      try record(directory, "c", [#""trainingFigures":{"microF1":0.5,"macroF1":0.4}"#])
    ])
    #expect(alone.results.columns[4].title == "training micro F1")
    #expect(alone.results.rows[0][4] == "50.00 %")
  }

  @Test("trainings on numbers are compared by the errors of their best epochs")
  func numbers() throws {
    let directory = try TemporaryDirectory()
    let comparison = RunComparison([try record(directory, "a", Self.numberLines)])
    var metrics = NumberMetrics(count: 1)
    for truth: [Float] in [[1], [2]] {
      metrics.add(predictions: truth.span, targets: truth.span)
    }
    let names = TargetMetrics.numbers(metrics).figures.map(\.name)
    #expect(comparison.results.columns[4...6].map(\.title) == names)
    #expect(comparison.results.rows[0][3...6] == ["2", "2", "3", "0.5"])
    #expect(comparison.page.html.contains("Validation MAE"))
    let several = RunComparison([
      try record(
        directory, "b",
        [
          #""trainingFigures":{"meanDetermination":0.5},"validationLoss":1,"validationFigures":{"meanDetermination":0.25}"#
        ])
    ])
    #expect(several.results.columns[4].title == "mean R²")
    #expect(several.results.rows[0][4] == "0.25")
  }

  @Test("trainings on different things have each its own scores, with their names")
  func mixed() throws {
    let directory = try TemporaryDirectory()
    let comparison = RunComparison([
      try record(directory, "classes", Self.classLines),
      try record(directory, "labels", Self.labelLines),
      try record(directory, "numbers", Self.numberLines),
    ])
    let results = comparison.results
    #expect(results.columns[4].title == "scores" && results.columns[5].title == "loss")
    #expect(
      results.rows.map { $0[4] } == [
        "top-1 error 25.00 %", "mean average precision 90.00 %, micro F1 80.00 %, macro F1 70.00 %",
        "MAE 2, RMSE 3, R² 0.5",
      ])
    for line in results.plainText(width: 80).split(separator: "\n") {
      #expect(line.count <= 80 && !line.hasSuffix("…"), "\(line)")
    }
    let page = comparison.page
    #expect(
      page.summary == "The least validation error is 25.00 %, of classes after epoch 2. "
        + "The highest validation mean average precision is 90.00 %, of labels after epoch 2. "
        + "The least validation loss of numbers is 0.2500, of numbers after epoch 2.")
    // A run has one color in every plot.
    #expect(page.html.contains("class=\"f2\">numbers</text>"))
    #expect(!page.html.contains("class=\"f0\">numbers</text>"))
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
