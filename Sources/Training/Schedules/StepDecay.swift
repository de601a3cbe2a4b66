import Foundation

/// Multiplied by `factor` each time that so many epochs, or steps, have gone by:
///
///     rate factor^floor(t / every)
///
/// GoogLeNet's is 0.96 every 8 epochs.
public struct StepDecay: LearningRateSchedule {
  public static let name = "stepDecay"

  /// The rate at the beginning.
  public var rate: Float
  /// What the rate is multiplied by, above 0, to 1.
  public var factor: Float
  /// Between two changes.
  public var interval: Int
  /// Of what the interval is.
  public var time: ScheduleTime

  /// A rate that changes every so many epochs, unless the time is told by steps.
  public init(from rate: Float, factor: Float, every interval: Int, time: ScheduleTime = .epochs) {
    self.rate = rate
    self.factor = factor
    self.interval = interval
    self.time = time
  }

  public func validate() throws(TrainingError) {
    try requireRate(rate)
    try require(factor > 0 && factor <= 1, "decay factor", factor, "above 0, to 1")
    try require(interval > 0, "decay interval", interval, "at least 1")
  }

  public func learningRate(at point: TrainingPoint) -> Float {
    let times = (time.elapsed(at: point) / Double(interval)).rounded(.down)
    return Float(Double(rate) * pow(Double(factor), times))
  }

  public var description: String {
    "learning rate \(rate), times \(factor) every \(time.words(interval))"
  }
}

extension LearningRateSchedule where Self == StepDecay {
  /// Lower by a factor every so many epochs or steps; see ``StepDecay``.
  public static func steps(
    from rate: Float, factor: Float, every interval: Int, time: ScheduleTime = .epochs
  ) -> Self {
    StepDecay(from: rate, factor: factor, every: interval, time: time)
  }
}
