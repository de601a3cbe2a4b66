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
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .last(.open, path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .last(.examine, path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(path: path, operation: .read, problem: .notRegularFile)
    }
    guard Memory.has(Int(status.st_size)) else {
      throw FileError(path: path, operation: .read, problem: .system(code: ENOMEM))
    }
    // One more, so that the end is seen without growing.
    grow(to: Int(status.st_size) + 1)
    while true {
      if count == storage.count { grow(to: 2 * count) }
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

  private mutating func grow(to size: Int) {
    guard storage.count < size else { return }
    storage.append(contentsOf: repeatElement(0, count: size - storage.count))
  }
}
