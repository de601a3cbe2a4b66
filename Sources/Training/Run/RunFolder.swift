public import ConvNetFiles
import ConvNetFormats
public import ConvNetGraphs
public import ConvNetLayers
import ConvNetReports
import Foundation

/// The folder that a training writes into: the model, the checkpoint to go on from, lines of metrics, the same for
/// TensorBoard, and a report. ``RunLog`` writes them while the training runs.
///
/// ```swift
/// let folder = RunFolder("runs/first")
/// let checkpoint = try folder.loadCheckpoint()
/// var model = try checkpoint.model()
/// try trainer.fit(
///   &model, on: train, validating: test, epochs: 10, resuming: checkpoint, loggers: [RunLog(folder)])
/// try folder.save(model)
/// ```
public struct RunFolder: Hashable, Sendable {
  /// Where it lies, or is going to.
  public let path: String

  /// Touches nothing.
  public init(_ path: String) {
    self.path = path
  }

  private static let modelName = "model.safetensors"
  private static let checkpointName = "checkpoint"
  static let metricsName = "metrics.jsonl"
  private static let reportName = "report.html"
  private static let bestModelName = "best.safetensors"

  /// A model file, ready to use.
  public var modelPath: String { path + "/" + Self.modelName }
  /// The state to go on from.
  public var checkpointPath: String { path + "/" + Self.checkpointName }
  /// The model of the epoch with the least error, where more than the last state is kept.
  public var bestModelPath: String { path + "/" + Self.bestModelName }
  /// Lines of JSON: `kind` says whether of a step or of an epoch.
  public var metricsPath: String { path + "/" + Self.metricsName }
  /// For TensorBoard: see ``EventFile``.
  public var eventsPath: String { path + "/" + EventFile.name }
  /// For a browser: see ``RunReport``.
  public var reportPath: String { path + "/" + Self.reportName }

  // MARK: Another training's files

  /// What a training writes, beside the states that it keeps.
  private static let results = [
    checkpointName, modelName, bestModelName, metricsName, EventFile.name, reportName,
  ]

  private func exists(_ name: String) -> Bool {
    FileSystem.exists(path + "/" + name)
  }

  /// - Parameter sharesReport: whether a report may be there, such as an experiment's own.
  /// - Throws: ``UsedFolderError`` where the folder holds a training, or a file that one would replace; ``FileError`` where it
  ///   cannot be listed.
  public func requireUnused(sharesReport: Bool = false) throws {
    let states = try keptStates().map(\.name)
    let results = Self.results.filter { !sharesReport || $0 != Self.reportName }
    let found = results.filter(exists) + states
    guard found.isEmpty else {
      throw UsedFolderError(
        folder: path, found: found, hasCheckpoint: found.contains(Self.checkpointName))
    }
  }

  /// Removes the files of a training, so that none is left beside those of another.
  ///
  /// - Throws: ``FileError``.
  public func clear() throws(FileError) {
    let states = try keptStates().map(\.name)
    for name in Self.results + states where exists(name) {
      guard FileSystem.remove(path + "/" + name) else { throw .last(.remove, path + "/" + name) }
    }
  }

  /// Creates the folder, and those above it, where it is not there.
  ///
  /// - Throws: ``FileError`` where it cannot be created, or files cannot be created in it.
  public func create() throws(FileError) {
    try FileSystem.createFolder(path)
    guard FileSystem.isWritable(path) else { throw .last(.write, path) }
  }

  /// Does what no other process may do in the folder at the same time, such as a training that writes into it.
  ///
  /// - Throws: ``RunInProgress`` where another process does; ``FileError`` without the folder; what the body throws.
  public func withExclusiveUse<Result>(_ body: () throws -> Result) throws -> Result {
    guard let lock = try FolderLock(path) else { throw RunInProgress(folder: path) }
    return try withExtendedLifetime(lock) { try body() }
  }

  // MARK: Files of this training

  /// Reads the checkpoint, to go on from.
  ///
  /// - Parameter operations: from outside the package, that the network may be made of.
  /// - Throws: as ``Checkpoint/init(loading:operations:)``.
  public func loadCheckpoint(
    operations: [any OperationAttributes.Type] = []
  ) throws -> Checkpoint {
    try Checkpoint(loading: checkpointPath, operations: operations)
  }

  /// Writes the state to go on from.
  ///
  /// - Throws: ``FileError``.
  public func save(_ checkpoint: Checkpoint) throws { try checkpoint.save(to: checkpointPath) }

  /// The states that were kept under their steps' numbers, the oldest first.
  package func keptStates() throws(FileError) -> [(name: String, step: Int)] {
    var states: [(name: String, step: Int)] = []
    guard FileSystem.isFolder(path) else { return [] }
    let prefix = Self.checkpointName + "-"
    try FileSystem.list(path) { entry in
      guard entry.name.hasPrefix(prefix), let step = Int(entry.name.dropFirst(prefix.count)) else {
        return
      }
      states.append((entry.name, step))
    }
    return states.sorted { $0.step < $1.step }
  }

  /// Gives the state that was saved last a second name, with its step's number, and removes the oldest of more than so many.
  func keep(_ checkpoint: Checkpoint, count: Int) throws {
    let kept = "\(checkpointPath)-\(checkpoint.step)"
    _ = FileSystem.remove(kept)
    // The file itself, where the file system has second names; what is written next takes only the first.
    if !FileSystem.link(checkpointPath, as: kept) { try checkpoint.save(to: kept) }
    // Those of later steps are from before a training that went on from an earlier state.
    let states = try keptStates().filter { $0.step <= checkpoint.step }
    for state in states.dropLast(count) { _ = FileSystem.remove(path + "/" + state.name) }
  }

  /// Does what writes a file, and where the disk is full does it again, each time without the oldest state that was kept.
  ///
  /// - Parameter step: whose state, and those of later steps, stay; `nil` for the last.
  /// - Returns: the names of the states that are gone.
  /// - Throws: what the body throws in the end.
  @discardableResult
  package func makingRoom(before step: Int? = nil, _ body: () throws -> Void) throws -> [String] {
    var removed: [String] = []
    while true {
      do {
        try body()
        return removed
      } catch let error as FileError where error.isDiskFull {
        let states = try keptStates()
        guard let oldest = states.first, oldest.step < step ?? states.last?.step ?? 0,
          FileSystem.remove(path + "/" + oldest.name)
        else { throw error }
        removed.append(oldest.name)
      }
    }
  }

  /// Writes the model.
  ///
  /// - Throws: ``FileError``.
  public func save(_ model: Model) throws { try model.save(to: modelPath) }

  /// Writes the report.
  ///
  /// - Throws: ``FileError``.
  public func write(_ report: RunReport) throws { try report.page.write(to: reportPath) }
}

/// A folder for results holds those of another training.
public struct UsedFolderError: ReadableError, Hashable, Sendable {
  /// The folder.
  public var folder: String
  /// The names of the files that were found.
  public var found: [String]
  /// Whether that training can go on.
  public var hasCheckpoint: Bool

  public var description: String {
    "\(FileSystem.readable(folder)) holds a training already (\(found.joined(separator: ", "))); "
      + (hasCheckpoint ? "go on from its checkpoint, clear it" : "clear it")
      + ", or choose another folder"
  }
}

/// A training writes into a folder where another process trains.
public struct RunInProgress: ReadableError, Hashable, Sendable {
  /// The folder.
  public var folder: String

  /// Of a folder.
  public init(folder: String) { self.folder = folder }

  public var description: String {
    "\(FileSystem.readable(folder)): another process trains there; wait for its end, or choose another folder"
  }
}

extension FileError {
  /// Whether there was no room left.
  fileprivate var isDiskFull: Bool {
    [ENOSPC, EDQUOT].contains { problem == .system(code: $0) }
  }
}

/// The error of work that others do not depend on.
package func failure(of work: () throws -> Void) -> (any Error)? {
  do {
    try work()
    return nil
  } catch {
    return error
  }
}
