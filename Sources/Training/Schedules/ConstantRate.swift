/// The same learning rate from the first step to the last.
public struct ConstantRate: LearningRateSchedule {
  public static let name = "constant"

  public var rate: Float

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
  public static func constant(_ rate: Float) -> Self { ConstantRate(rate) }
}
