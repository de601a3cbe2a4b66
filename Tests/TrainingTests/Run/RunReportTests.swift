import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetImages
import ConvNetLayers
import ConvNetReports
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("Report of a training") struct RunReportTests {
  private func metrics(right: Int, of count: Int) -> ClassificationMetrics {
    var metrics = ClassificationMetrics()
    let scores = (0..<count).flatMap { $0 < right ? [1, 0] : [0, 1] as [Float] }
    let labels = [Int32](repeating: 0, count: count)
    metrics.add(scores: scores.span, labels: labels.span, meanLoss: 0.5)
    return metrics
  }

  private func report(_ epoch: Int, validation: ClassificationMetrics?) -> EpochReport {
    EpochReport(
      epoch: epoch, learningRate: 0.1, training: metrics(right: 3, of: 4), validation: validation,
      seconds: 2, dataWaitSeconds: 1, skippedCount: 0, endTime: 1000)
  }

  @Test("says the outcome and the best epoch where that was another")
  func outcome() {
    let model = Model(smallNetwork())
    func summary(_ history: [EpochReport]) -> String {
      RunReport(of: model, history: history).page.summary
    }
    #expect(summary([]).isEmpty)
    #expect(
      summary([report(1, validation: nil)])
        == "Training accuracy 75.00 % after 1 epoch, 2.0 s of training, on all pictures: nothing was held out to validate on."
    )
    let (low, high) = (metrics(right: 1, of: 4), metrics(right: 4, of: 4))
    #expect(
      summary([report(1, validation: high)])
        == "Validation accuracy 100.00 % on 4 pictures after 1 epoch, 2.0 s of training.")
    #expect(
      summary([report(1, validation: high), report(2, validation: low)])
        == "Validation accuracy 25.00 % on 4 pictures after 2 epochs, 4.0 s of training. The best was "
        + "100.00 %, after epoch 1.")
  }

  @Test("without validation there are no columns for it, and it says what the rate went by")
  func unvalidated() {
    let model = Model(smallNetwork())
    let html = RunReport(of: model, history: [report(1, validation: nil)]).page.html
    #expect(!html.contains("validation loss") && html.contains("went by the training loss"))
    let validated = RunReport(of: model, history: [report(1, validation: metrics(right: 1, of: 4))])
    #expect(validated.page.html.contains(">validation loss<"))
    #expect(!validated.page.html.contains("went by the training loss"))
  }

  @Test("the settings are those of the model's summary, in the trainer's own words")
  func settings() throws {
    var model = Model(smallNetwork(), seed: 1, classNames: (0..<4).map { "bar \($0)" })
    try momentumTrainer.fit(&model, on: syntheticData(count: 32, extent: 8), epochs: 1)
    let report = RunReport(of: model, history: [], facts: [("Threads", "3")])
    #expect(report.title == "small on bars")
    #expect(
      report.settings.map(\.name) == [
        "Network", "Input", "Augmentation", "Classes", "Optimizer", "Schedule", "Objective",
        "Batch", "Seed", "Threads",
      ])
    let values = Dictionary(report.settings.map { ($0.name, $0.value) }) { $1 }
    #expect(values["Optimizer"] == "\(momentumTrainer.optimizer)")
    #expect(values["Schedule"] == "\(momentumTrainer.schedule)")
    #expect(values["Objective"] == "\(momentumTrainer.objective)")
    #expect(values["Batch"] == "16" && values["Seed"] == "7" && values["Threads"] == "3")
    for text in report.settings.flatMap({ [$0.name, $0.value] }) {
      #expect(report.page.html.contains(escaped(text)), "\(text)")
    }
    // Of a model that does not say, what it is.
    let bare = RunReport(of: Model(smallNetwork()), history: [])
    #expect(bare.title == "small")
    #expect(bare.settings.map(\.name) == ["Network", "Input", "Augmentation", "Classes"])
  }

  /// Of epochs that are told by labels or numbers.
  private func report(
    _ epoch: Int, training: TargetMetrics, validation: TargetMetrics?
  ) -> EpochReport {
    var metrics = ClassificationMetrics()
    metrics.add(samples: 4, nonFinite: 0, meanLoss: 0.5)
    return EpochReport(
      epoch: epoch, learningRate: 0.1, training: metrics,
      validation: validation == nil ? nil : metrics, trainingTargets: training,
      validationTargets: validation, seconds: 2, dataWaitSeconds: 1, skippedCount: 0, endTime: 1000)
  }

  private func page(
    of kind: TargetKind, _ names: [String], _ history: [EpochReport], best: Int? = nil
  ) -> String {
    var model = Model(smallNetwork(classes: names.count), seed: 1, classNames: names)
    model.targetKind = kind
    model.trainingSummary = TrainingSummary(bestEpoch: best)
    return RunReport(of: model, history: history).page.html
  }

  @Test("of labels it shows how well each is told, and names its figures")
  func labels() {
    var metrics = LabelMetrics(count: 2)
    let truth: [[Float]] = [[1, 1], [1, 0], [0, 0], [0, 0]]
    let scores: [[Float]] = [[0.9, 0.4], [0.8, 0.3], [0.1, 0.6], [0.2, 0.1]]
    for (scores, truth) in zip(scores, truth) {
      metrics.add(probabilities: scores.span, targets: truth.span)
    }
    var ranked = metrics
    ranked.averagePrecisions = [1, 0.5]
    let names = ["left", "right"]
    let whole = page(
      of: .labels, names,
      [1, 2].map { report($0, training: .labels(metrics), validation: .labels(ranked)) }, best: 1)
    for text in [
      "<h2>Labels</h2>",
      "Of the 4 pictures to validate on, after epoch 1; a label is said to be there from a probability of 50 % on.",
      "<td>left</td><td class=\"number\">2</td><td class=\"number\">100.0 %</td>",
      "<td>right</td><td class=\"number\">1</td><td class=\"number\">0.0 %</td>",
      "<td class=\"number\">0.0 %</td><td class=\"number\">50.0 %</td></tr>",
      ">training micro F1</th>", ">validation mean average precision</th>",
      "<td class=\"number\">66.7 %</td>", "<td class=\"number\">75.0 %</td>",
      ">validation mean average precision</text>",
    ] { #expect(whole.contains(text), "\(text)") }
    for text in ["<h2>Confusion</h2>", "<h2>Classes</h2>", ">figure</th>"] {
      #expect(!whole.contains(text), "\(text)")
    }
    let unranked = page(
      of: .labels, names, [report(1, training: .labels(metrics), validation: nil)])
    #expect(
      unranked.contains("Of the 4 pictures to train on, each before its step, in epoch 1; a label"))
    #expect(!unranked.contains("average precision"))
  }

  @Test("of numbers it shows the errors of each")
  func numbers() {
    var metrics = NumberMetrics(count: 2)
    let truth: [[Float]] = [[1, 10], [3, 20]]
    let answers: [[Float]] = [[2, 10], [3, 20]]
    for (answers, truth) in zip(answers, truth) {
      metrics.add(predictions: answers.span, targets: truth.span)
    }
    let whole = page(
      of: .numbers, ["place", "size"],
      [report(1, training: .numbers(metrics), validation: .numbers(metrics))])
    for text in [
      "<h2>Numbers</h2>",
      "Of the 4 pictures to validate on, after epoch 1, in the unit of the data.",
      "<td>place</td><td class=\"number\">0.5</td><td class=\"number\">0.707</td><td class=\"number\">0.5</td>",
      "<td>size</td><td class=\"number\">0</td><td class=\"number\">0</td><td class=\"number\">1</td>",
      ">training mean R²</th>", ">validation mean R²</th>", "<td class=\"number\">0.75</td>",
    ] { #expect(whole.contains(text), "\(text)") }
    #expect(!whole.contains("<h2>Confusion</h2>"))
  }

  @Test(
    "a report while the training runs has curves by step, confusion, classes, mistakes, sources and the environment"
  )
  func whole() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try folder.create()
    var model = Model(smallNetwork(), seed: 1, classNames: (0..<4).map { "bar \($0)" })
    var recipe = try Recipe.named("lenet")
    recipe.batchSize = 16
    // So little learnt that there are mistakes.
    recipe.schedule = .constant(0.0001)
    var trainer = recipe.trainer(seed: 7)
    trainer.compute.threads = 1
    let log = RunLog(folder, RunLog.Options(stepsPerLine: 1, recipe: recipe))
    try trainer.fit(
      &model, on: syntheticData(count: 48, extent: 8, classNames: model.classNames),
      validating: syntheticData(count: 20, extent: 8, classNames: model.classNames), epochs: 2,
      loggers: [log])
    let html = try String(contentsOfFile: folder.reportPath, encoding: .utf8)
    for text in [
      "Learning rate", "Gradient norm", "Most confident mistakes", "Confusion", "precision",
      "recall",
      "F1", "after epoch 2", "LeNet, 0.8 % test error on MNIST", "lecture:", "Instructions",
      "Processor", "oneDNN", "fingerprint", "taken for",
    ] { #expect(html.contains(text), "\(text)") }
    #expect(html.contains("data:image/png;base64,"))
    #expect(!html.contains("Changed on the way"))
  }

  @Test("what was changed on the way is told, and steps of an earlier process are in the curves")
  func resumed() throws {
    let directory = try TemporaryDirectory()
    let folder = RunFolder(directory.file("run"))
    try folder.create()
    let data = try syntheticData(count: 48, extent: 8)
    var model = Model(smallNetwork(), seed: 1)
    try momentumTrainer.fit(
      &model, on: data, validating: data, epochs: 1,
      loggers: [RunLog(folder, RunLog.Options(stepsPerLine: 1))])
    var checkpoint = try folder.loadCheckpoint()
    var trainer = momentumTrainer
    trainer.schedule = .constant(0.5)
    try checkpoint.adopt(trainer, for: model, on: data, validating: data, epochs: 2)
    try trainer.fit(
      &model, on: data, validating: data, epochs: 2, resuming: checkpoint,
      loggers: [RunLog(folder, RunLog.Options(stepsPerLine: 1))])
    let html = try String(contentsOfFile: folder.reportPath, encoding: .utf8)
    #expect(html.contains("Changed on the way") && html.contains("nextLearningRate"))
    // The rates of both parts.
    #expect(html.contains("0.02") && html.contains("0.5"))
    let record = try RunRecord(folder)
    #expect(record.steps.map(\.step) == Array(1...6))
    #expect(record.changes.contains { $0.setting == "nextLearningRate" && $0.new == "0.5" })
    // The state that was kept before the first step has it: killed at once, it goes on so.
    #expect(try folder.loadCheckpoint().changes == record.changes)
  }

  @Test("the assessment of the last validation is that of an evaluation of the model")
  func assessment() throws {
    final class Taker: TrainingLogger {
      var found: [Assessment] = []
      func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) {
        if let assessment = training.assessment { found.append(assessment) }
      }
    }
    let taker = Taker()
    let data = try syntheticData(count: 40, extent: 8)
    var model = Model(smallNetwork(), seed: 1)
    try momentumTrainer.fit(&model, on: data, validating: data, epochs: 2, loggers: [taker])
    let evaluation = try Evaluation(of: model, on: data)
    let last = try #require(taker.found.last)
    #expect(taker.found.count == 2 && last.samples == 40)
    #expect(last.confusion == evaluation.confusion && last.top1 == evaluation.metrics.top1)
    #expect(abs(last.loss - evaluation.metrics.loss) < 1e-6)
    for mistake in last.mistakes { #expect(data.label(at: mistake.sample) == mistake.label) }
  }
}
