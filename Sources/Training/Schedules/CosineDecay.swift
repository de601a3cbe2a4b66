import Foundation

/// Falls along half a cosine, then stays (I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
/// 2017, without restarts):
///
///     last + (rate - last) (1 + cos(pi t / length)) / 2
public struct CosineDecay: LearningRateSchedule {
  public static let name = "cosine"

  /// The rate at the beginning.
  public var rate: Float
  /// The rate at the end and after it.
  public var last: Float
  /// When it ends.
  public var length: Double
  /// How the time is told.
  public var time: ScheduleTime

  /// A rate that falls to zero in so many epochs, unless something else is said.
  public init(
    from rate: Float, to last: Float = 0, length: Double, time: ScheduleTime = .progress
  ) {
    self.rate = rate
    self.last = last
    self.length = length
    self.time = time
  }

  public func validate() throws(TrainingError) {
    try requireRate(rate)
    try requireEnd(last, below: rate)
    try requireLength(length, "length of the cosine")
  }

  public func learningRate(at point: TrainingPoint) -> Float {
    let share = min(1, time.elapsed(at: point) / length)
    return Float(Double(last) + Double(rate - last) * (1 + cos(.pi * share)) / 2)
  }

  public var description: String {
    "learning rate from \(rate) to \(last) along a cosine in \(time.words(length))\(time.manner)"
  }
}

extension LearningRateSchedule where Self == CosineDecay {
  /// Along half a cosine; see ``CosineDecay``.
  public static func cosine(
    from rate: Float, to last: Float = 0, length: Double, time: ScheduleTime = .progress
  ) -> Self {
    CosineDecay(from: rate, to: last, length: length, time: time)
  }
}
