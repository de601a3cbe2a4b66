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
      return ReportPage.Section("Labels", [.text(text), .table(labels.table(names))])
    case .numbers(let numbers):
      text += ", in the unit of the data."
      return ReportPage.Section("Numbers", [.text(text), .table(numbers.table(names))])
    }
  }
}

extension LabelMetrics {
  /// Precision, recall, F1 and, where ranks were kept, average precision of every label.
  fileprivate func table(_ names: [String]) -> Table {
    let isRanked = meanAveragePrecision != nil
    var columns: [Table.Column] = [
      .init("label"), .init("pictures", .right), .init("precision", .right),
      .init("recall", .right), .init("F1", .right),
    ]
    if isRanked { columns.append(.init("average precision", .right)) }
    var table = Table(columns)
    table.isSortable = true
    for (name, score) in zip(names, labels) {
      var row = [name, "\(score.count)"]
      row += [score.precision, score.recall, score.f1].map { HumanReadable.percent($0) }
      if isRanked { row.append(score.averagePrecision.map { HumanReadable.percent($0) } ?? "") }
      table.append(row)
    }
    return table
  }
}

extension NumberMetrics {
  /// The errors and R^2 of every number.
  fileprivate func table(_ names: [String]) -> Table {
    var table = Table([
      .init("number"), .init("MAE", .right), .init("RMSE", .right), .init("R²", .right),
    ])
    table.isSortable = true
    for (name, score) in zip(names, numbers) {
      table.append([
        name, HumanReadable.quantity(score.meanAbsoluteError),
        HumanReadable.quantity(score.rootMeanSquaredError),
        score.determination.map { HumanReadable.quantity($0) } ?? "",
      ])
    }
    return table
  }
}
