package import ConvNetImages
import ConvNetReports

/// What trainings are compared by: of classes the top-1 error, of labels and numbers the figures that their lines keep.
struct RunScore: Hashable, Sendable {
  /// Of the figure; `nil` of the top-1 error.
  var key: String?
  /// As people call it.
  var name: String
  /// What an axis says of it.
  var unit: String
  /// Of what it is.
  var kind: TargetKind
  /// Whether others say much the same: it has no curve, and is left out where a terminal is narrow.
  var isMinor = false

  /// After the words validation and training.
  var brief: String { key == nil ? "error" : name }

  /// Whether it is from 0 to 1, and told in percent.
  var isShare: Bool { kind != .numbers }

  /// The most telling of each kind first; the figures are those of `TargetMetrics`.
  static let all = [
    RunScore(key: nil, name: "top-1 error", unit: "top-1 error, %", kind: .classes),
    RunScore(
      key: "meanAveragePrecision", name: "mean average precision", unit: "share, %", kind: .labels),
    RunScore(key: "microF1", name: "micro F1", unit: "share, %", kind: .labels),
    RunScore(key: "macroF1", name: "macro F1", unit: "share, %", kind: .labels, isMinor: true),
    RunScore(
      key: "meanAbsoluteError", name: "MAE", unit: "in the unit of the data", kind: .numbers),
    RunScore(
      key: "rootMeanSquaredError", name: "RMSE", unit: "in the unit of the data", kind: .numbers,
      isMinor: true),
    RunScore(key: "determination", name: "R²", unit: "1 where all is right", kind: .numbers),
    RunScore(
      key: "meanDetermination", name: "mean R²", unit: "1 where all is right", kind: .numbers),
  ]

  /// After an epoch; `nil` where nothing is validated on, and of what has other scores.
  func validation(_ epoch: RunEpoch) -> Double? {
    guard let key else { return epoch.validationTop1.map { 1 - $0 } }
    return epoch.validationFigures?[key]
  }

  /// Of an epoch's own steps.
  func training(_ epoch: RunEpoch) -> Double? {
    guard let key else { return epoch.trainingTop1.map { 1 - $0 } }
    return epoch.trainingFigures?[key]
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
    return trainingFigures["microF1"] == nil ? .numbers : .labels
  }
}
