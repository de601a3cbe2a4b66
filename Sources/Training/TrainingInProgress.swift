import ConvNetDatasets
import ConvNetEngine
public import ConvNetEvaluation
import ConvNetFiles
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
public import ConvNetLayers
public import ConvNetTensors
import Foundation

/// A training while it runs: what its loggers may ask, and its loop.
///
/// Belongs to the thread of the training; what it says is of the moment of the call.
public final class TrainingInProgress {
  let trainer: Trainer
  /// Of several processes.
  private let meter: ProcessMeter?
  package let session: TrainingSession
  private var loader: BatchLoader
  /// What a frozen beginning of the network makes of the pictures, where that is kept.
  private var features: TrainingFeatures?
  private let augmentation: Augmentation
  private let training: any Dataset
  private let validation: (any Dataset)?
  private let data: TrainingData
  private let loggers: [any TrainingLogger]
  private let isCancelled: () -> Bool
  /// Epochs of the whole training.
  public let epochs: Int
  /// Whether it goes on from a checkpoint.
  public let isResumed: Bool
  /// The reports of the finished epochs.
  public private(set) var history: [EpochReport]
  /// How far the epoch is that is not finished.
  private var place: EpochPlace
  /// What the caller and an earlier part of the training said of it.
  private let givenSummary: TrainingSummary?
  private var summary: TrainingSummary?
  private var best: BestEpoch?
  /// Epochs before those among which the best is looked for: none of their parameters are kept.
  private let bestSince: Int
  /// What was changed of the settings since the checkpoint that it goes on from.
  public let changes: [TrainingChange]
  private let earlierChanges: [TrainingChange]
  private var lastStep: CompiledStep?
  /// Of samples that cannot be read, whose reasons name the file; each is told once.
  private var told: Set<String> = []
  private let clock = ContinuousClock()
  /// Since when the epoch goes on in this process, and what the loader, and the processes for each other, had waited then.
  private var begin: (time: ContinuousClock.Instant, waited: Double, exchange: Double)

  init(
    _ trainer: Trainer, _ model: inout Model, on training: any Dataset,
    validating validation: (any Dataset)?, epochs: Int, resuming checkpoint: Checkpoint?,
    loggers: [any TrainingLogger], isCancelled: @escaping () -> Bool
  ) throws {
    var trainer = trainer
    meter = trainer.processes.map(ProcessMeter.init)
    trainer.processes = meter
    try trainer.validate(epochs: epochs)
    let names = model.classNames.isEmpty ? training.classNames : model.classNames
    try trainer.takeTargets(of: training, for: &model, resuming: checkpoint)
    let training = try model.numbering(training, as: names, isComplete: true)
    let validation = try validation.map {
      try model.numbering($0, as: names, isComplete: false)
    }
    try trainer.earlyStopping?.require(validation)
    data = TrainingData(training, validating: validation)
    try checkpoint?.requireFit(for: trainer, model)
    // Where no epoch is left, data decides nothing.
    if let checkpoint, checkpoint.history.count < epochs { try checkpoint.requireSame(data) }
    try trainer.requireSeveralClasses(in: training)
    try trainer.requireSides(for: model)
    try trainer.requireJointly(model, on: data, resuming: checkpoint)
    model.classNames = names
    try Memory.requireReserve(for: "a training")
    loader = try trainer.makeLoader(
      of: training, for: &model, skipped: Set(checkpoint?.state.skipped ?? []))
    session = try TrainingSession(model, trainer: trainer, resuming: checkpoint)
    augmentation = model.augmentation ?? .none
    self.trainer = trainer
    self.training = training
    self.validation = validation
    self.epochs = epochs
    isResumed = checkpoint != nil
    self.loggers = loggers
    self.isCancelled = isCancelled
    history = checkpoint?.state.history ?? []
    place = checkpoint?.state.place ?? EpochPlace()
    // Of epochs that nobody looked at the parameters are gone.
    best = trainer.earlyStopping == nil ? nil : checkpoint?.best
    bestSince = best == nil ? history.count : checkpoint?.state.bestSince ?? 0
    changes = checkpoint?.newChanges ?? []
    earlierChanges = checkpoint?.changes ?? []
    givenSummary = checkpoint?.state.trainingSummary ?? model.trainingSummary
    begin = (clock.now, loader.secondsWaited, meter?.seconds ?? 0)
    if let checkpoint {
      try session.update(
        &model, afterEpoch: place.samples > 0 ? nil : history.count - 1, from: loader)
      model.trainingSummary =
        checkpoint.state.trainingSummary ?? (history.isEmpty ? givenSummary : summary(at: nil))
    }
    summary = model.trainingSummary
  }

  // MARK: What loggers ask

  /// The epoch that is trained, from 1; where all are finished, the one after them.
  public var epoch: Int { history.count + 1 }

  /// Steps of all epochs so far.
  public var step: Int { session.stepCount }

  var isWithinEpoch: Bool { place.samples > 0 }

  /// Samples of an epoch.
  public var sampleCount: Int { loader.sampleCount }

  /// The model as the last finished epoch left it, its weights averaged where the trainer says so; `nil` where none was finished
  /// since the training began or was resumed.
  public private(set) var lastModel: Model?

  /// What the last validation said of each picture: confusion, scores of classes, mistakes; `nil` where there was none since the
  /// training began or was resumed, and of more than 1024 classes, a line each of a page that every epoch writes.
  public private(set) var assessment: Assessment?

  /// What is validated on, its classes numbered as the model's.
  var validationData: (any Dataset)? { validation }

  var fingerprints: TrainingData { data }

  /// A copy of the model with what has been learnt so far, ready to use.
  public var model: Model {
    var model = session.model
    session.update(&model)
    model.trainingSummary = summary
    return model
  }

  /// A copy of everything that the training needs to go on from here as if it had never stopped, also within an epoch.
  ///
  /// - Throws: ``TrainingError/nonFinite(what:layer:step:learningRate:gradientNorm:)`` where a parameter is not finite;
  ///   `AllocationError`.
  public func checkpoint() throws -> Checkpoint {
    try session.requireFiniteParametersAfterSteps()
    try Memory.require(session.byteCount, for: "the checkpoint")
    var checkpoint = try Checkpoint(
      session, on: data, history: history, summary: summary, place: placeNow,
      skipped: loader.skipped, best: best)
    checkpoint.state.epochs = epochs
    checkpoint.state.bestSince = bestSince == 0 ? nil : bestSince
    checkpoint.state.changes = earlierChanges.isEmpty ? nil : earlierChanges
    var point = session.point
    point.epochShare = Double(place.samples) / Double(loader.sampleCount)
    checkpoint.state.nextLearningRate = trainer.schedule.learningRate(at: point)
    return checkpoint
  }

  /// The names of the parameters that are learned.
  public var parameterNames: [String] { session.gradients.map(\.parameter) }

  /// A copy of a parameter's values; `nil` where there is no such parameter.
  public func parameter(_ name: String) -> Tensor? { session.store[name] }

  /// dL/dw of the last step, as gradient transforms left it; `nil` before the first step, and where no such parameter is learned.
  public func gradient(of parameter: String) throws -> Tensor? {
    guard let output = session.gradients.first(where: { $0.parameter == parameter })?.output
    else { return nil }
    return try lastStep?.executable.output(output)
  }

  /// What the network read in the last step, after augmentation, in the model's data format; `nil` before the first step, and
  /// where what its frozen beginning makes of pictures is kept, and no picture is read.
  public func inputs() throws -> Tensor? {
    try lastStep?.networkInput(session.model.inputName)
  }

  /// The kernels that are learned.
  var kernelNames: [String] {
    session.gradients.filter { $0.kind == .kernel }.map(\.parameter)
  }

  /// Lends the weights of a kernel, and its gradient of the last step where there was one, without a copy.
  func withKernel(_ name: String, _ body: (_ kind: String, UnsafeBufferPointer<Float>) -> Void) {
    _ = session.store.withFloats(of: name) { body("weights", UnsafeBufferPointer($0)) }
    guard let output = session.gradients.first(where: { $0.parameter == name })?.output else {
      return
    }
    _ = try? lastStep?.executable.withUnsafeOutput(output) {
      body("gradients", UnsafeBufferPointer($0))
    }
  }

  /// How the network is given pictures.
  var inputOrder: (channelsFirst: Bool, isReversed: Bool) {
    (
      session.model.dataFormat == .channelsFirst,
      session.model.preprocessing?.channelOrder == .bgr
    )
  }

  private var placeNow: EpochPlace? {
    guard place.samples > 0 else { return nil }
    var place = place
    place.seconds += (clock.now - begin.time) / .seconds(1)
    place.dataWaitSeconds += loader.secondsWaited - begin.waited
    return place
  }

  // MARK: The loop

  /// Runs to the last epoch, or until it is stopped.
  func run(_ model: inout Model) throws {
    do {
      for logger in loggers { try logger.trainingBegan(self) }
      try keepFeatures()
      while history.count < epochs, trainer.earlyStopping?.isOver(history, since: bestSince) != true
      {
        try runEpoch()
        try finishEpoch(&model)
      }
      restoreBest(&model)
    } catch {
      // What ended the training is what its caller has to know; loggers keep what they could not do.
      for logger in loggers { try? logger.trainingEnded(self, by: error) }
      throw error
    }
    for logger in loggers { try logger.trainingEnded(self, by: nil) }
  }

  private func requireGoing() throws {
    var (isCancelled, isAsked) = (isCancelled(), loggers.contains(where: \.asksToStop))
    if let processes = trainer.processes {
      // What one is asked, all do.
      let asked = try processes.sum([isCancelled ? 1 : 0, isAsked ? 1 : 0])
      (isCancelled, isAsked) = (asked[0] > 0, asked[1] > 0)
    }
    if isCancelled { throw CancellationError() }
    if isAsked { throw TrainingError.stopped(epoch: epoch) }
  }

  /// Within a validation, in which every process has another number of batches: of several, none stops.
  private func requireGoingAlone() throws {
    if trainer.processes == nil { try requireGoing() }
  }

  /// Computes once what is the same at every epoch.
  private func keepFeatures() throws {
    features = try trainer.features(
      of: training, validating: validation, session, augmentation: augmentation,
      epochs: epochs - history.count, requireGoing: requireGoing)
    guard let features else { return }
    loader = try trainer.makeLoader(of: features.training, training, skipped: loader.skipped)
    session.features = features.training
  }

  /// The steps of an epoch, or those that are left of it.
  private func runEpoch() throws {
    begin = (clock.now, loader.secondsWaited, meter?.seconds ?? 0)
    session.point.epoch = history.count
    loader.start(epoch: history.count, from: place.samples)
    try requireGoing()
    while let batch = try loader.next() {
      let step = try session.step(for: batch)
      try step.write(batch, to: session.model.inputName, features: session.features)
      session.point.epochShare = Double(place.samples) / Double(loader.sampleCount)
      let loss = try session.run(
        step, part: BatchPart(places: batch.places, wholeCount: batch.wholeCount))
      try measure(step, batch, loss: loss)
      lastStep = step
      place.samples += batch.wholeCount
      try tell(loss: loss)
      try requireGoing()
    }
    try session.requireFiniteParametersAfterSteps()
  }

  /// Adds what a step made of its batch to the figures of the epoch.
  private func measure(_ step: CompiledStep, _ batch: Batch, loss: Double) throws {
    guard session.model.targetKind != .classes else {
      var metrics = ClassificationMetrics()
      try step.executable.withOutput(TrainingGraph.probabilitiesName) { scores in
        // Of a part without samples, what was computed does not count.
        guard !batch.places.isEmpty else { return }
        batch.withLabels { metrics.add(scores: scores, labels: $0, meanLoss: loss) }
      }
      return try add(metrics)
    }
    let known = place.targets
    var sums = TargetSums(session.model, continuing: known)
    try step.executable.withOutput(TrainingGraph.probabilitiesName) { scores in
      batch.withTargets { sums.add(scores: scores, targets: $0) }
    }
    place.targets = sums.metrics
    place.metrics.add(samples: batch.count, nonFinite: 0, meanLoss: loss)
  }

  /// Adds what all processes made of a batch.
  private func add(_ metrics: ClassificationMetrics) throws {
    let sums = try trainer.processes?.sum(metrics.sums) ?? metrics.sums
    place.metrics.sums = zip(place.metrics.sums, sums).map { $0 + $1 }
  }

  private func tell(loss: Double) throws {
    for sample in loader.takeSkipped() {
      told.insert(sample.reason)
      for logger in loggers { try logger.sampleSkipped(sample, of: self) }
    }
    guard let place = placeNow else { return }
    let report = StepReport(
      epoch: epoch, epochs: epochs, step: session.stepCount, samples: place.samples,
      totalSamples: loader.sampleCount, loss: loss, learningRate: session.learningRate,
      gradientNorm: session.gradientNorm, metrics: place.metrics, targets: place.targets,
      seconds: place.seconds,
      dataWaitSeconds: place.dataWaitSeconds)
    for logger in loggers { try logger.stepEnded(report, of: self) }
  }

  /// Measures the model, which then has the epoch's parameters, and reports.
  private func finishEpoch(_ model: inout Model) throws {
    let place = placeNow ?? EpochPlace()
    let times = try processTimes(place)
    // What a stopped validation goes on from.
    self.place = place
    begin = (clock.now, loader.secondsWaited, meter?.seconds ?? 0)
    try Memory.require(session.store.byteCount, for: "a copy of the parameters")
    // The model keeps its last epoch until this one is measured.
    var candidate = model
    try session.update(&candidate, afterEpoch: history.count, from: loader)
    let validated = try validation.map { try validate(candidate, on: $0) }
    model = candidate
    let report = EpochReport(
      epoch: epoch, step: session.stepCount, learningRate: session.learningRate,
      training: place.metrics, validation: validated?.metrics, trainingTargets: place.targets,
      validationTargets: validated?.targets, seconds: place.seconds,
      dataWaitSeconds: place.dataWaitSeconds, skippedCount: loader.skippedCount,
      endTime: Date().timeIntervalSince1970, processes: times)
    history.append(report)
    self.place = EpochPlace()
    model.trainingSummary = summary(at: nil)
    summary = model.trainingSummary
    session.point.epoch = history.count
    session.point.epochShare = 0
    session.point.append(report)
    if trainer.earlyStopping != nil, searchedEpochs.best?.epoch == report.epoch {
      best = BestEpoch(step: session.stepCount, parameters: model.parameters)
    }
    lastModel = model
    for logger in loggers { try logger.epochEnded(report, of: self) }
  }

  /// How each of several processes spent what it trained of the epoch since its beginning, or since it goes on.
  private func processTimes(_ place: EpochPlace) throws -> [ProcessTimes]? {
    guard let processes = trainer.processes else { return nil }
    let exchange = (meter?.seconds ?? 0) - begin.exchange
    return try processes.gather(
      ProcessTimes(
        rank: processes.rank, seconds: (clock.now - begin.time) / .seconds(1),
        dataWaitSeconds: loader.secondsWaited - begin.waited, exchangeSeconds: exchange))
  }

  /// Those among which the best is looked for.
  private var searchedEpochs: [EpochReport] { Array(history.dropFirst(bestSince)) }

  private func validate(
    _ model: Model, on validation: any Dataset
  ) throws -> (metrics: ClassificationMetrics, targets: TargetMetrics?) {
    func tellOnce(_ sample: SkippedSample) throws {
      guard told.insert(sample.reason).inserted else { return }
      for logger in loggers { try logger.sampleSkipped(sample, of: self) }
    }
    var assessment =
      model.classCount <= Self.assessedClasses ? Assessment(classes: model.classCount) : nil
    defer { self.assessment = assessment }
    if let kept = features?.validation, let trunk = session.trunk {
      return try trainer.metrics(
        of: model, trunk, kept, on: validation, requireGoing: requireGoingAlone,
        sampleSkipped: tellOnce
      ) { assessment?.add(sample: $0, label: $1, logits: $2) }
    }
    guard model.targetKind == .classes else {
      return try TargetEvaluation.measure(
        model, on: validation, prepared: model.requiredPreprocessing(), loading: trainer.loading,
        compile: { try model.executable(batch: $0, compute: trainer.compute) },
        write: { try $1.write($0, to: model.inputName) },
        progress: { _ in try requireGoingAlone() },
        sampleSkipped: tellOnce)
    }
    let part = try ValidationPart(of: validation, for: trainer.processes)
    var metrics = try ClassificationMetrics(
      of: model, on: part.dataset, compute: trainer.compute, loading: trainer.loading
    ) { _ in
      try requireGoingAlone()
    } sampleSkipped: {
      try tellOnce($0)
    } observe: {
      if !part.note(sample: $0, label: $1, logits: $2, isAssessed: assessment != nil) {
        assessment?.add(sample: $0, label: $1, logits: $2)
      }
    }
    try part.join(&metrics) { assessment?.add(sample: $0, label: $1, logits: $2) }
    return (metrics, nil)
  }

  /// Classes that a report of every epoch has lines for.
  private static let assessedClasses = 1024

  /// Where the training looks for its best epoch, that one's parameters are its result.
  private func restoreBest(_ model: inout Model) {
    guard trainer.earlyStopping != nil, let best, let report = searchedEpochs.best else { return }
    model.parameters = best.parameters
    model.averageAges = session.statistics.ages(at: best.step)
    model.trainingSummary = summary(at: report)
    summary = model.trainingSummary
  }

  /// What there is to say of the training now, with what its caller said.
  ///
  /// - Parameter best: the epoch whose parameters are the result, where that is not the last.
  private func summary(at best: EpochReport?) -> TrainingSummary {
    var summary = givenSummary ?? TrainingSummary()
    if summary.pictures?.mayBe(of: training, validating: validation) == false {
      summary.pictures = nil
      summary.heldOutShare = nil
    }
    summary.data = training.name
    summary.epochs = history.count
    summary.bestEpoch = best?.epoch
    summary.batchSize = trainer.batchSize
    summary.seed = trainer.seed
    let last = best ?? history.last
    if let targets = last.flatMap({ $0.validationTargets ?? $0.trainingTargets }) {
      summary.top1 = nil
      summary.outcome = targets.figures.map(\.description).joined(separator: ", ")
    } else {
      summary.top1 = last.map { ($0.validation ?? $0.training).top1 }
    }
    summary.optimizer = "\(trainer.optimizer)"
    summary.schedule = "\(trainer.schedule)"
    summary.objective = "\(trainer.objective)"
    return summary
  }
}

/// How far an epoch is that is not finished.
struct EpochPlace: Hashable, Sendable, Codable {
  /// Taken of the epoch's order.
  var samples = 0
  /// Over those.
  var metrics = ClassificationMetrics()
  /// The same of labels or numbers.
  var targets: TargetMetrics?
  var seconds = 0.0
  var dataWaitSeconds = 0.0
}

/// What is kept of the epoch with the least error.
struct BestEpoch: Sendable {
  /// Steps up to its end.
  var step: Int
  /// The model's after it, ready to use.
  var parameters: [String: Tensor]
}

extension EarlyStopping {
  /// Steps of the training itself say little of when to end it.
  func require(_ validation: (any Dataset)?) throws(TrainingError) {
    guard validation == nil else { return }
    throw .invalidSetting(
      name: "early stopping", value: "asked for without data to validate on",
      requirement: "given such data: the best epoch is the one with the least validation error")
  }
}
