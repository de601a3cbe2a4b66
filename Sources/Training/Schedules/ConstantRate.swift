/// The same learning rate from the first step to the last.
public struct ConstantRate: LearningRateSchedule {
  public static let name = "constant"

  /// The learning rate, above zero.
  public var rate: Float

  /// That rate at every step.
  public init(_ rate: Float) {
    self.rate = rate
  }

  public func validate() throws(TrainingError) {
    try require(rate.isFinite && rate > 0, "learning rate", rate, "a finite number above zero")
  }

  public func learningRate(at point: TrainingPoint) -> Float { rate }

  public var description: String { "learning rate \(rate)" }
}

extension LearningRateSchedule where Self == ConstantRate {
  /// The same rate from the first step to the last; see ``ConstantRate``.
  public static func constant(_ rate: Float) -> Self { ConstantRate(rate) }
}
