public import ConvNetDatasets

/// Follows a training: prints, draws or keeps what it is told, and may have it stop.
///
/// All is called on the thread of the training, which waits. What throws ends the training.
///
/// ```swift
/// /// Prints the loss of every hundredth step.
/// struct LossPrinter: TrainingLogger {
///   func stepEnded(_ step: StepReport, of training: TrainingInProgress) {
///     if step.step.isMultiple(of: 100) { print(step.step, step.loss) }
///   }
/// }
///
/// try trainer.fit(&model, on: train, epochs: 5, loggers: [LossPrinter()])
/// ```
public protocol TrainingLogger {
  /// Whether the training shall end where it is: asked before every step, and between the batches of a validation. Without this
  /// it never shall.
  var asksToStop: Bool { get }

  /// Before the first step, also of a training that goes on.
  func trainingBegan(_ training: TrainingInProgress) throws

  /// After every step.
  func stepEnded(_ step: StepReport, of training: TrainingInProgress) throws

  /// Once of each sample that cannot be read: to train on, where another replaces it, or to validate on, where it is left out.
  func sampleSkipped(_ sample: SkippedSample, of training: TrainingInProgress) throws

  /// After every epoch and its validation.
  func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) throws

  /// Once, at last.
  ///
  /// - Parameter error: why it ended before its last epoch: ``TrainingError/stopped(epoch:)`` or `CancellationError` where it was
  ///   asked to, and may go on from ``TrainingInProgress/checkpoint()``. It is thrown whatever this throws.
  func trainingEnded(_ training: TrainingInProgress, by error: (any Error)?) throws
}

extension TrainingLogger {
  public var asksToStop: Bool { false }
  public func trainingBegan(_ training: TrainingInProgress) throws {}
  public func stepEnded(_ step: StepReport, of training: TrainingInProgress) throws {}
  public func sampleSkipped(_ sample: SkippedSample, of training: TrainingInProgress) throws {}
  public func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) throws {}
  public func trainingEnded(_ training: TrainingInProgress, by error: (any Error)?) throws {}
}

/// A logger made of closures, for a training on a thread of its own.
struct SendableClosureLogger: TrainingLogger, Sendable {
  var epoch: @Sendable (EpochReport, TrainingInProgress) throws -> Void

  func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) throws {
    try self.epoch(epoch, training)
  }
}

/// A logger made of closures.
struct ClosureLogger: TrainingLogger {
  var step: (StepReport) throws -> Void = { _ in }
  var isStopped: () -> Bool = { false }
  var skipped: (SkippedSample) throws -> Void = { _ in }
  var epoch: (EpochReport, TrainingInProgress) throws -> Void

  var asksToStop: Bool { isStopped() }

  func stepEnded(_ step: StepReport, of training: TrainingInProgress) throws {
    try self.step(step)
  }

  func sampleSkipped(_ sample: SkippedSample, of training: TrainingInProgress) throws {
    try skipped(sample)
  }

  func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) throws {
    try self.epoch(epoch, training)
  }
}
