/// Rises in a straight line to another schedule, in its first epochs or steps (P. Goyal et al., "Accurate, Large Minibatch SGD",
/// 2017):
///
///     rate(t) (first + (1 - first) t / length)     until t = length, then rate(t)
///
/// The other schedule tells its own time, from the beginning: nothing of it is put off.
public struct WarmUp<Schedule: LearningRateSchedule>: LearningRateSchedule {
  public static var name: String { "warmUp.\(Schedule.name)" }

  /// What share of the rate there is at the first step, 0 to 1.
  public var first: Float
  /// How long it rises.
  public var length: Double
  /// How the time is told.
  public var time: ScheduleTime
  /// What it rises to.
  public var schedule: Schedule

  /// A rise from zero in so many epochs, unless something else is said.
  public init(
    _ length: Double, from first: Float = 0, time: ScheduleTime = .progress,
    before schedule: Schedule
  ) {
    self.first = first
    self.length = length
    self.time = time
    self.schedule = schedule
  }

  public func validate() throws(TrainingError) {
    try require((0...1).contains(first), "first share of the warm-up", first, "from 0 to 1")
    try requireLength(length, "length of the warm-up")
    try schedule.validate()
  }

  public func validate(epochs: Int) throws(TrainingError) {
    try require(
      time == .steps || length < Double(epochs), "length of the warm-up", time.words(length),
      "less than the training's \(ScheduleTime.epochs.words(epochs)): the rate would never be reached"
    )
    try schedule.validate(epochs: epochs)
  }

  public func learningRate(at point: TrainingPoint) -> Float {
    let share = min(1, time.elapsed(at: point) / length)
    return schedule.learningRate(at: point) * Float(Double(first) + (1 - Double(first)) * share)
  }

  public var description: String {
    "\(schedule), after a warm-up of \(time.words(length))\(first > 0 ? " from a share of \(first)" : "")"
  }
}

/// A warm-up before any schedule.
protocol WarmedUpSchedule: LearningRateSchedule {
  var following: any LearningRateSchedule { get }
}

extension WarmUp: WarmedUpSchedule {
  var following: any LearningRateSchedule { schedule }
}

extension LearningRateSchedule {
  /// The same after a rise from zero, or a share of the rate, in so many epochs or steps; see ``WarmUp``.
  public func warmedUp(
    _ length: Double, from first: Float = 0, time: ScheduleTime = .progress
  ) -> WarmUp<Self> {
    WarmUp(length, from: first, time: time, before: self)
  }
}
