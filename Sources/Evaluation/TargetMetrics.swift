import ConvNetFiles
package import ConvNetImages
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
    let values: [(measure: Measure, value: Double?)]
    switch self {
    case .labels(let metrics):
      values = [
        (.meanAveragePrecision, metrics.meanAveragePrecision), (.microF1, metrics.microF1),
        (.macroF1, metrics.macroF1),
      ]
    case .numbers(let metrics):
      let scores = metrics.numbers
      if scores.count == 1 {
        values = [
          (.meanAbsoluteError, scores[0].meanAbsoluteError),
          (.rootMeanSquaredError, scores[0].rootMeanSquaredError),
          (.determination, scores[0].determination),
        ]
      } else {
        values = [(.meanDetermination, metrics.meanDetermination)]
      }
    }
    return values.compactMap { measure, value in value.map { Figure(measure, $0) } }
  }
}

extension TargetMetrics {
  /// What a figure is of, the most telling of each kind first; the raw value is its key.
  package enum Measure: String, CaseIterable, Sendable {
    case meanAveragePrecision, microF1, macroF1
    case meanAbsoluteError, rootMeanSquaredError, determination, meanDetermination

    /// As people call it.
    package var name: String {
      switch self {
      case .meanAveragePrecision: "mean average precision"
      case .microF1: "micro F1"
      case .macroF1: "macro F1"
      case .meanAbsoluteError: "MAE"
      case .rootMeanSquaredError: "RMSE"
      case .determination: "R²"
      case .meanDetermination: "mean R²"
      }
    }

    /// What it says something of.
    package var kind: TargetKind {
      switch self {
      case .meanAveragePrecision, .microF1, .macroF1: .labels
      case .meanAbsoluteError, .rootMeanSquaredError, .determination, .meanDetermination: .numbers
      }
    }

    /// Whether it is a share, 0 to 1.
    package var isShare: Bool { kind == .labels }
  }
}

extension TargetMetrics.Figure {
  fileprivate init(_ measure: TargetMetrics.Measure, _ value: Double) {
    self.init(key: measure.rawValue, name: measure.name, value: value, isShare: measure.isShare)
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
