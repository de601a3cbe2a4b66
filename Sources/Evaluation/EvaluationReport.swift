public import ConvNetDatasets
import ConvNetFiles
import ConvNetImages
public import ConvNetReports
import Foundation

/// An evaluation as a page: the scores, calibration, classes, confusion, and the most confident mistakes as pictures.
public struct EvaluationReport: Sendable {
  /// What was measured.
  public var evaluation: ProtocolEvaluation
  /// On what.
  public var data: String
  /// The views of one picture, as PNG; `nil` for none.
  public var viewsSheet: [UInt8]?
  /// The mistakes of the last score, the most confident first.
  public var mistakes: [Gallery.Picture]
  /// A published table, beside whose rows the scores are put; `nil` for none.
  public var publishedTable: PublishedTable?

  /// A report of an evaluation.
  ///
  /// - Parameter dataset: that was measured on, of which the mistakes are read again; one that is gone meanwhile is left out.
  /// - Throws: ``ImageError`` where a picture cannot be written.
  public init(_ evaluation: ProtocolEvaluation, on dataset: any Dataset) throws {
    self.evaluation = evaluation
    data = dataset.name
    mistakes =
      try evaluation.scores.last?.assessment.pictures(
        of: dataset, evaluation.classNames) ?? []
  }

  /// The scores as a table: name, protocol, views, cost, errors, with intervals, and the gain over the first row.
  public static func table(_ scores: [ProtocolEvaluation.Score]) -> Table {
    var table = Table([
      .init("model", leastWidth: 12), .init("protocol"), .init("views", .right),
      .init("multiply-adds", .right, dispensability: 2), .init("top-1 error", .right),
      .init("95 % interval", .right, dispensability: 1),
      .init("top-5 error", .right), .init("gain", .right, dispensability: 3),
    ])
    table.isSortable = true
    for score in scores {
      let (own, interval) = (score.assessment, score.assessment.top1Interval)
      let gain = own.top1 - (scores.first?.assessment.top1 ?? 0)
      table.append([
        score.name, score.views, "\(score.passes)", HumanReadable.quantity(score.multiplyAdds),
        HumanReadable.percent(1 - own.top1, digits: 2),
        "\(HumanReadable.fixed(100 * (1 - interval.upperBound), digits: 2)) to "
          + HumanReadable.fixed(100 * (1 - interval.lowerBound), digits: 2),
        HumanReadable.percent(1 - own.top5, digits: 2),
        (gain > 0 ? "+" : "") + HumanReadable.fixed(100 * gain, digits: 2),
      ])
    }
    return table
  }

  /// Accuracy over confidence; what is calibrated lies on the diagonal.
  public static func reliability(_ scores: [ProtocolEvaluation.Score]) -> LinePlot {
    LinePlot(
      "Reliability", horizontal: Axis("mean confidence"), vertical: Axis("accuracy"),
      series: [.init("calibrated", points: [.init(0, 0), .init(1, 1)])]
        + scores.suffix(3).map { score in
          .init(
            score.name == "ensemble" ? "ensemble" : score.views,
            points: score.assessment.bins.filter { $0.count > 0 }.map {
              .init($0.meanConfidence, $0.accuracy)
            })
        })
  }

  /// The whole, as one HTML file that needs no other.
  public var page: ReportPage {
    guard let last = evaluation.scores.last else { return ReportPage(data) }
    let own = last.assessment
    var sections: [ReportPage.Section] = [
      .init(
        "Scores",
        [
          .table(Self.table(evaluation.scores)),
          .facts(
            evaluation.scores.map {
              (name: "\($0.name), \($0.views)", value: $0.protocolDescription)
            }),
        ]),
      .init(
        "Calibration",
        [
          .figure(Self.reliability(evaluation.scores)),
          .text(
            "Expected calibration error \(HumanReadable.percent(own.calibrationError, digits: 2)): how far the probability of an "
              + "answer and its accuracy differ, in 15 intervals."),
        ]),
    ]
    if let publishedTable {
      sections.insert(
        .init(
          "Beside published errors", [.table(publishedTable.table(with: evaluation.scores))]),
        at: 1)
    }
    sections += own.sections(evaluation.classNames, mistakes: mistakes)
    if let viewsSheet {
      sections.append(
        .init("Views", [.picture(png: viewsSheet, caption: "What is shown of one picture.")]))
    }
    let interval = own.top1Interval
    return ReportPage(
      "\(last.name) on \(data)",
      summary: "Top-1 accuracy \(HumanReadable.percent(own.top1, digits: 2)) "
        + "(\(HumanReadable.fixed(100 * interval.lowerBound, digits: 2)) to "
        + "\(HumanReadable.percent(interval.upperBound, digits: 2)) at 95 %) on \(plural(own.samples, "picture")), "
        + "\(plural(last.passes, "view")) each.",
      sections: sections)
  }
}
