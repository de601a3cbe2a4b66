import ConvNetEvaluation
import ConvNetLayers
import ConvNetReports
import ConvNetTestSupport
import ConvNetTraining
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
}
