import ConvNetEvaluation

/// How the learning rate changes in the course of a training.
///
/// A function of where the training is; it remembers nothing, so that a resumed training needs no more than its history.
///
/// ```swift
/// /// From zero to the rate in the first epochs, then constant.
/// struct WarmUp: LearningRateSchedule {
///   static let name = "example.warmUp"
///   var rate: Float
///   var epochs: Double
///
///   func learningRate(at point: TrainingPoint) -> Float {
///     rate * Float(min(1, point.progress / epochs))
///   }
/// }
/// ```
public protocol LearningRateSchedule: TrainingPart {
  /// The rate of a step: asked before each, a finite number, zero or more.
  func learningRate(at point: TrainingPoint) -> Float

  /// Checks the settings against the length of a training, before anything is computed. Without one of its own, a schedule takes
  /// all: one that ends earlier stays at its last rate.
  ///
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)``.
  func validate(epochs: Int) throws(TrainingError)
}

extension LearningRateSchedule {
  public func validate(epochs: Int) throws(TrainingError) {}
}

/// Where a training is: before one of its steps.
public struct TrainingPoint: Hashable, Sendable {
  /// Steps before this one, of all epochs.
  public var step: Int
  /// Finished epochs.
  public var epoch: Int
  /// The share of this epoch's samples that earlier steps have taken, 0 to below 1.
  public var epochShare: Double
  /// After each finished epoch, 1 - top-1 accuracy of validation; where there is none, the loss of the epoch's steps.
  public var errors: [Double]
  /// After each finished epoch, the loss of validation; where there is none, that of the epoch's steps.
  public var losses: [Double]
  /// After each finished epoch, 1 - top-1 accuracy of its own steps.
  public var trainingErrors: [Double]

  /// The point before the first step, unless something is given.
  public init(
    step: Int = 0, epoch: Int = 0, epochShare: Double = 0, errors: [Double] = [],
    losses: [Double] = [], trainingErrors: [Double] = []
  ) {
    self.step = step
    self.epoch = epoch
    self.epochShare = epochShare
    self.errors = errors
    self.losses = losses
    self.trainingErrors = trainingErrors
  }

  /// Adds what an epoch brought, for schedules that go by it.
  mutating func append(_ report: EpochReport) {
    errors.append(report.error)
    losses.append((report.validation ?? report.training).loss)
    trainingErrors.append(1 - report.training.top1)
  }

  /// Epochs gone by, the share of this one included.
  public var progress: Double { Double(epoch) + epochShare }
}

extension LearningRateSchedule {
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where the schedule gives no rate to step with.
  func validRate(at point: TrainingPoint) throws(TrainingError) -> Float {
    let rate = learningRate(at: point)
    try require(
      rate.isFinite && rate >= 0, "learning rate", rate,
      "a finite number, zero or more, at step \(point.step) too: the schedule is \(self)")
    return rate
  }
}
