import ConvNetFiles
import ConvNetReports

/// How well labels or numbers are told.
public enum TargetMetrics: Hashable, Sendable, Codable {
  /// Several labels a picture.
  case labels(LabelMetrics)
  /// Numbers.
  case numbers(NumberMetrics)

  /// A figure that says something of all labels or numbers together.
  public struct Figure: Hashable, Sendable, Codable {
    /// As JSON calls it.
    public var key: String
    /// As people call it.
    public var name: String
    /// Its value.
    public var value: Double
    /// Whether it is a share, 0 to 1.
    public var isShare: Bool
  }

  /// The figures to look at first, the most telling first: of labels mean average precision, where ranks were kept, and F1 over
  /// all answers and over the labels; of one number its errors and R^2, of several the mean of their R^2.
  public var figures: [Figure] {
    switch self {
    case .labels(let metrics):
      let ranked = metrics.meanAveragePrecision.map {
        Figure(
          key: "meanAveragePrecision", name: "mean average precision", value: $0, isShare: true)
      }
      return [
        ranked,
        Figure(key: "microF1", name: "micro F1", value: metrics.microF1, isShare: true),
        Figure(key: "macroF1", name: "macro F1", value: metrics.macroF1, isShare: true),
      ].compactMap(\.self)
    case .numbers(let metrics):
      let scores = metrics.numbers
      guard scores.count == 1 else {
        return metrics.meanDetermination.map {
          [Figure(key: "meanDetermination", name: "mean R²", value: $0, isShare: false)]
        } ?? []
      }
      return [
        Figure(
          key: "meanAbsoluteError", name: "MAE", value: scores[0].meanAbsoluteError, isShare: false),
        Figure(
          key: "rootMeanSquaredError", name: "RMSE", value: scores[0].rootMeanSquaredError,
          isShare: false),
      ]
        + (scores[0].determination.map {
          [Figure(key: "determination", name: "R²", value: $0, isShare: false)]
        } ?? [])
    }
  }
}

extension TargetMetrics.Figure: CustomStringConvertible {
  /// The value as people read it.
  package var text: String {
    isShare ? HumanReadable.percent(value) : HumanReadable.quantity(value)
  }

  /// `micro F1 87.5 %`
  public var description: String { "\(name) \(text)" }
}

extension TargetMetrics {
  /// The figures by their keys.
  package var values: [String: Double] {
    Dictionary(figures.map { ($0.key, $0.value) }) { $1 }
  }
}
