import Foundation

/// Multiplied by `factor` at each of some times: rate factor^(milestones passed).
///
/// ResNet's on CIFAR-10 is a tenth at steps 32,000 and 48,000 of 64,000.
public struct Milestones: LearningRateSchedule {
  public static let name = "milestones"

  /// The rate at the beginning.
  public var rate: Float
  /// What the rate is multiplied by, above 0, to 1.
  public var factor: Float
  /// When, in rising order.
  public var milestones: [Int]
  /// Of what they are counts.
  public var time: ScheduleTime

  /// A rate that changes after so many epochs, unless the time is told by steps.
  public init(
    from rate: Float, factor: Float = 0.1, at milestones: [Int], time: ScheduleTime = .epochs
  ) {
    self.rate = rate
    self.factor = factor
    self.milestones = milestones
    self.time = time
  }

  public func validate() throws(TrainingError) {
    try requireRate(rate)
    try require(factor > 0 && factor <= 1, "decay factor", factor, "above 0, to 1")
    try require(
      milestones.allSatisfy { $0 > 0 } && zip(milestones, milestones.dropFirst()).allSatisfy(<),
      "milestones", milestones, "positive and in rising order")
  }

  public func learningRate(at point: TrainingPoint) -> Float {
    let elapsed = time.elapsed(at: point)
    let passed = milestones.count { Double($0) <= elapsed }
    return Float(Double(rate) * pow(Double(factor), Double(passed)))
  }

  public var description: String {
    let last = milestones.last.map { time.words($0) } ?? "no milestone"
    let before = milestones.dropLast().map { "\($0), " }.joined()
    return "learning rate \(rate), times \(factor) after \(before)\(last)"
  }
}

extension LearningRateSchedule where Self == Milestones {
  /// Lower by a factor at each of some times; see ``Milestones``.
  public static func milestones(
    from rate: Float, factor: Float = 0.1, at milestones: [Int], time: ScheduleTime = .epochs
  ) -> Self {
    Milestones(from: rate, factor: factor, at: milestones, time: time)
  }
}
