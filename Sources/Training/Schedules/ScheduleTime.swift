/// By what a schedule tells the time.
public enum ScheduleTime: String, Hashable, Sendable, Codable, CaseIterable {
  /// Epochs, the share of the present one included: the rate changes with every step.
  case progress
  /// Finished epochs: the rate changes between two of them.
  case epochs
  /// Steps.
  case steps

  /// Units of time before a step.
  public func elapsed(at point: TrainingPoint) -> Double {
    switch self {
    case .progress: point.progress
    case .epochs: Double(point.epoch)
    case .steps: Double(point.step)
    }
  }

  /// `30 epochs`, `1 step`.
  func words(_ count: some CustomStringConvertible) -> String {
    let number = "\(count)".hasSuffix(".0") ? String("\(count)".dropLast(2)) : "\(count)"
    let unit = self == .steps ? "step" : "epoch"
    return "\(number) \(unit)\(number == "1" ? "" : "s")"
  }

  /// How the rate follows: between epochs, or all the time.
  var manner: String { self == .epochs ? ", by whole epochs" : "" }
}

extension LearningRateSchedule {
  func requireRate(_ rate: Float, _ name: String = "learning rate") throws(TrainingError) {
    try require(rate.isFinite && rate > 0, name, rate, "a finite number above zero")
  }

  /// A rate to end at.
  func requireEnd(_ rate: Float, below beginning: Float) throws(TrainingError) {
    try require(
      rate >= 0 && rate <= beginning, "last learning rate", rate,
      "zero or more, and no more than the first, \(beginning)")
  }

  func requireLength(_ length: Double, _ name: String) throws(TrainingError) {
    try require(length.isFinite && length > 0, name, length, "a finite number above zero")
  }
}
