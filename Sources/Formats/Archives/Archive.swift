import CArchives
import ConvNetFiles
import Synchronization

/// A zip archive, mapped into memory. Stored entries are lent where they lie in the file; a
/// deflated one is inflated when it is asked for, into no more than its stated size.
final class Archive: Sendable {
  struct Entry: Sendable {
    var name: String
    /// The bytes in the file, compressed or not.
    var range: Range<Int>
    /// Bytes of the contents.
    var byteCount: Int
    var isDeflated: Bool
    fileprivate var checksum: UInt32
  }

  let file: MappedFile
  let entries: [Entry]
  /// What the archive says of itself as a whole.
  let comment: String?
  private let indices: [String: Int]
  private let state = Mutex(State())

  private struct State {
    /// Entries whose checksum was found right.
    var verified: Set<Int> = []
    /// Inflated entries that are read several times, in any order.
    var inflated: [Int: InflatedBytes] = [:]
  }

  /// Bytes before those of every entry: its local header, without the name.
  private static let headerByteCount = 30

  /// Reads the archive's directory.
  ///
  /// - Throws: ``ArchiveError``.
  init(_ file: MappedFile) throws(ArchiveError) {
    self.file = file
    (entries, comment) = try Self.readTable(of: file)
    var indices: [String: Int] = [:]
    for (index, entry) in entries.enumerated() {
      guard indices.updateValue(index, forKey: entry.name) == nil else {
        throw ArchiveError(
          file: file.path, entry: entry.name, offset: entry.range.lowerBound,
          problem: .duplicateName)
      }
    }
    self.indices = indices
  }

  private static func readTable(
    of file: MappedFile
  ) throws(ArchiveError) -> (entries: [Entry], comment: String?) {
    var table = ca_table()
    var message = [CChar](repeating: 0, count: Int(CA_MESSAGE_SIZE))
    let status = file.withBytes { bytes in
      bytes.withUnsafeBytes { ca_read_table($0.baseAddress, $0.count, &table, &message) }
    }
    guard status == CA_OK else {
      throw ArchiveError(
        file: file.path, problem: .damaged(reason: String(message: message)))
    }
    defer { ca_free_table(&table) }
    var entries: [Entry] = []
    entries.reserveCapacity(table.count)
    for entry in UnsafeBufferPointer(start: table.entries, count: table.count) {
      entries.append(try checked(entry, in: file))
    }
    try requireApart(entries, in: file)
    return (entries, table.comment.map { String(cString: $0) })
  }

  /// Entries that share bytes, of which each would be counted within the limit, could claim any size together.
  private static func requireApart(
    _ entries: [Entry], in file: MappedFile
  ) throws(ArchiveError) {
    var end = 0
    // An entry of nothing occupies no bytes; where it lies is not known.
    let occupied = entries.filter { !$0.range.isEmpty }
    for entry in occupied.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      guard entry.range.lowerBound - headerByteCount >= end else {
        throw ArchiveError(
          file: file.path, entry: entry.name, offset: entry.range.lowerBound, problem: .overlapping)
      }
      end = entry.range.upperBound
    }
  }

  private static func checked(
    _ entry: ca_entry, in file: MappedFile
  ) throws(ArchiveError) -> Entry {
    let name = String(cString: entry.name)
    let offset = Int(clamping: entry.offset)
    func fail(_ problem: ArchiveError.Problem) -> ArchiveError {
      ArchiveError(file: file.path, entry: name, offset: offset, problem: problem)
    }
    let compressed = Int(clamping: entry.compressed_size)
    let byteCount = Int(clamping: entry.size)
    guard offset <= file.byteCount, compressed <= file.byteCount - offset else {
      throw fail(.outside(offset: offset, byteCount: compressed, available: file.byteCount))
    }
    if entry.is_encrypted { throw fail(.encrypted) }
    switch entry.method {
    case CA_STORED.rawValue:
      guard compressed == byteCount else {
        throw fail(.damaged(reason: "a stored entry has two sizes"))
      }
    case CA_DEFLATED.rawValue:
      // An archive whose entries do not overlap holds at most so many times its own bytes, and none may claim more.
      guard byteCount / InflatedBytes.largestRatio <= compressed else {
        throw fail(.damaged(reason: "\(compressed) bytes cannot inflate to \(byteCount)"))
      }
    default: throw fail(.unsupportedCompression(method: Int(entry.method)))
    }
    return Entry(
      name: name, range: offset..<offset + compressed, byteCount: byteCount,
      isDeflated: entry.method == CA_DEFLATED.rawValue, checksum: entry.checksum)
  }

  /// The place of an entry among ``entries``.
  func index(of name: String) -> Int? { indices[name] }

  /// Lends the contents of an entry.
  ///
  /// - Parameter isShared: whether they will be asked for again: a deflated entry then stays in memory.
  /// - Throws: ``ArchiveError`` where they are damaged; what `body` throws.
  func withBytes<Result>(
    of index: Int, isShared: Bool = false, _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    let entry = entries[index]
    guard entry.isDeflated else {
      return try file.withBytes { bytes in
        let contents = bytes.extracting(entry.range)
        try verify(contents, index)
        return try body(contents)
      }
    }
    return try inflated(index, isShared: isShared).withBytes { contents in
      try verify(contents, index)
      return try body(contents)
    }
  }

  /// Lends the first bytes of an entry, or all where it has fewer. They are not verified.
  func withHead<Result>(
    of index: Int, byteCount: Int, _ body: (RawSpan) throws -> Result
  ) throws -> Result {
    let entry = entries[index]
    let count = min(byteCount, entry.byteCount)
    guard entry.isDeflated else {
      return try file.withBytes { bytes in
        try body(bytes.extracting(entry.range.lowerBound..<entry.range.lowerBound + count))
      }
    }
    return try inflate(index, byteCount: count).withBytes(body)
  }

  private func inflated(_ index: Int, isShared: Bool) throws(ArchiveError) -> InflatedBytes {
    if let known = state.withLock({ $0.inflated[index] }) { return known }
    let bytes = try inflate(index, byteCount: entries[index].byteCount)
    if isShared { state.withLock { $0.inflated[index] = bytes } }
    return bytes
  }

  private func inflate(_ index: Int, byteCount: Int) throws(ArchiveError) -> InflatedBytes {
    let entry = entries[index]
    do {
      return try file.withBytes { bytes throws(InflatedBytes.Failure) in
        try InflatedBytes(
          inflating: bytes.extracting(entry.range), byteCount: byteCount,
          isWhole: byteCount == entry.byteCount)
      }
    } catch {
      throw fail(index, .damaged(reason: error.description))
    }
  }

  /// Once an entry.
  private func verify(_ contents: RawSpan, _ index: Int) throws(ArchiveError) {
    let stated = entries[index].checksum
    // PyTorch can be told to compute no checksums, and writes zeros instead.
    if stated == 0 || state.withLock({ $0.verified.contains(index) }) { return }
    let actual = contents.withUnsafeBytes { ca_checksum($0.baseAddress, $0.count) }
    guard actual == stated else {
      throw fail(index, .wrongChecksum(stated: stated, actual: actual))
    }
    _ = state.withLock { $0.verified.insert(index) }
  }

  private func fail(_ index: Int, _ problem: ArchiveError.Problem) -> ArchiveError {
    ArchiveError(
      file: file.path, entry: entries[index].name, offset: entries[index].range.lowerBound,
      problem: problem)
  }
}

extension String {
  /// A message that the shim left behind.
  init(message: [CChar]) {
    self.init(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
