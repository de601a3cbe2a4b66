import Foundation

/// Rises to a high rate and falls far below the first, each along half a cosine (L. Smith, N. Topin, "Super-Convergence",
/// 2018).
///
/// From `peak / firstDivisor` at the beginning to `peak` at `rise length`, then to `peak / firstDivisor / lastDivisor` at
/// `length`, where it stays. PyTorch's `OneCycleLR` of n steps counts both ends: it is this of a length of n - 1 steps, with a
/// rise of (share n - 1) / (n - 1).
public struct OneCycle: LearningRateSchedule {
  public static let name = "oneCycle"

  /// The highest rate.
  public var peak: Float
  /// The share of the length in which the rate rises, above 0 and below 1.
  public var rise: Float
  /// By which the first rate is lower than the highest.
  public var firstDivisor: Float
  /// By which the last rate is lower than the first.
  public var lastDivisor: Float
  /// When it ends.
  public var length: Double
  /// How the time is told.
  public var time: ScheduleTime

  /// A cycle of so many epochs, unless the time is told by steps; the other numbers are those of PyTorch.
  public init(
    peak: Float, length: Double, rise: Float = 0.3, firstDivisor: Float = 25,
    lastDivisor: Float = 10_000, time: ScheduleTime = .progress
  ) {
    self.peak = peak
    self.length = length
    self.rise = rise
    self.firstDivisor = firstDivisor
    self.lastDivisor = lastDivisor
    self.time = time
  }

  public func validate() throws(TrainingError) {
    try requireRate(peak, "highest learning rate")
    try requireLength(length, "length of the cycle")
    try require(rise > 0 && rise < 1, "share of the rise", rise, "between 0 and 1")
    for divisor in [firstDivisor, lastDivisor] {
      try require(divisor.isFinite && divisor >= 1, "divisor", divisor, "a finite number from 1")
    }
  }

  public func learningRate(at point: TrainingPoint) -> Float {
    let share = min(1, time.elapsed(at: point) / length)
    let (rise, peak) = (Double(rise), Double(peak))
    let first = peak / Double(firstDivisor)
    func between(_ from: Double, _ to: Double, _ part: Double) -> Float {
      Float(to + (from - to) * (1 + cos(.pi * part)) / 2)
    }
    return share < rise
      ? between(first, peak, share / rise)
      : between(peak, first / Double(lastDivisor), (share - rise) / (1 - rise))
  }

  public var description: String {
    "learning rate up to \(peak) in \(rise) of \(time.words(length)), from a share of 1/\(firstDivisor), then down to "
      + "1/\(lastDivisor) of that"
  }
}

extension LearningRateSchedule where Self == OneCycle {
  /// Up to a high rate, then far down; see ``OneCycle``.
  public static func oneCycle(
    peak: Float, length: Double, rise: Float = 0.3, firstDivisor: Float = 25,
    lastDivisor: Float = 10_000, time: ScheduleTime = .progress
  ) -> Self {
    OneCycle(
      peak: peak, length: length, rise: rise, firstDivisor: firstDivisor,
      lastDivisor: lastDivisor, time: time)
  }
}
