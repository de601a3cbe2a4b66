public import ConvNetEvaluation
import ConvNetFiles
import ConvNetGraphs
import ConvNetImages
public import ConvNetLayers
public import ConvNetReports

/// The report of a training, as a page: the outcome, curves by epoch and by step, what it mistakes for what, every epoch, the
/// settings that made it with where each is from, and on what it was computed.
public struct RunReport: Sendable {
  /// The heading: the network, and the data that it was trained on.
  public var title: String
  /// What made the model.
  public var settings: [(name: String, value: String)]
  /// From the first epoch.
  public var history: [EpochReport]
  /// From the first, or every so many.
  public var steps: [RunStep] = []
  /// By which it is trained; its numbers are shown with where they are from.
  public var recipe: Recipe?
  /// Of settings on the way.
  public var changes: [TrainingChange] = []
  /// What the validation after an epoch, from 1, said of each picture.
  public var assessment: (epoch: Int, assessment: Assessment)?
  /// The most confident of its mistakes.
  public var mistakes: [Gallery.Picture] = []
  /// On what it is computed, and on which data.
  public var environment: [(name: String, value: String)] = []
  private let classNames: [String]
  /// The epoch that the model is of, where that is not the last.
  let bestEpoch: Int?

  /// - Parameters:
  ///   - model: after the training; its summary says how it was trained.
  ///   - facts: more of what made it, such as the number of threads.
  public init(
    of model: Model, history: [EpochReport], facts: [(name: String, value: String)] = []
  ) {
    let summary = model.trainingSummary
    classNames = model.classNames
    bestEpoch = summary?.bestEpoch
    title = model.graph.name + (summary?.data.map { " on \($0)" } ?? "")
    let known: [(name: String, value: String?)] = [
      ("Network", "\(model.graph.name), \(model.graph.cost.parameters) parameters"),
      ("Input", model.preprocessing.map { "\($0)" } ?? ""),
      ("Augmentation", model.augmentation.map { "\($0)" } ?? "none"),
      (
        model.targetKind.rawValue.prefix(1).uppercased() + model.targetKind.rawValue.dropFirst(),
        model.classNames.joined(separator: ", ")
      ),
      ("Optimizer", summary?.optimizer), ("Schedule", summary?.schedule),
      ("Objective", summary?.objective), ("Batch", summary?.batchSize.map(String.init)),
      ("Seed", summary?.seed.map(String.init)),
    ]
    settings =
      known.compactMap { fact in fact.value.map { (fact.name, $0) } } + facts
    self.history = history
  }

  /// The whole, as one HTML file that needs no other.
  public var page: ReportPage {
    ReportPage(
      title, summary: outcome,
      sections: [
        .init("Curves", [.figure(losses), .figure(targetCurves ?? errors)])
      ] + stepSections + assessmentSections + [
        .init(
          "Epochs",
          [
            .table(table),
            .text(
              "Training figures are those of the epoch's own steps, while the parameters changed. The training loss is "
                + "what the training made small. "
                + (isValidated
                  ? "Validation figures are measured after the epoch; the validation loss is \(targetFigures == nil ? "the cross-entropy, in nats" : "without weights")."
                  : "There was no validation: the learning rate went by the training loss.")),
          ])
      ] + processSections + settingSections)
  }

  private var stepSections: [ReportPage.Section] {
    let rates = steps.map { LinePlot.Point(Double($0.step), Double($0.learningRate)) }
    let positive = rates.map(\.y).filter { $0 > 0 }
    let isWide = (positive.max() ?? 0) > 50 * (positive.min() ?? 1) && positive.count == rates.count
    func plot(
      _ title: String, _ axis: Axis, _ name: String, _ points: [LinePlot.Point]
    ) -> ReportPage.Block {
      .figure(
        LinePlot(
          title, horizontal: Axis("step", isInteger: true), vertical: axis,
          series: [.init(name, points: points)], height: 240))
    }
    guard steps.count > 1 else { return [] }
    return [
      .init(
        "Steps",
        [
          plot(
            "Learning rate", Axis("rate", scale: isWide ? .logarithmic : .linear), "rate", rates),
          plot(
            "Loss of steps", Axis("loss of the batch"), "loss",
            steps.map { .init(Double($0.step), $0.loss) }),
          plot(
            "Gradient norm", Axis("length of the gradient", scale: .logarithmic), "norm",
            steps.map { .init(Double($0.step), $0.gradientNorm) }),
        ])
    ]
  }

  private var assessmentSections: [ReportPage.Section] {
    if let section = targetSection(classNames) { return [section] }
    guard let (epoch, assessment) = assessment else { return [] }
    var sections = assessment.sections(classNames, mistakes: mistakes)
    if !sections.isEmpty {
      sections[0].blocks.insert(
        .text(
          "Of the \(plural(assessment.samples, "picture")) to validate on, after epoch \(epoch)."),
        at: 0)
    }
    return sections
  }

  private var processSections: [ReportPage.Section] {
    guard let processes = history.last?.processes else { return [] }
    var table = Table([
      .init("process", .right), .init("machine"), .init("computing", .right),
      .init("waiting for pictures", .right), .init("for the others", .right),
    ])
    for process in processes {
      table.append(
        ["\(process.rank)", process.machine]
          + [process.computeSeconds, process.dataWaitSeconds, process.exchangeSeconds].map {
            HumanReadable.duration($0)
          })
    }
    let slow = ProcessTimes.slow(among: processes)
    return [
      .init(
        "Processes",
        [
          .table(table),
          .text(
            "Of the last epoch's training. The time for the others is that of the sums, and of waiting for the slowest, who waits least. "
              + (slow.map { "All wait for process \($0.rank)." } ?? "None is waited for.")),
        ])
    ]
  }

  private var settingSections: [ReportPage.Section] {
    var blocks: [ReportPage.Block] = [.facts(settings)]
    if let recipe {
      var table = Table([.init("setting"), .init("value"), .init("from")])
      // Of a training that no recipe is named for, these are the network's and the pictures' own.
      let unsaid = ["network": "", "inputSize": "0"]
      for number in recipe.numbers where unsaid[number.name] != number.value {
        table.append([number.name, number.value, number.source.map { "\($0)" } ?? ""])
      }
      blocks.append(.table(table))
    }
    var sections: [ReportPage.Section] = [.init("Settings", blocks)]
    if !changes.isEmpty {
      var table = Table([
        .init("after epoch", .right), .init("step", .right), .init("setting"), .init("was"),
        .init("is"),
      ])
      for change in changes {
        table.append([
          "\(change.epoch)", "\(change.step)", change.setting, change.old ?? "–",
          change.new ?? "–",
        ])
      }
      sections.append(.init("Changed on the way", [.table(table)]))
    }
    if !environment.isEmpty { sections.append(.init("Environment", [.facts(environment)])) }
    return sections
  }

  private var isValidated: Bool { history.contains { $0.validation != nil } }

  private var outcome: String {
    guard let last = history.last else { return "" }
    if let targetOutcome { return targetOutcome }
    let seconds = HumanReadable.duration(history.reduce(0) { $0 + $1.seconds })
    guard let validation = last.validation,
      let best = history.max(by: { ($0.validation?.top1 ?? 0) < ($1.validation?.top1 ?? 0) })
    else {
      return
        "Training accuracy \(HumanReadable.percent(last.training.top1, digits: 2)) after \(plural(history.count, "epoch")), "
        + "\(seconds) of training, on all pictures: nothing was held out to validate on."
    }
    var text = "Validation accuracy \(HumanReadable.percent(validation.top1, digits: 2)) on "
    text +=
      "\(plural(validation.samples, "picture")) after \(plural(history.count, "epoch")), \(seconds) of training."
    if best.epoch != last.epoch, let top1 = best.validation?.top1 {
      text += " The best was \(HumanReadable.percent(top1, digits: 2)), after epoch \(best.epoch)."
    }
    return text
  }

  private var losses: LinePlot {
    var series = [LinePlot.Series("training", values: history.map(\.training.loss))]
    if history.allSatisfy({ $0.validation != nil }) {
      series.append(.init("validation", values: history.compactMap(\.validation?.loss)))
    }
    return LinePlot(
      "Loss", horizontal: Axis("epoch", isInteger: true), vertical: Axis("loss"),
      series: series)
  }

  private var errors: LinePlot {
    func error(_ metrics: ClassificationMetrics) -> Double { 100 * (1 - metrics.top1) }
    var series = [LinePlot.Series("training", values: history.map { error($0.training) })]
    if history.allSatisfy({ $0.validation != nil }) {
      series.append(.init("validation", values: history.compactMap { $0.validation.map(error) }))
    }
    return LinePlot(
      "Error", horizontal: Axis("epoch", isInteger: true), vertical: Axis("top-1 error, %"),
      series: series)
  }

  private var table: Table {
    let trained = targetFigure(\.trainingTargets)
    let validated = targetFigure(\.validationTargets)
    let validation: [Table.Column] =
      isValidated
      ? [
        .init("validation loss", .right),
        .init("validation \(validated?.name ?? "accuracy")", .right),
      ] : []
    var table = Table(
      [
        .init("epoch", .right), .init("rate", .right), .init("training loss", .right),
        .init("training \(trained?.name ?? "accuracy")", .right),
      ] + validation + [.init("images/s", .right), .init("data wait", .right)])
    for report in history {
      let measured = [
        report.validation.map { HumanReadable.fixed($0.loss, digits: 4) } ?? "",
        targetText(report.validationTargets, validated)
          ?? report.validation.map { HumanReadable.percent($0.top1) } ?? "",
      ]
      table.append(
        [
          "\(report.epoch)", HumanReadable.quantity(Double(report.learningRate)),
          HumanReadable.fixed(report.training.loss, digits: 4),
          targetText(report.trainingTargets, trained)
            ?? HumanReadable.percent(report.training.top1),
        ] + (isValidated ? measured : []) + [
          HumanReadable.quantity(report.imagesPerSecond),
          HumanReadable.percent(report.dataWaitShare),
        ])
    }
    return table
  }
}
