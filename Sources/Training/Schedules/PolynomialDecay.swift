import Foundation

/// Falls along a power of the time that is left, then stays; a straight line where the power is 1:
///
///     last + (rate - last) (1 - t / length)^power
public struct PolynomialDecay: LearningRateSchedule {
  public static let name = "polynomial"

  /// The rate at the beginning.
  public var rate: Float
  /// The rate at the end and after it.
  public var last: Float
  /// Of the time that is left, above zero.
  public var power: Float
  /// When it ends.
  public var length: Double
  /// How the time is told.
  public var time: ScheduleTime

  /// A rate that falls in a straight line to zero in so many epochs, unless something else is said.
  public init(
    from rate: Float, to last: Float = 0, power: Float = 1, length: Double,
    time: ScheduleTime = .progress
  ) {
    self.rate = rate
    self.last = last
    self.power = power
    self.length = length
    self.time = time
  }

  public func validate() throws(TrainingError) {
    try requireRate(rate)
    try requireEnd(last, below: rate)
    try require(power.isFinite && power > 0, "power", power, "a finite number above zero")
    try requireLength(length, "length of the decay")
  }

  public func learningRate(at point: TrainingPoint) -> Float {
    let left = 1 - min(1, time.elapsed(at: point) / length)
    return Float(Double(last) + Double(rate - last) * pow(left, Double(power)))
  }

  public var description: String {
    "learning rate from \(rate) to \(last) "
      + (power == 1 ? "in a straight line" : "by power \(power)")
      + " in \(time.words(length))\(time.manner)"
  }
}

extension LearningRateSchedule where Self == PolynomialDecay {
  /// Along a power of the time that is left; see ``PolynomialDecay``.
  public static func polynomial(
    from rate: Float, to last: Float = 0, power: Float = 1, length: Double,
    time: ScheduleTime = .progress
  ) -> Self {
    PolynomialDecay(from: rate, to: last, power: power, length: length, time: time)
  }
}
