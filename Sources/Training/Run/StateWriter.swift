import ConvNetFiles
import ConvNetFormats
import ConvNetLayers
import Synchronization

/// Where a state lies in the course of a training.
public struct CheckpointPlace: Hashable, Sendable, CustomStringConvertible {
  /// Finished epochs.
  public var epochs: Int
  /// Steps of all epochs.
  public var step: Int
  /// Whether an epoch is begun.
  public var isWithinEpoch: Bool

  /// The place of a state.
  public init(_ checkpoint: Checkpoint) {
    epochs = checkpoint.history.count
    step = checkpoint.step
    isWithinEpoch = checkpoint.samplesOfEpoch > 0
  }

  /// Where a training is.
  init(_ training: TrainingInProgress) {
    epochs = training.history.count
    step = training.step
    isWithinEpoch = training.isWithinEpoch
  }

  public var description: String {
    isWithinEpoch
      ? "within epoch \(epochs + 1), after step \(step)"
      : epochs > 0 ? "after epoch \(epochs)" : "from the beginning"
  }
}

/// Writes what a state brings into the folder of a training, one state at a time beside the training.
final class StateWriter: Sendable {
  struct Outcome: Sendable {
    var place: CheckpointPlace
    /// By the path of the file.
    var failures: [String: any Error]
    /// Whether the model of the last epoch was written with it.
    var hasModel = false
  }

  private let folder: RunFolder
  private let options: RunLog.Options
  private let work = BackgroundWork()
  private let outcome = Mutex<Outcome?>(nil)
  private let givenUp = Mutex<[String]>([])

  init(_ folder: RunFolder, _ options: RunLog.Options) {
    self.folder = folder
    self.options = options
  }

  var isAtWork: Bool { work.isGoingOn }

  func wait() { work.wait() }

  /// What became of the last one, once.
  func takeOutcome() -> Outcome? { outcome.withLock { $0.take() } }

  /// - Precondition: none is being written.
  func start(_ checkpoint: Checkpoint, model: Model?, best: Model?, _ parts: ReportParts) {
    _ = work.start("writing a checkpoint") { [self] in
      let result = write(checkpoint, model: model, best: best, parts)
      outcome.withLock { $0 = result }
    }
  }

  /// Writes all that can be.
  ///
  /// - Parameters:
  ///   - model: as the last epoch left it, its weights averaged where the training averages them.
  ///   - best: the model of the best epoch, where it is another than the last time.
  func write(
    _ checkpoint: Checkpoint, model: Model?, best: Model?, _ parts: ReportParts
  ) -> Outcome {
    var outcome = Outcome(place: CheckpointPlace(checkpoint), failures: [:])
    func attempt(_ path: String, _ body: () throws -> Void) {
      outcome.failures[path] = failure(of: body)
    }
    attempt(folder.checkpointPath) {
      try makingRoom(before: checkpoint.step) { try folder.save(checkpoint) }
      if options.keptCount > 1 { try folder.keep(checkpoint, count: options.keptCount) }
    }
    if let best {
      attempt(folder.bestModelPath) { try named(best).save(to: folder.bestModelPath) }
    }
    guard let model, checkpoint.samplesOfEpoch == 0, !checkpoint.history.isEmpty else {
      return outcome
    }
    attempt(folder.modelPath) {
      try makingRoom(before: checkpoint.step) { try folder.save(named(model)) }
    }
    outcome.hasModel = outcome.failures[folder.modelPath] == nil
    attempt(folder.reportPath) { try writeReport(of: model, checkpoint.history, parts) }
    return outcome
  }

  /// Writes a model alone.
  func write(_ model: Model) throws {
    try makingRoom { try folder.save(named(model)) }
  }

  /// States that were given up for room since the last time that it was asked.
  func takeGivenUp() -> [String] {
    givenUp.withLock { names in
      defer { names = [] }
      return names
    }
  }

  private func makingRoom(before step: Int? = nil, _ body: () throws -> Void) throws {
    let names = try folder.makingRoom(before: step, body)
    givenUp.withLock { $0 += names }
  }

  func writeReport(of model: Model, _ history: [EpochReport], _ parts: ReportParts) throws {
    try folder.write(
      parts.report(of: named(model), history, recipe: options.recipe, facts: options.facts))
  }

  private func named(_ model: Model) -> Model {
    var model = model
    if let name = options.dataName { model.trainingSummary?.data = name }
    return model
  }
}
