import Foundation

/// Multiplied by `factor` in the course of so many epochs or steps, a little with each step or with each epoch:
///
///     rate factor^(t / every)
public struct ExponentialDecay: LearningRateSchedule {
  public static let name = "exponential"

  /// The rate at the beginning.
  public var rate: Float
  /// What the rate is multiplied by, above 0, to 1.
  public var factor: Float
  /// In the course of how much time.
  public var interval: Double
  /// How the time is told: ``ScheduleTime/epochs`` changes the rate between epochs only.
  public var time: ScheduleTime

  /// A rate that falls all the time, unless the time is told by whole epochs.
  public init(
    from rate: Float, factor: Float, every interval: Double = 1, time: ScheduleTime = .progress
  ) {
    self.rate = rate
    self.factor = factor
    self.interval = interval
    self.time = time
  }

  public func validate() throws(TrainingError) {
    try requireRate(rate)
    try require(factor > 0 && factor <= 1, "decay factor", factor, "above 0, to 1")
    try requireLength(interval, "decay interval")
  }

  public func learningRate(at point: TrainingPoint) -> Float {
    Float(Double(rate) * pow(Double(factor), time.elapsed(at: point) / interval))
  }

  public var description: String {
    "learning rate \(rate), times \(factor) in \(time.words(interval))\(time.manner)"
  }
}

extension LearningRateSchedule where Self == ExponentialDecay {
  /// Lower with every step or epoch, by a factor in so much time; see ``ExponentialDecay``.
  public static func exponential(
    from rate: Float, factor: Float, every interval: Double = 1, time: ScheduleTime = .progress
  ) -> Self {
    ExponentialDecay(from: rate, factor: factor, every: interval, time: time)
  }
}
