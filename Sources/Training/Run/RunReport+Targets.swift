import ConvNetEvaluation
import ConvNetFiles
import ConvNetReports

/// What is otherwise in the report of a training on labels or numbers.
extension RunReport {
  /// Of the last epoch, where pictures are told by labels or numbers.
  var targetFigures: [TargetMetrics.Figure]? {
    (history.last?.validationTargets ?? history.last?.trainingTargets)?.figures
  }

  /// In words: the outcome of such a training.
  var targetOutcome: String? {
    guard let last = history.last, let figures = targetFigures else { return nil }
    let text = figures.map(\.description).joined(separator: ", ")
    let seconds = HumanReadable.duration(history.reduce(0) { $0 + $1.seconds })
    let measured = last.validation ?? last.training
    return "\(last.validation == nil ? "Training" : "Validation"): \(text), on "
      + "\(plural(measured.samples, "picture")) after \(plural(history.count, "epoch")), \(seconds) of training."
      + (last.validation == nil ? " Nothing was held out to validate on." : "")
  }

  /// The curves of the figures that are shares, or, of numbers, of the others.
  var targetCurves: LinePlot? {
    guard let figures = targetFigures, let first = figures.first else { return nil }
    let isShare = first.isShare
    var series: [LinePlot.Series] = []
    for figure in figures where figure.isShare == isShare && (isShare || figure == first) {
      func values(_ targets: (EpochReport) -> TargetMetrics?) -> [Double] {
        history.compactMap { report in
          targets(report)?.figures.first { $0.key == figure.key }.map {
            isShare ? 100 * $0.value : $0.value
          }
        }
      }
      for (part, values) in [
        ("training", values(\.trainingTargets)), ("validation", values(\.validationTargets)),
      ] where values.count == history.count {
        series.append(.init("\(part) \(figure.name)", values: values))
      }
    }
    return LinePlot(
      isShare ? "Labels" : "Numbers", horizontal: Axis("epoch", isInteger: true),
      vertical: Axis(isShare ? "share, %" : first.name), series: series)
  }

  /// What the table of the epochs has in place of accuracy: the first figure that the last of them has.
  func targetFigure(_ targets: (EpochReport) -> TargetMetrics?) -> TargetMetrics.Figure? {
    for report in history.reversed() {
      if let figure = targets(report)?.figures.first { return figure }
    }
    return nil
  }

  /// A figure of an epoch in the table, empty where that epoch does not have it; `nil` of classes.
  func targetText(_ targets: TargetMetrics?, _ figure: TargetMetrics.Figure?) -> String? {
    targets.map { $0.figures.first { $0.key == figure?.key }?.text ?? "" }
  }

  /// How well each label or number is told, in the epoch that the model is of; `nil` of classes.
  func targetSection(_ names: [String]) -> ReportPage.Section? {
    guard let report = history.first(where: { $0.epoch == bestEpoch }) ?? history.last,
      let targets = report.validationTargets ?? report.trainingTargets
    else { return nil }
    let count = plural((report.validation ?? report.training).samples, "picture")
    var text =
      report.validation == nil
      ? "Of the \(count) to train on, each before its step, in epoch \(report.epoch)"
      : "Of the \(count) to validate on, after epoch \(report.epoch)"
    switch targets {
    case .labels(let labels):
      text += "; a label is said to be there from a probability of "
      text += HumanReadable.percent(Double(labels.threshold), digits: 0) + " on."
      return ReportPage.Section("Labels", [.text(text), .table(targets.table(names))])
    case .numbers:
      text += ", in the unit of the data."
      return ReportPage.Section("Numbers", [.text(text), .table(targets.table(names))])
    }
  }
}
