public import ConvNetDatasets
public import ConvNetEngine
import ConvNetFiles
import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import Foundation

/// What an evaluation keeps in a folder while it runs, so that it can be gone on with: how far it is, and where somebody wants
/// them at the end, all answers.
///
/// ```swift
/// let key = KeptEvaluation.key(of: candidates, on: dataset)
/// let kept = KeptEvaluation(folder: "evaluation", key: key)
/// let evaluation = try ProtocolEvaluation(of: candidates, on: dataset, resuming: kept.progress, observe: kept.add) {
///   try kept.save($0)
/// }
/// kept.remove()
/// ```
public final class KeptEvaluation {
  /// From where it goes on; `nil` where nothing was kept of this evaluation.
  public private(set) var progress: EvaluationProgress?

  private struct State: Codable {
    var key: String
    var progress: EvaluationProgress
    /// Bytes of the answers.
    var byteCount: Int
  }

  private let folder: String
  private let key: String
  private let keepsAnswers: Bool
  private var lockPath: String { "\(folder)/lock" }
  /// Of the file whose lock says that the folder is in use; below zero where it was not claimed.
  private var lock: Int32 = -1
  private var statePath: String { "\(folder)/progress.json" }
  private var answersPath: String { "\(folder)/answers" }
  /// Answers that are not yet in the file.
  private var buffer: [UInt8] = []
  private var byteCount = 0
  private static let bufferLimit = 1 << 20

  /// Looks at what is kept in a folder. Nothing is written yet.
  ///
  /// - Parameters:
  ///   - key: of ``key(of:on:among:batchSize:compute:)``; what was kept under another is none of this.
  ///   - keepsAnswers: whether all answers shall be there at the end.
  public init(folder: String, key: String, keepsAnswers: Bool = false) {
    self.folder = folder
    self.key = key + (keepsAnswers ? "-answers" : "")
    self.keepsAnswers = keepsAnswers
    var reader = FileBuffer()
    guard (try? reader.read(statePath)) != nil else { return }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let data = reader.withBytes { bytes in bytes.withUnsafeBytes { Data($0) } }
    guard let state = try? decoder.decode(State.self, from: data), state.key == self.key,
      FileSystem.status(of: answersPath).map({ Int($0.st_size) >= state.byteCount })
        ?? (state.byteCount == 0)
    else { return }
    progress = state.progress
    byteCount = state.byteCount
  }

  deinit {
    if lock >= 0 { close(lock) }
  }

  /// Makes the folder and takes it for this process, until it ends or removes it.
  ///
  /// - Returns: whether no other process has it.
  /// - Throws: ``FileError`` where the folder cannot be made.
  public func claim() throws -> Bool {
    try FileSystem.createFolder(folder)
    if lock < 0 { lock = FileSystem.open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, mode: 0o666) }
    guard lock >= 0 else { throw FileError.last(.create, lockPath) }
    return flock(lock, LOCK_EX | LOCK_NB) == 0
  }

  /// Forgets what was kept: the evaluation begins anew.
  ///
  /// - Throws: ``FileError`` where answers are to be kept and the folder cannot be made.
  public func restart() throws {
    progress = nil
    byteCount = 0
    buffer.removeAll()
    FileSystem.remove(statePath)
    if keepsAnswers { try FileSystem.createFolder(folder) }
  }

  /// Takes an answer, where they are kept.
  ///
  /// - Throws: ``FileError`` where the disk has no room.
  public func add(_ answer: ProtocolEvaluation.Answer) throws {
    guard keepsAnswers else { return }
    for number in [answer.sample, answer.label, answer.score] { append(UInt64(number)) }
    for probability in answer.probabilities { append(probability.bitPattern) }
    if buffer.count >= Self.bufferLimit { try flush(isLasting: false) }
  }

  private func append(_ word: UInt64) {
    withUnsafeBytes(of: word.littleEndian) { buffer.append(contentsOf: $0) }
  }

  private func flush(isLasting: Bool) throws {
    guard keepsAnswers, !buffer.isEmpty || isLasting else { return }
    try FileSystem.createFolder(folder)
    let file = try AppendedFile(path: answersPath)
    try file.shorten(to: byteCount)
    try file.append(buffer, isLasting: isLasting)
    byteCount += buffer.count
    buffer.removeAll(keepingCapacity: true)
  }

  /// Writes how far it is.
  ///
  /// - Throws: ``FileError``.
  public func save(_ progress: EvaluationProgress) throws {
    try FileSystem.createFolder(folder)
    try flush(isLasting: true)
    try AtomicFile.write(
      jsonLine(State(key: key, progress: progress, byteCount: byteCount)), to: statePath)
  }

  /// Gives every answer of an evaluation, in the order in which they came.
  ///
  /// - Throws: ``FileError``; ``EvaluationError/otherProgress`` where the file holds something else; what `body` throws.
  public func forEachAnswer(
    of evaluation: ProtocolEvaluation, _ body: (ProtocolEvaluation.Answer) throws -> Void
  ) throws {
    try flush(isLasting: false)
    guard byteCount > 0 else { return }
    let file = try MappedFile(path: answersPath)
    let classCount = evaluation.classNames.count
    let row = 8 * (3 + classCount)
    for start in stride(from: 0, to: byteCount - row + 1, by: row) {
      let words = file.withBytes { bytes in
        (0..<3 + classCount).map { bytes.integer(at: start + 8 * $0, as: UInt64.self) ?? .max }
      }
      let numbers = words.prefix(3).map { Int(truncatingIfNeeded: $0) }
      guard numbers[0] >= 0, 0..<classCount ~= numbers[1],
        evaluation.scores.indices.contains(numbers[2])
      else { throw EvaluationError.otherProgress }
      try body(
        ProtocolEvaluation.Answer(
          sample: numbers[0], label: numbers[1], score: numbers[2],
          probabilities: words.dropFirst(3).map { Double(bitPattern: $0) }))
    }
  }

  /// Removes what was kept, at the end.
  public func remove() {
    for path in [statePath, answersPath, lockPath] { FileSystem.remove(path) }
    _ = FileSystem.withPath(folder, rmdir)
  }

  // MARK: The key

  /// What an evaluation depends on, as 16 hexadecimal digits: networks, their numbers, preparation and protocols, the pictures
  /// and how they are computed.
  public static func key(
    of candidates: [ProtocolEvaluation.Candidate], on dataset: any Dataset,
    among classes: ProtocolEvaluation.ScoredClasses = .all, batchSize: Int = 256,
    compute: ComputeOptions = .init()
  ) -> String {
    var hash = FNVHash()
    for candidate in candidates {
      hash.combine(candidate.name.utf8)
      hash.combine(candidate.model.graph.dump.utf8)
      hash.combine(candidate.model.classNames.joined(separator: "\n").utf8)
      for (name, tensor) in candidate.model.parameters.sorted(by: { $0.key < $1.key }) {
        hash.combine(name.utf8)
        tensor.withUnsafeBytes { hash.combine(words: $0) }
      }
      hash.combine(((try? jsonLine(candidate.model.preprocessing)) ?? "").utf8)
      hash.combine(((try? jsonLine(candidate.views)) ?? "").utf8)
    }
    hash.combine(DatasetFingerprint(of: dataset).digest.utf8)
    hash.combine(dataset.classNames.joined(separator: "\n").utf8)
    hash.combine(
      "\(classes.rawValue) \(batchSize) \(compute.isExact) \(compute.denseWeights.rawValue)".utf8)
    return hash.digits
  }
}
