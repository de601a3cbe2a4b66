import ConvNetEvaluation
package import ConvNetImages
import ConvNetReports

/// What trainings are compared by: of classes the top-1 error, of labels and numbers the figures that their lines keep.
struct RunScore: Hashable, Sendable {
  /// What the figure is of; `nil` of the top-1 error.
  var measure: TargetMetrics.Measure?

  /// As people call it.
  var name: String { measure?.name ?? "top-1 error" }

  /// After the words validation and training.
  var brief: String { measure?.name ?? "error" }

  /// What an axis says of it.
  var unit: String {
    switch measure {
    case nil: "top-1 error, %"
    case .meanAveragePrecision, .microF1, .macroF1: "share, %"
    case .meanAbsoluteError, .rootMeanSquaredError: "in the unit of the data"
    case .determination, .meanDetermination: "1 where all is right"
    }
  }

  /// What it says something of.
  var kind: TargetKind { measure?.kind ?? .classes }

  /// Whether others say much the same: it has no curve, and is left out where a terminal is narrow.
  var isMinor: Bool { measure == .macroF1 || measure == .rootMeanSquaredError }

  /// Whether it is from 0 to 1, and told in percent.
  var isShare: Bool { measure?.isShare ?? true }

  /// The most telling of each kind first.
  static let all: [RunScore] =
    [RunScore()] + TargetMetrics.Measure.allCases.map { RunScore(measure: $0) }

  /// After an epoch; `nil` where nothing is validated on, and of what has other scores.
  func validation(_ epoch: RunEpoch) -> Double? {
    guard let measure else { return epoch.validationTop1.map { 1 - $0 } }
    return epoch.validationFigures?[measure.rawValue]
  }

  /// Of an epoch's own steps.
  func training(_ epoch: RunEpoch) -> Double? {
    guard let measure else { return epoch.trainingTop1.map { 1 - $0 } }
    return epoch.trainingFigures?[measure.rawValue]
  }

  /// Of the validation, or where there is none of the training.
  func value(_ epoch: RunEpoch) -> Double? {
    epoch.validationLoss == nil ? training(epoch) : validation(epoch)
  }

  /// A value as people read it.
  func text(_ value: Double) -> String {
    isShare ? HumanReadable.percent(value, digits: 2) : HumanReadable.quantity(value)
  }

  /// With its name, `training micro F1 87.50 %`; `nil` where the epoch does not have it.
  func description(of epoch: RunEpoch) -> String? {
    value(epoch).map {
      "\(epoch.validationLoss == nil ? "training \(brief)" : name) \(text($0))"
    }
  }
}

extension RunEpoch {
  /// What its pictures are told by, as its figures say.
  package var targetKind: TargetKind {
    guard let trainingFigures else { return .classes }
    let kinds = trainingFigures.keys.compactMap { TargetMetrics.Measure(rawValue: $0)?.kind }
    // Of several numbers there is no figure before the second picture.
    return kinds.first ?? .numbers
  }

  /// Of labels, 0 to 1, after the epoch; `nil` of all else, and where no picture has a label.
  var validationMeanAveragePrecision: Double? {
    validationFigures?[TargetMetrics.Measure.meanAveragePrecision.rawValue]
  }
}
