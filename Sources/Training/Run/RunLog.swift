import ConvNetEngine
import ConvNetFiles
public import ConvNetLayers
import Foundation

/// Writes the folder of a training while it runs: the state to go on from, the model of the last epoch, lines and events of steps
/// and epochs, and the report.
///
/// ```swift
/// let folder = RunFolder("runs/first")
/// try folder.requireUnused()
/// try folder.create()
/// try trainer.fit(
///   &model, on: train, validating: test, epochs: 5, loggers: [RunLog(folder)])
/// try folder.save(model)
/// ```
///
/// A training that goes on is given the checkpoint of its folder, and such a log again.
///
/// The state is written before the first step, so that a folder without room is known at once. Then a copy of it is taken at the
/// ends of epochs and at intervals, and written beside the training, one at a time; the one that is due meanwhile is taken as
/// soon as that is done. What cannot be written is told, and tried again later. Where the training ends or is stopped, the
/// state is written where it is.
public final class RunLog: TrainingLogger {
  /// What a log may be told.
  public struct Options: Sendable {
    /// How often the state is kept within an epoch.
    public var interval: CheckpointInterval
    /// How many states are kept: the last so many, each under its step's number too, and the model of the best epoch. With 1
    /// there is the last alone.
    public var keptCount: Int
    /// Steps from one line of a step to the next.
    public var stepsPerLine: Int
    /// For ``Checkpoint/settings``.
    public var settings: [String: String]
    /// The data as its caller names it; `nil` as it names itself.
    public var dataName: String?
    /// More of what made the model, for the report.
    public var facts: [(name: String, value: String)]
    /// By which it is trained, for the report.
    public var recipe: Recipe?

    /// Every ten minutes, the last state, every tenth step.
    public init(
      interval: CheckpointInterval = .seconds(600), keptCount: Int = 1, stepsPerLine: Int = 10,
      settings: [String: String] = [:], dataName: String? = nil,
      facts: [(name: String, value: String)] = [], recipe: Recipe? = nil
    ) {
      self.interval = interval
      self.keptCount = keptCount
      self.stepsPerLine = stepsPerLine
      self.settings = settings
      self.dataName = dataName
      self.facts = facts
      self.recipe = recipe
    }
  }

  private let folder: RunFolder
  private let options: Options
  private let tell: (String) -> Void
  private let writer: StateWriter
  private let clock = ContinuousClock()
  private var metrics: RecordLog
  private var events: RecordLog
  private var parts = ReportParts()
  private var isDue = false
  private var hasBegun = false
  /// Of the best epoch, until it is written: its state may not be, where another is being written.
  private var best: Model?
  /// What of it is being written, in case that fails.
  private var bestInFlight: Model?
  private var lastStep = 0
  private var lastTime: ContinuousClock.Instant
  private var lastLineTime: ContinuousClock.Instant
  /// Of the model that was written last.
  private var savedModelEpochs = 0
  /// What could not be written at the last attempt, by the name of the file.
  private var failures: [String: any Error] = [:]
  /// The state that the folder has; `nil` where this log neither found nor wrote one.
  public private(set) var savedPlace: CheckpointPlace?

  /// - Parameter tell: told in words of what cannot be written, on the thread of the training.
  public init(
    _ folder: RunFolder, _ options: Options = Options(), tell: @escaping (String) -> Void = { _ in }
  ) {
    self.folder = folder
    self.options = options
    self.tell = tell
    writer = StateWriter(folder, options)
    (lastTime, lastLineTime) = (clock.now, clock.now)
    metrics = RecordLog(path: folder.metricsPath) { _ in (0, []) }
    events = RecordLog(path: folder.eventsPath) { _ in (0, []) }
  }

  /// What could not be written at last.
  public var unwritten: [any Error] { failures.sorted { $0.key < $1.key }.map(\.value) }

  // MARK: The training

  public func trainingBegan(_ training: TrainingInProgress) throws {
    let (history, step) = (training.history, training.step)
    metrics = RecordLog(path: folder.metricsPath) {
      MetricsLines.prepared($0, for: history, at: step)
    }
    events = RecordLog(path: folder.eventsPath) {
      EventFile.prepared($0, for: history, at: step)
    }
    (lastStep, lastTime) = (step, clock.now)
    parts = ReportParts(training)
    if training.isResumed, training.changes.isEmpty {
      savedPlace = CheckpointPlace(training)
    } else {
      // One that goes on otherwise, too: whoever goes on with it the next time goes on so.
      let checkpoint = try stamped(training.checkpoint())
      let outcome = writer.write(checkpoint, model: nil, best: nil, parts)
      if let error = outcome.failures.values.first { throw error }
      savedPlace = CheckpointPlace(checkpoint)
    }
    hasBegun = true
    for change in training.changes { metrics.add(MetricsLines.line(ChangeLine(change))) }
    writeLines(isLasting: true)
    // What an earlier process has seen.
    guard training.isResumed, let record = try? RunRecord(folder) else { return }
    (parts.curve, parts.changes) = (record.curve, record.changes)
  }

  public func stepEnded(_ step: StepReport, of training: TrainingInProgress) throws {
    takeOutcome()
    let now = clock.now
    if step.step == 1 || step.step.isMultiple(of: max(1, options.stepsPerLine)) {
      let line = RunStep(step)
      metrics.add(MetricsLines.line(line))
      parts.curve.add(line)
      events.add(EventFile.record(of: step, wallTime: Date().timeIntervalSince1970))
    }
    if step.step == 1 { addPictures(of: training) }
    if now - lastLineTime > .seconds(1) {
      writeLines(isLasting: false)
      lastLineTime = now
    }
    switch options.interval {
    case .steps(let count): isDue = isDue || step.step - lastStep >= count
    case .seconds(let seconds): isDue = isDue || now - lastTime >= .seconds(seconds)
    }
    // The end of the epoch follows, whose state says more.
    if isDue, step.samples < step.totalSamples { try keep(training) }
  }

  /// What the network reads first, as augmentation left it; nothing where features are read in place of pictures.
  private func addPictures(of training: TrainingInProgress) {
    guard let inputs = try? training.inputs() else { return }
    let order = training.inputOrder
    let pictures = EventFile.pictures(
      inputs, channelsFirst: order.channelsFirst, isReversed: order.isReversed,
      step: training.step, wallTime: Date().timeIntervalSince1970)
    if let pictures { events.add(pictures) }
  }

  public func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) throws {
    takeOutcome()
    metrics.add(MetricsLines.line(RunEpoch(epoch)))
    events.add(EventFile.record(of: epoch))
    let histograms = EventFile.histograms(
      of: training, step: training.step, wallTime: epoch.endTime)
    if let histograms { events.add(histograms) }
    writeLines(isLasting: true)
    parts.take(training.assessment, after: epoch, training.history)
    isDue = true
    if options.keptCount > 1, training.history.best?.epoch == epoch.epoch {
      best = training.lastModel
    }
    try keep(training)
  }

  public func trainingEnded(_ training: TrainingInProgress, by error: (any Error)?) throws {
    guard hasBegun else { return }
    writer.wait()
    takeOutcome()
    writeLines(isLasting: true)
    // After other errors the last good state stays. The last epoch's model may have come while a state was being written.
    guard error.map(\.asksForEnd) ?? true else {
      if let model = training.lastModel, savedModelEpochs != training.history.count {
        failures[folder.modelPath] = failure { try writer.write(model) }
        failures[folder.reportPath] = failure {
          try writer.writeReport(of: model, training.history, parts)
        }
      }
      return
    }
    let checkpoint = try stamped(training.checkpoint())
    guard savedPlace != CheckpointPlace(checkpoint) || !failures.isEmpty || best != nil else {
      return
    }
    note(writer.write(checkpoint, model: training.lastModel, best: best, parts), isTold: false)
  }

  /// Writes what a training that has ended left: the model, and the report of it.
  ///
  /// - Returns: what could not be written.
  public func save(_ model: Model, _ history: [EpochReport]) -> [any Error] {
    let failures = [
      failure { try writer.write(model) },
      failure { try writer.writeReport(of: model, history, parts) },
    ]
    tellGivenUp()
    return failures.compactMap(\.self)
  }

  private func tellGivenUp() {
    let names = writer.takeGivenUp()
    guard !names.isEmpty else { return }
    tell("the disk is full: \(names.joined(separator: ", ")) made room")
  }

  // MARK: States

  /// Takes a copy of the state where none is being written, and has it written.
  private func keep(_ training: TrainingInProgress) throws {
    guard !writer.isAtWork else { return }
    let checkpoint = try stamped(training.checkpoint())
    (isDue, lastStep, lastTime) = (false, training.step, clock.now)
    writer.start(checkpoint, model: training.lastModel, best: best, parts)
    (best, bestInFlight) = (nil, best)
  }

  private func takeOutcome() {
    if let outcome = writer.takeOutcome() { note(outcome, isTold: true) }
  }

  private func note(_ outcome: StateWriter.Outcome, isTold: Bool) {
    if outcome.failures[folder.checkpointPath] == nil { savedPlace = outcome.place }
    if outcome.failures[folder.bestModelPath] != nil { best = best ?? bestInFlight }
    bestInFlight = nil
    if outcome.hasModel { savedModelEpochs = outcome.place.epochs }
    tellGivenUp()
    for path in [folder.checkpointPath, folder.modelPath, folder.reportPath, folder.bestModelPath] {
      let error = outcome.failures[path]
      failures[path] = error
      guard let error, isTold else { continue }
      tell("\(error); the training goes on, and it is tried again")
    }
  }

  private func writeLines(isLasting: Bool) {
    for (path, error) in [
      (folder.metricsPath, failure { try metrics.write(isLasting: isLasting) }),
      (folder.eventsPath, failure { try events.write(isLasting: isLasting) }),
    ] {
      // Once, not every second.
      if let error, failures[path] == nil {
        tell("\(error); the training goes on, and it is tried again")
      }
      failures[path] = error
    }
  }

  private func stamped(_ checkpoint: Checkpoint) -> Checkpoint {
    var checkpoint = checkpoint
    checkpoint.settings.merge(options.settings) { $1 }
    return checkpoint
  }
}

extension Error {
  /// Whether a training ended because that was wanted.
  fileprivate var asksForEnd: Bool {
    if case .stopped = self as? TrainingError { return true }
    return self is CancellationError
  }
}
