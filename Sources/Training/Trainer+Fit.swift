public import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetFiles
import ConvNetImages
import ConvNetInference
public import ConvNetLayers

extension Trainer {
  /// Trains a model in place.
  ///
  /// - Parameters:
  ///   - model: takes the new parameters after every epoch, so that an error loses no finished
  ///     epoch; of a training that goes on, those of the checkpoint before. Its running statistics are the averages of the
  ///     batches seen, however few; those of a loaded model count as old, and the new batches weigh as the momentum says. Its
  ///     summary says what the trainer knows; pictures of another number than there are, left by another training, are left out
  ///     of it.
  ///   - training: shuffled anew every epoch; a tail of one sample joins the batch before it,
  ///     nothing is dropped. Its classes, found by name, are those of the model, in any order.
  ///   - validation: measured after every epoch, without dropout and with moving averages; the
  ///     schedule follows its error, and without one the training loss. It may lack classes.
  ///   - epochs: in all, those of `checkpoint` included.
  ///   - checkpoint: goes on from here, perhaps within an epoch; the result equals an uninterrupted training byte for byte.
  ///   - loggers: told of every step and epoch, and asked whether to stop, in this order.
  /// - Throws: ``TrainingError`` for settings or a checkpoint that do not fit and for numbers that are not finite;
  ///   ``LoadingError`` for settings of loading; ``EvaluationError`` for data of other classes; ``InferenceError`` for a model
  ///   whose pictures are not prepared for it; ``TrainingError/stopped(epoch:)``, `CancellationError`; what the data set throws;
  ///   what the loggers throw.
  public func fit(
    _ model: inout Model, on training: any Dataset, validating validation: (any Dataset)? = nil,
    epochs: Int, resuming checkpoint: Checkpoint? = nil, loggers: [any TrainingLogger]
  ) throws {
    try TrainingInProgress(
      self, &model, on: training, validating: validation, epochs: epochs, resuming: checkpoint,
      loggers: loggers, isCancelled: { Task.isCancelled }
    ).run(&model)
  }

  /// The same on a thread of its own, so that no actor waits: between two steps it ends where its task is cancelled.
  ///
  /// The loggers are called on that thread. A model that an actor has is trained as a copy, which takes its place afterwards.
  ///
  /// - Throws: as the form that waits; ``ThreadError`` where there is no thread to be had.
  public func fit(
    _ model: inout Model, on training: any Dataset, validating validation: (any Dataset)? = nil,
    epochs: Int, resuming checkpoint: Checkpoint? = nil,
    loggers: [any TrainingLogger & Sendable]
  ) async throws {
    let beginning = model
    let (trained, error) = try await Threads.suspending(for: "a training") { isCancelled in
      var model = beginning
      // An error loses no finished epoch.
      let error = failure {
        try TrainingInProgress(
          self, &model, on: training, validating: validation, epochs: epochs,
          resuming: checkpoint, loggers: loggers, isCancelled: isCancelled
        ).run(&model)
      }
      return (model, error)
    }
    model = trained
    if let error { throw error }
  }

  /// The same, told the report of each epoch.
  public func fit(
    _ model: inout Model, on training: any Dataset, validating validation: (any Dataset)? = nil,
    epochs: Int, epochEnded: @escaping (EpochReport) throws -> Void = { _ in }
  ) throws {
    try fit(
      &model, on: training, validating: validation, epochs: epochs,
      loggers: [ClosureLogger { report, _ in try epochEnded(report) }])
  }

  /// The same on a thread of its own, told the report of each epoch there.
  public func fit(
    _ model: inout Model, on training: any Dataset, validating validation: (any Dataset)? = nil,
    epochs: Int, epochEnded: @escaping @Sendable (EpochReport) throws -> Void = { _ in }
  ) async throws {
    try await fit(
      &model, on: training, validating: validation, epochs: epochs,
      loggers: [SendableClosureLogger { report, _ in try epochEnded(report) }])
  }

  /// The same, told by closures what a ``TrainingLogger`` is told.
  ///
  /// - Parameter epochEnded: told after every epoch, with the state to resume from.
  public func fit(
    _ model: inout Model, on training: any Dataset, validating validation: (any Dataset)? = nil,
    epochs: Int, resuming checkpoint: Checkpoint? = nil,
    progress tell: @escaping (StepReport) throws -> Void = { _ in },
    until isStopped: @escaping () -> Bool = { false },
    sampleSkipped: @escaping (SkippedSample) throws -> Void = { _ in },
    epochEnded: @escaping (EpochReport, Checkpoint) throws -> Void
  ) throws {
    try fit(
      &model, on: training, validating: validation, epochs: epochs, resuming: checkpoint,
      loggers: [
        ClosureLogger(
          step: tell, isStopped: isStopped, skipped: sampleSkipped
        ) { report, training in try epochEnded(report, training.checkpoint()) }
      ])
  }

  /// Computes what the augmentation needs to know of the data, and notes it in the model.
  package func makeLoader(
    of training: any Dataset, for model: inout Model, skipped: Set<Int> = []
  ) throws -> BatchLoader {
    let preprocessing = try model.requiredPreprocessing()
    let augmentation = try augmentation.resolved(
      on: training, preprocessing: preprocessing, options: loading, threads: compute.threads)
    model.augmentation = augmentation
    return try BatchLoader(
      training, batchSize: batchSize, preprocessing: preprocessing, augmentation: augmentation,
      shuffleSeed: seed, sampling: sampling, sides: inputSides,
      share: processes?.share ?? .whole, options: loading, skipped: skipped)
  }
}
