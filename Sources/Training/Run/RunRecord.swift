import ConvNetDatasets
public import ConvNetFiles
import ConvNetFormats
public import ConvNetGraphs
import ConvNetLayers
import Foundation

/// What the folder of a training says of it, also while it is at work: its epochs, steps and settings. Reads no weights.
///
/// ```swift
/// for record in try ["runs/a", "runs/b"].map({ try RunRecord(RunFolder($0)) }) {
///   print(record.folder.path, record.best?.validationTop1 ?? 0)
/// }
/// ```
public struct RunRecord: Sendable {
  /// Where it lies.
  public var folder: RunFolder
  /// In their order.
  public private(set) var epochs: [RunEpoch] = []
  /// In their order; of a long training evenly thinned to a thousand at most.
  public var steps: [RunStep] { curve.steps }
  /// Settings that were changed on the way.
  public private(set) var changes: [TrainingChange] = []
  /// The settings by name, as of a recipe: `optimizer.momentum`. Empty where the folder has no checkpoint.
  public private(set) var settings: [(name: String, value: String)] = []
  /// Epochs that the training is to have; `nil` where the folder does not say.
  public private(set) var plannedEpochs: Int?
  private(set) var curve = StepCurve()

  /// Reads `metrics.jsonl` and what the checkpoint says of the settings.
  ///
  /// - Parameter operations: from outside the package, that the network may be made of.
  /// - Throws: ``RunRecordError`` where the folder holds no training.
  public init(_ folder: RunFolder, operations: [any OperationAttributes.Type] = []) throws {
    self.folder = folder
    guard FileSystem.isFolder(folder.path) else {
      throw RunRecordError(folder: folder.path, problem: .noFolder)
    }
    guard FileSystem.isFile(folder.metricsPath) else {
      throw RunRecordError(folder: folder.path, problem: .noMetrics)
    }
    try readLines()
    guard FileSystem.exists(folder.checkpointPath) else { return }
    let state = try Checkpoint.State(
      metadata: Safetensors.metadata(ofFile: folder.checkpointPath), folder.checkpointPath,
      operations)
    plannedEpochs = state.epochs
    settings = state.settingsInWords
  }

  private mutating func readLines() throws {
    // Not mapped: a training that goes on may shorten the file meanwhile.
    guard let bytes = FileManager.default.contents(atPath: folder.metricsPath) else {
      throw RunRecordError(folder: folder.path, problem: .noMetrics)
    }
    let lines = bytes.split(separator: 10).map { MetricsLines.read($0) }
    for line in lines {
      switch line {
      case .epoch(let epoch): epochs.append(epoch)
      case .step(let step): curve.add(step)
      case .change(let change): changes.append(change)
      case nil: break
      }
    }
    guard !epochs.isEmpty || !steps.isEmpty || lines.isEmpty else {
      throw RunRecordError(folder: folder.path, problem: .noLines)
    }
  }

  /// The epoch of the least validation error, of equal ones the first: of labels 1 - mean average precision, of numbers the
  /// validation loss; without validation, of the least training loss.
  public var best: RunEpoch? {
    func error(_ epoch: RunEpoch) -> Double {
      let share = epoch.validationTop1 ?? epoch.validationMeanAveragePrecision
      return share.map { 1 - $0 } ?? epoch.validationLoss ?? epoch.trainingLoss
    }
    return epochs.min { error($0) < error($1) }
  }

  /// Of training in all, validation not counted.
  public var seconds: Double { epochs.reduce(0) { $0 + $1.seconds } }

  /// Whether fewer epochs are finished than the training is to have.
  public var isUnfinished: Bool { plannedEpochs.map { epochs.count < $0 } ?? false }
}

/// A folder that holds no training.
public struct RunRecordError: ReadableError, Hashable, Sendable {
  /// What it is instead.
  public enum Problem: Hashable, Sendable {
    /// There is no such folder.
    case noFolder
    /// There is no `metrics.jsonl` in it.
    case noMetrics
    /// There is one, of something else.
    case noLines
  }

  /// The folder.
  public var folder: String
  /// What it is instead.
  public var problem: Problem

  public var description: String {
    let name = FileSystem.readable(folder)
    return switch problem {
    case .noFolder: "\(name) is no folder"
    case .noMetrics: "\(name) holds no training: it has no \(RunFolder.metricsName)"
    case .noLines:
      "\(name) holds no training: no line of its \(RunFolder.metricsName) is of a step or an epoch"
    }
  }
}

extension Checkpoint.State {
  /// What decides the numbers, by name.
  var settingsInWords: [(name: String, value: String)] {
    var settings = NamedSettings()
    settings.add("network", network.name)
    settings.add("data", trainingSummary?.data)
    settings.add("trainingPictures", "\(data.training.count)")
    settings.add("trainingFingerprint", data.training.digest)
    settings.add("validationPictures", data.validation.map { "\($0.count)" })
    settings.add("validationFingerprint", data.validation?.digest)
    settings.add("preprocessing", preprocessing.map { "\($0)" })
    settings.add("seed", "\(recipe.seed)")
    return settings.values
      + Checkpoint.namedSettings(recipe, epochs: epochs, earlyStopping).values
  }
}
