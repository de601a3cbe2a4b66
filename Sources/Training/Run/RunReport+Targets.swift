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

  /// What the table says of an epoch in place of accuracy: the first figure.
  func targetText(_ targets: TargetMetrics?) -> String? {
    targets.map { $0.figures.first.map(\.description) ?? "" }
  }
}
