import Foundation

/// Reads whole files one after another into memory that is kept. Unlike ``MappedFile``, what was read
/// stays as it is whatever happens to the file.
package struct FileBuffer: Sendable {
  private var storage: [UInt8] = []
  private var count = 0

  package init() {}

  /// Lends the contents of the last file.
  package func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(storage.span.bytes.extracting(first: count))
  }

  /// Replaces the contents by a file's.
  ///
  /// - Throws: ``FileError`` where the path cannot be opened or read, or is not a regular file.
  package mutating func read(_ path: String) throws(FileError) {
    count = 0
    // A pipe without a writer would be waited for.
    let descriptor = FileSystem.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .last(.open, path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .last(.examine, path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(path: path, operation: .read, problem: .notRegularFile)
    }
    // One more, so that the end is seen without growing.
    try grow(to: Int(status.st_size) + 1, path)
    try readToEnd(of: descriptor, path)
  }

  /// The contents of what can be read but once: a pipe or a terminal, or any other file.
  ///
  /// - Parameter path: `-` for standard input.
  /// - Throws: ``FileError``.
  package static func contents(ofStream path: String) throws(FileError) -> [UInt8] {
    let isInput = path == "-"
    let descriptor = isInput ? 0 : FileSystem.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .last(.open, path) }
    defer { if !isInput { close(descriptor) } }
    var buffer = FileBuffer()
    let name = isInput ? "standard input" : path
    try buffer.grow(to: 1 << 16, name)
    try buffer.readToEnd(of: descriptor, name)
    buffer.storage.removeLast(buffer.storage.count - buffer.count)
    return buffer.storage
  }

  /// Whether a path is a pipe, such as a shell puts in place of a command.
  package static func isStream(_ path: String) -> Bool {
    FileSystem.status(of: path).map { $0.st_mode & S_IFMT == S_IFIFO } ?? false
  }

  private mutating func readToEnd(of descriptor: Int32, _ path: String) throws(FileError) {
    while true {
      if count == storage.count { try grow(to: 2 * count, path) }
      let received = storage.withUnsafeMutableBytes { bytes in
        Foundation.read(
          descriptor, bytes.baseAddress.map { $0 + count }, min(bytes.count - count, 1 << 30))
      }
      if received < 0, errno == EINTR { continue }
      guard received >= 0 else {
        let error = FileError.last(.read, path)
        count = 0
        throw error
      }
      if received == 0 { return }
      count += received
    }
  }

  private mutating func grow(to size: Int, _ path: String) throws(FileError) {
    guard storage.count < size else { return }
    guard Memory.has(size) else {
      throw FileError(path: path, operation: .read, problem: .system(code: ENOMEM))
    }
    storage.append(contentsOf: repeatElement(0, count: size - storage.count))
  }
}
