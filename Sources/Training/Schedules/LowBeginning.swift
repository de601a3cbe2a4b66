/// A share of another schedule's rate until an epoch's training error falls below a limit: how the residual network of 110
/// layers begins, at 0.01 in place of 0.1 until the error is below 80 % (K. He et al., "Deep Residual Learning for Image
/// Recognition", 2015, section 4.2).
///
/// Errors are those of whole epochs. The paper's training had come below in about 400 steps, a little more than an epoch.
public struct LowBeginning<Schedule: LearningRateSchedule>: LearningRateSchedule {
  public static var name: String { "lowBeginning.\(Schedule.name)" }

  /// What share of the rate there is, above 0, to 1.
  public var share: Float
  /// The error, 1 - top-1 accuracy of the epoch's own steps, below which the beginning ends.
  public var error: Float
  /// What follows, and tells its own time from the beginning.
  public var schedule: Schedule

  /// A tenth of the rate until the error is below 80 %, unless something else is said.
  public init(_ share: Float = 0.1, untilError error: Float = 0.8, before schedule: Schedule) {
    self.share = share
    self.error = error
    self.schedule = schedule
  }

  public func validate() throws(TrainingError) {
    try require(share > 0 && share <= 1, "share of the low beginning", share, "above 0, to 1")
    try require(error > 0 && error <= 1, "error of the low beginning", error, "above 0, to 1")
    try schedule.validate()
  }

  public func validate(epochs: Int) throws(TrainingError) {
    try schedule.validate(epochs: epochs)
  }

  public func learningRate(at point: TrainingPoint) -> Float {
    let rate = schedule.learningRate(at: point)
    return point.trainingErrors.contains { $0 < Double(error) } ? rate : share * rate
  }

  public var description: String {
    "\(schedule), a share of \(share) of it until the training error is below \(error)"
  }
}
