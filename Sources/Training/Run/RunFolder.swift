public import ConvNetFiles
import ConvNetFormats
public import ConvNetGraphs
public import ConvNetLayers
import ConvNetReports

/// The folder that a training writes into: the model, the checkpoint to go on from, a line of metrics an epoch, the same for
/// TensorBoard, and a report.
///
/// ```swift
/// var folder = RunFolder("runs/first")
/// try folder.requireUnused()
/// try folder.create()
/// try trainer.fit(&model, on: train, validating: test, epochs: 5) { _, checkpoint in
///   for error in folder.record(checkpoint) { print(error) }
/// }
/// try folder.save(model)
/// try folder.write(RunReport(of: model, history: folder.history))
/// ```
public struct RunFolder {
  /// Where it lies, or is going to.
  public let path: String
  private var metrics: EpochLog
  private var events: EpochLog
  /// The reports of the epochs that it was told of, from the first.
  public private(set) var history: [EpochReport] = []
  /// Epochs of the checkpoint that lies in the folder; `nil` where this value neither read nor wrote one.
  public private(set) var savedEpoch: Int?

  /// Touches nothing.
  public init(_ path: String) {
    self.path = path
    metrics = EpochLog(path: path + "/" + Self.metricsName, tail: .cut) { bytes in
      bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    }
    events = EventFile.log(at: path + "/" + EventFile.name)
  }

  private static let modelName = "model.safetensors"
  private static let checkpointName = "checkpoint"
  private static let metricsName = "metrics.jsonl"
  private static let reportName = "report.html"

  /// A model file, ready to use.
  public var modelPath: String { path + "/" + Self.modelName }
  /// The state to go on from.
  public var checkpointPath: String { path + "/" + Self.checkpointName }
  /// Lines of JSON, one an epoch.
  public var metricsPath: String { path + "/" + Self.metricsName }
  /// For TensorBoard: see ``EventFile``.
  public var eventsPath: String { path + "/" + EventFile.name }
  /// For a browser: see ``RunReport``.
  public var reportPath: String { path + "/" + Self.reportName }

  // MARK: Another training's files

  /// What a training writes, by which one is known.
  private static let traces = [checkpointName, modelName, metricsName, EventFile.name]

  private func exists(_ name: String) -> Bool {
    FileSystem.exists(path + "/" + name)
  }

  /// - Throws: ``UsedFolderError`` where the folder holds a training.
  public func requireUnused() throws(UsedFolderError) {
    let found = Self.traces.filter(exists)
    guard found.isEmpty else {
      throw UsedFolderError(
        folder: path, found: found, hasCheckpoint: found.contains(Self.checkpointName))
    }
  }

  /// Removes the files of a training, so that none is left beside those of another.
  ///
  /// - Throws: ``FileError``.
  public func clear() throws(FileError) {
    for name in Self.traces + [Self.reportName] where exists(name) {
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

  // MARK: Files of this training

  /// Reads the checkpoint, to go on from.
  ///
  /// - Parameter operations: from outside the package, that the network may be made of.
  /// - Throws: as ``Checkpoint/init(loading:operations:)``.
  public mutating func loadCheckpoint(
    operations: [any OperationAttributes.Type] = []
  ) throws -> Checkpoint {
    let checkpoint = try Checkpoint(loading: checkpointPath, operations: operations)
    history = checkpoint.history
    savedEpoch = history.count
    return checkpoint
  }

  /// Writes the checkpoint alone, as of a training that was stopped in its first epoch.
  ///
  /// - Throws: ``FileError``.
  public mutating func save(_ checkpoint: Checkpoint) throws {
    history = checkpoint.history
    try checkpoint.save(to: checkpointPath)
    savedEpoch = history.count
  }

  /// Keeps the state after an epoch, and appends to the history: a line of JSON an epoch, and TensorBoard's events. A resumed
  /// training has every epoch once.
  ///
  /// - Returns: what could not be written, which is no reason to lose the training: the next call writes what is missing.
  public mutating func record(_ checkpoint: Checkpoint) -> [any Error] {
    [
      failure { try save(checkpoint) },
      failure {
        try metrics.write(
          checkpoint.history.map { [UInt8](try jsonLine(MetricsLine($0)).utf8 + [10]) })
      },
      failure { try events.write(EventFile(checkpoint.history).records) },
    ].compactMap(\.self)
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

/// The error of work that others do not depend on.
package func failure(of work: () throws -> Void) -> (any Error)? {
  do {
    try work()
    return nil
  } catch {
    return error
  }
}
