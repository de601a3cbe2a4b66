public import ConvNetDatasets
public import ConvNetEngine
public import ConvNetEvaluation
import ConvNetFiles
import ConvNetGraphs
public import ConvNetImages
import ConvNetInference
public import ConvNetLayers
import Foundation

/// Trains models: an optimizer, a schedule, and what else a recipe says.
///
/// ```swift
/// let trainer = Trainer(
///   optimizer: .sgd(momentum: 0.9, weightDecay: 0.0005), schedule: .plateau(from: 0.01))
/// try trainer.fit(&model, on: train, validating: test, epochs: 5) { print($0) }
/// ```
///
/// The same seed, data and thread count give the same bytes on the same machine.
public struct Trainer: Sendable {
  /// How parameters move, given their gradients.
  public var optimizer: any Optimizer
  /// How far, in the course of the training.
  public var schedule: any LearningRateSchedule
  /// What happens to the gradients before the update, in this order.
  public var gradientTransforms: [any GradientTransform]
  /// Parameters that are learned otherwise than the rest, by their names.
  public var groups: [ParameterGroup]
  /// What the training makes small.
  public var objective: any Objective
  /// What is done to training pictures at random; validation sees them as they are.
  public var augmentation: Augmentation
  /// Samples of a step.
  public var batchSize: Int
  /// Of shuffling, augmentation and dropout.
  public var seed: UInt64
  /// On what, and how exactly, it is computed.
  public var compute: ComputeOptions
  /// How samples are read.
  public var loading: LoadingOptions

  /// A trainer; what it is given is checked when a training begins.
  public init(
    optimizer: any Optimizer, schedule: any LearningRateSchedule,
    gradientTransforms: [any GradientTransform] = [], groups: [ParameterGroup] = [],
    objective: any Objective = .crossEntropy(),
    augmentation: Augmentation = .none, batchSize: Int = 64, seed: UInt64 = 0,
    compute: ComputeOptions = .init(), loading: LoadingOptions = LoadingOptions()
  ) {
    self.optimizer = optimizer
    self.schedule = schedule
    self.gradientTransforms = gradientTransforms
    self.groups = groups
    self.objective = objective
    self.augmentation = augmentation
    self.batchSize = batchSize
    self.seed = seed
    self.compute = compute
    self.loading = loading
  }

  /// Where a training is within an epoch, told after every step.
  public struct Progress: Hashable, Sendable {
    /// From 1.
    public var epoch: Int
    /// Epochs of the whole training.
    public var epochs: Int
    /// Samples of this epoch so far.
    public var samples: Int
    /// Samples of the whole epoch.
    public var totalSamples: Int
    /// Over the samples of this epoch so far.
    public var metrics: ClassificationMetrics
    /// The share of this epoch's time so far that was spent waiting for data, 0 to 1.
    public var dataWaitShare: Double
  }

  /// Trains a model in place.
  ///
  /// - Parameters:
  ///   - model: takes the new parameters after every epoch, so that an error loses no finished
  ///     epoch. Its running statistics are the averages of the batches seen, however few; those of
  ///     a loaded model count as old, and the new batches weigh as the momentum says. Its summary says what the trainer knows;
  ///     pictures of another number than there are, left by another training, are left out of it.
  ///   - training: shuffled anew every epoch; a tail of one sample joins the batch before it,
  ///     nothing is dropped. Its classes, found by name, are those of the model, in any order.
  ///   - validation: measured after every epoch, without dropout and with moving averages; the
  ///     schedule follows its error, and without one the training loss. It may lack classes.
  ///   - epochs: in all, those of `checkpoint` included.
  ///   - checkpoint: goes on from here; the result equals an uninterrupted training byte for byte.
  ///   - tell: told after every step.
  ///   - isStopped: asked before every step, and between the batches of a validation; where it says yes, the training ends at
  ///     its last finished epoch. So it does where its task is cancelled. ``Checkpoint/init(beginning:trainer:)`` keeps the
  ///     state of one that was stopped in its first epoch.
  ///   - sampleSkipped: told once of each sample that cannot be read: to train on, where another replaces it, or to validate on,
  ///     where it is left out.
  ///   - epochEnded: told after every epoch, with the state to resume from.
  /// - Throws: ``TrainingError`` for settings or a checkpoint that do not fit and for numbers that are not finite;
  ///   ``LoadingError`` for settings of loading; ``EvaluationError`` for data of other classes; ``InferenceError`` for a model
  ///   whose pictures are not prepared for it; ``TrainingError/stopped(epoch:)``, `CancellationError`; what the data set throws;
  ///   what the closures throw.
  public func fit(
    _ model: inout Model, on training: any Dataset, validating validation: (any Dataset)? = nil,
    epochs: Int, resuming checkpoint: Checkpoint? = nil,
    progress tell: (Progress) throws -> Void = { _ in },
    until isStopped: () -> Bool = { false },
    sampleSkipped: (SkippedSample) throws -> Void = { _ in },
    epochEnded: (EpochReport, Checkpoint) throws -> Void
  ) throws {
    try validate(epochs: epochs)
    let names = model.classNames.isEmpty ? training.classNames : model.classNames
    let training = try model.numbering(training, as: names, isComplete: true)
    let validation = try validation.map {
      try model.numbering($0, as: names, isComplete: false)
    }
    let data = TrainingData(training, validating: validation)
    try checkpoint?.requireFit(for: self, model)
    // Where no epoch is left, data decides nothing.
    if let checkpoint, checkpoint.history.count < epochs { try checkpoint.requireSame(data) }
    try requireSeveralClasses(in: training)
    model.classNames = names
    try Memory.requireReserve(for: "a training")
    let loader = try makeLoader(of: training, for: &model)
    let session = try TrainingSession(model, trainer: self, resuming: checkpoint)
    var history = checkpoint?.state.history ?? []
    let given = checkpoint?.state.trainingSummary ?? model.trainingSummary
    func summary() -> TrainingSummary {
      self.summary(of: history, on: training, validating: validation, given: given)
    }
    if checkpoint != nil {
      session.update(&model)
      model.trainingSummary =
        checkpoint?.state.trainingSummary ?? (history.isEmpty ? given : summary())
    }
    func requireGoing() throws {
      if isStopped() { throw TrainingError.stopped(epoch: history.count + 1) }
      try Task.checkCancellation()
    }
    let clock = ContinuousClock()
    /// Of samples that cannot be read, whose reasons name the file; each is told once.
    var told: Set<String> = []
    for epoch in history.count..<max(history.count, epochs) {
      let start = clock.now
      session.point.epoch = epoch
      let waitedBefore = loader.secondsWaited
      let metrics = try runEpoch(epoch, of: epochs, session, loader, requireGoing) { progress in
        for sample in loader.takeSkipped() {
          told.insert(sample.reason)
          try sampleSkipped(sample)
        }
        try tell(progress)
      }
      let seconds = (clock.now - start) / .seconds(1)
      try Memory.require(session.store.byteCount, for: "a copy of the parameters")
      // The model keeps its last epoch until this one is measured.
      var candidate = model
      session.update(&candidate)
      let validated = try validation.map {
        try ClassificationMetrics(
          of: candidate, on: $0, compute: compute, loading: loading
        ) { _ in
          try requireGoing()
        } sampleSkipped: { sample in
          if told.insert(sample.reason).inserted { try sampleSkipped(sample) }
        }
      }
      model = candidate
      let report = EpochReport(
        epoch: epoch + 1, learningRate: session.learningRate, training: metrics,
        validation: validated,
        seconds: seconds, dataWaitSeconds: loader.secondsWaited - waitedBefore,
        skippedCount: loader.skippedCount, endTime: Date().timeIntervalSince1970)
      history.append(report)
      model.trainingSummary = summary()
      session.point.errors.append(report.error)
      try Memory.require(session.byteCount, for: "the checkpoint")
      try epochEnded(
        report,
        Checkpoint(session, on: data, history: history, summary: model.trainingSummary))
    }
  }

  /// What there is to say of a training after its last epoch, with what its caller said.
  private func summary(
    of history: [EpochReport], on training: any Dataset, validating validation: (any Dataset)?,
    given: TrainingSummary?
  ) -> TrainingSummary {
    var summary = given ?? TrainingSummary()
    if summary.pictures?.mayBe(of: training, validating: validation) == false {
      summary.pictures = nil
      summary.heldOutShare = nil
    }
    summary.data = training.name
    summary.epochs = history.count
    summary.batchSize = batchSize
    summary.seed = seed
    summary.top1 = history.last.map { ($0.validation ?? $0.training).top1 }
    summary.optimizer = "\(optimizer)"
    summary.schedule = "\(schedule)"
    summary.objective = "\(objective)"
    return summary
  }

  /// The same, told only the report of each epoch.
  public func fit(
    _ model: inout Model, on training: any Dataset, validating validation: (any Dataset)? = nil,
    epochs: Int, epochEnded: (EpochReport) throws -> Void = { _ in }
  ) throws {
    try fit(&model, on: training, validating: validation, epochs: epochs) { report, _ in
      try epochEnded(report)
    }
  }

  /// Computes what the augmentation needs to know of the data, and notes it in the model.
  private func makeLoader(
    of training: any Dataset, for model: inout Model
  ) throws -> BatchLoader {
    let preprocessing = try model.requiredPreprocessing()
    let augmentation = try augmentation.resolved(
      on: training, preprocessing: preprocessing, options: loading, threads: compute.threads)
    model.augmentation = augmentation
    return try BatchLoader(
      training, batchSize: batchSize, preprocessing: preprocessing, augmentation: augmentation,
      shuffleSeed: seed, options: loading)
  }

  private func runEpoch(
    _ epoch: Int, of epochs: Int, _ session: TrainingSession, _ loader: BatchLoader,
    _ requireGoing: () throws -> Void, progress: (Progress) throws -> Void
  ) throws -> ClassificationMetrics {
    var metrics = ClassificationMetrics()
    let (start, waitedBefore) = (ContinuousClock.now, loader.secondsWaited)
    loader.start(epoch: epoch)
    try requireGoing()
    while let batch = try loader.next() {
      let step = try session.step(batch: batch.count)
      try step.executable.write(
        batch, to: session.model.inputName, labels: TrainingGraph.labelsName)
      session.point.epochShare = Double(metrics.samples) / Double(loader.sampleCount)
      let loss = try session.run(step)
      try step.executable.withOutput(TrainingGraph.probabilitiesName) { scores in
        batch.withLabels { metrics.add(scores: scores, labels: $0, meanLoss: loss) }
      }
      try progress(
        Progress(
          epoch: epoch + 1, epochs: epochs, samples: metrics.samples,
          totalSamples: loader.sampleCount,
          metrics: metrics,
          dataWaitShare: (loader.secondsWaited - waitedBefore)
            / max(1e-9, (ContinuousClock.now - start) / .seconds(1))))
      try requireGoing()
    }
    try session.requireFiniteParametersAfterSteps()
    return metrics
  }

  // MARK: Checks

  /// With one class every answer is right, and nothing is learnt.
  private func requireSeveralClasses(in training: any Dataset) throws(TrainingError) {
    guard training.count > 0, case let first = training.label(at: 0),
      (1..<training.count).allSatisfy({ training.label(at: $0) == first })
    else { return }
    throw .oneClass(name: training.classNames[first], data: training.name)
  }

  /// - Throws: ``TrainingError`` or ``LoadingError`` naming the setting that is out of its range.
  package func validate(epochs: Int) throws {
    try objective.validate()
    try schedule.validate()
    try optimizer.validate()
    for transform in gradientTransforms { try transform.validate() }
    for group in groups { try group.validate() }
    guard batchSize > 0 else {
      throw TrainingError.invalidSetting(
        name: "batch size", value: "\(batchSize)", requirement: "at least 1")
    }
    guard epochs > 0 else {
      throw TrainingError.invalidSetting(
        name: "epochs", value: "\(epochs)", requirement: "at least 1")
    }
    try loading.validate()
    // Steps are compiled for the size of their batches.
    guard loading.badSamples != .leaveOut else {
      throw TrainingError.invalidSetting(
        name: "bad samples", value: "left out", requirement: "replaced, or end the training")
    }
  }
}

/// What an epoch brought.
public struct EpochReport: Hashable, Sendable, Codable {
  /// From 1.
  public var epoch: Int
  /// Of the epoch's last step.
  public var learningRate: Float
  /// Over the training samples, each measured before the step that it was part of.
  public var training: ClassificationMetrics
  /// Over the samples of validation after the epoch; `nil` where there are none.
  public var validation: ClassificationMetrics?
  /// Of training, validation not counted.
  public var seconds: Double
  /// Of those, spent waiting for data.
  public var dataWaitSeconds: Double
  /// Training samples that could not be read so far and were replaced by others.
  public var skippedCount: Int
  /// When the epoch ended, in seconds since 1970.
  public var endTime: Double

  /// The share of the time that was spent waiting for data, 0 to 1.
  public var dataWaitShare: Double { dataWaitSeconds / max(seconds, 1e-9) }

  /// What schedules go by: 1 - top-1 accuracy of validation; where there is none, the loss of the epoch's steps, which still
  /// falls when every answer is right.
  package var error: Double { validation.map { 1 - $0.top1 } ?? training.loss }

  /// Training samples a second, reading and decoding included, validation not.
  public var imagesPerSecond: Double { Double(training.samples) / max(seconds, 1e-9) }

  package init(
    epoch: Int, learningRate: Float, training: ClassificationMetrics,
    validation: ClassificationMetrics?, seconds: Double, dataWaitSeconds: Double,
    skippedCount: Int, endTime: Double
  ) {
    self.epoch = epoch
    self.learningRate = learningRate
    self.training = training
    self.validation = validation
    self.seconds = seconds
    self.dataWaitSeconds = dataWaitSeconds
    self.skippedCount = skippedCount
    self.endTime = endTime
  }
}

extension EpochReport: CustomStringConvertible {
  public var description: String {
    func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
    var text =
      "epoch \(epoch): loss \((training.loss * 10_000).rounded() / 10_000), accuracy "
      + percent(training.top1)
    if let validation { text += ", validation accuracy \(percent(validation.top1))" }
    // Six digits: 0.0001 and not 0.000100000005, the nearest single-precision number.
    let rate = Double((Double(learningRate) * 1e9).rounded()) / 1e9
    return text + ", learning rate \(rate), \(Int(imagesPerSecond)) images/s"
  }
}
