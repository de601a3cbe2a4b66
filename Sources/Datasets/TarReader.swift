import CTar
public import ConvNetFiles

/// Goes through the regular files of a tar archive that lies in memory, compressed by gzip or not.
struct TarReader: ~Copyable {
  struct Entry {
    var path: String
    var byteCount: Int
  }

  /// The archive's path, for errors.
  private let file: String
  private let archive: OpaquePointer
  private let bytes: UnsafeRawBufferPointer
  /// The file that ``next()`` returned last.
  private var current: Entry?
  private var hasBegun = false

  /// - Precondition: `bytes` stay where they are as long as the reader lives.
  /// - Throws: ``TarError`` where they are not a tar archive.
  init(_ bytes: UnsafeRawBufferPointer, file: String) throws(TarError) {
    guard let start = bytes.baseAddress, !bytes.isEmpty else {
      throw TarError(file: file, problem: .empty)
    }
    var opened: OpaquePointer?
    var message = [CChar](repeating: 0, count: Int(CT_MESSAGE_SIZE))
    let status = ct_open(
      start.assumingMemoryBound(to: UInt8.self), bytes.count, &opened, &message)
    guard status == CT_OK, let opened else {
      throw Self.error(bytes, file: file, damage: message)
    }
    archive = opened
    self.bytes = bytes
    self.file = file
  }

  deinit {
    ct_close(archive)
  }

  /// Why nothing can be read: what the bytes are, where they are of another kind. Archives may be compressed.
  private static func error(
    _ bytes: UnsafeRawBufferPointer, file: String, damage: [CChar]
  ) -> TarError {
    guard let kind = FileKind(of: bytes.bytes), !kind.isArchive else {
      return TarError(file: file, damage: damage)
    }
    return TarError(file: file, problem: .otherFile(kind))
  }

  /// The next file, or `nil` after the last.
  mutating func next() throws(TarError) -> Entry? {
    var path: UnsafePointer<CChar>?
    var size: UInt64 = 0
    var message = [CChar](repeating: 0, count: Int(CT_MESSAGE_SIZE))
    let status = ct_next(archive, &path, &size, &message)
    current = nil
    if status == CT_END { return nil }
    guard status == CT_OK, let path, let byteCount = Int(exactly: size) else {
      throw hasBegun
        ? TarError(file: file, damage: message) : Self.error(bytes, file: file, damage: message)
    }
    hasBegun = true
    let entry = Entry(path: FileSystem.path(path), byteCount: byteCount)
    current = entry
    return entry
  }

  /// Where the contents of the current file lie within the archive.
  ///
  /// - Throws: ``TarError`` where they do not lie there in one piece, or end early.
  mutating func range() throws(TarError) -> Range<Int> {
    guard let entry = current else { fatalError("there is no current file") }
    guard entry.byteCount > 0 else { return 0..<0 }
    guard let block = try block(of: entry), let start = bytes.baseAddress,
      let first = block.bytes.baseAddress, block.offset == 0,
      first >= start, first < start + bytes.count
    else { throw TarError(file: file, member: entry.path, problem: .scattered) }
    let offset = first - start
    guard block.bytes.count == entry.byteCount, entry.byteCount <= bytes.count - offset else {
      throw TarError(
        file: file, member: entry.path,
        problem: bytes.count - offset < entry.byteCount
          ? .truncated(expected: entry.byteCount, actual: bytes.count - offset) : .scattered)
    }
    return offset..<offset + entry.byteCount
  }

  /// A copy of the current file's contents.
  ///
  /// - Parameter limit: a larger file is refused; memory grows with what is there, whatever the
  ///   archive claims.
  mutating func contents(limit: Int) throws(TarError) -> [UInt8] {
    guard let entry = current else { fatalError("there is no current file") }
    guard entry.byteCount <= limit else {
      throw TarError(
        file: file, member: entry.path,
        problem: .tooLarge(byteCount: entry.byteCount, limit: limit))
    }
    var contents: [UInt8] = []
    while let block = try block(of: entry) {
      // A hole in a sparse file is all zeros.
      guard contents.count <= block.offset, block.offset <= entry.byteCount,
        block.bytes.count <= entry.byteCount - block.offset
      else { throw TarError(file: file, member: entry.path, problem: .scattered) }
      contents += repeatElement(0, count: block.offset - contents.count)
      contents += block.bytes
    }
    guard contents.count == entry.byteCount else {
      throw TarError(
        file: file, member: entry.path,
        problem: .truncated(expected: entry.byteCount, actual: contents.count))
    }
    return contents
  }

  private mutating func block(
    of entry: Entry
  ) throws(TarError) -> (bytes: UnsafeRawBufferPointer, offset: Int)? {
    var start: UnsafePointer<UInt8>?
    var count = 0
    var offset: UInt64 = 0
    var message = [CChar](repeating: 0, count: Int(CT_MESSAGE_SIZE))
    let status = ct_read(archive, &start, &count, &offset, &message)
    if status == CT_END { return nil }
    guard status == CT_OK, let offset = Int(exactly: offset) else {
      throw TarError(file: file, member: entry.path, damage: message)
    }
    return (UnsafeRawBufferPointer(start: start, count: count), offset)
  }
}

/// Why an archive, or a file in it, cannot be read.
public struct TarError: Error, Hashable, Sendable {
  /// What is wrong, with the values that show it.
  public enum Problem: Hashable, Sendable {
    /// The archive has no files.
    case empty
    /// Not a tar archive, or a damaged one; `reason` is the reader's.
    case damaged(reason: String)
    /// Something else that is known.
    case otherFile(FileKind)
    /// The file's contents end early.
    case truncated(expected: Int, actual: Int)
    /// The file's contents do not lie in the archive in one piece.
    case scattered
    /// A file of the archive is larger than what it is read for may be.
    case tooLarge(byteCount: Int, limit: Int)
    /// Single files of a compressed archive cannot be read.
    case compressed
  }

  /// The archive.
  public var file: String
  /// The file in it; `nil` where the archive as a whole is meant.
  public var member: String?
  /// What is wrong with it.
  public var problem: Problem

  init(file: String, member: String? = nil, problem: Problem) {
    self.file = file
    self.member = member
    self.problem = problem
  }

  /// - Parameter damage: the reader's text, ended by a zero.
  fileprivate init(file: String, member: String? = nil, damage: [CChar]) {
    let text = damage.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    self.init(
      file: file, member: member,
      problem: .damaged(reason: String(decoding: text, as: UTF8.self)))
  }
}

extension TarError: ReadableError {
  public var description: String {
    FileSystem.readable("\(file)\(member.map { ", \($0)" } ?? ""): \(problem)")
  }
}

extension TarError.Problem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .empty:
      "the file is empty; fetch or make it again"
    case .otherFile(let kind):
      kind.sentence(expected: "a tar archive")
    case .damaged(let reason):
      "damaged, or not a tar archive (\(reason)); fetch or make it again"
    case .truncated(let expected, let actual):
      "ends after \(actual) of \(expected) bytes; fetch or make the archive again"
    case .scattered:
      "is not stored in one piece; pack the archive without sparse files"
    case .tooLarge(let byteCount, let limit):
      "has \(byteCount) bytes, more than the limit of \(limit)"
    case .compressed:
      "single pictures of a compressed archive cannot be read; unpack it with gunzip"
    }
  }
}
