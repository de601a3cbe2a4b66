import Foundation

/// A file's contents mapped read-only into memory: pages are read when they are touched, and
/// nothing is copied.
///
/// The file must not be shortened while it is mapped (files that ConvNet writes never are: a new
/// version is renamed into place and leaves the old one intact).
package final class MappedFile: @unchecked Sendable {
  package let path: String
  private let bytes: UnsafeRawBufferPointer

  /// - Throws: ``FileError`` where the path cannot be opened, or is not a regular file.
  package init(path: String) throws(FileError) {
    // A pipe without a writer would be waited for.
    let descriptor = FileSystem.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .last(.open, path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .last(.examine, path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(path: path, operation: .read, problem: .notRegularFile)
    }
    self.path = path
    let count = Int(status.st_size)
    // A mapping of no bytes is refused by the system.
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard
      let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED
    else { throw .last(.map, path) }
    bytes = UnsafeRawBufferPointer(start: address, count: count)
  }

  deinit {
    if let address = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: address), bytes.count)
    }
  }

  package var byteCount: Int { bytes.count }

  /// Bytes that can be read as long as the mapping lives.
  package func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[range])
  }

  /// Releases the memory of the pages that lie wholly in a part of a mapping: the next reader finds them in the file again.
  package static func releasePages(_ part: UnsafeRawBufferPointer) {
    guard let start = part.baseAddress else { return }
    let page = Int(getpagesize())
    let first = start.alignedUp(toMultipleOf: page)
    let count = (start + part.count).alignedDown(toMultipleOf: page) - first
    if count > 0 { madvise(UnsafeMutableRawPointer(mutating: first), count, MADV_DONTNEED) }
  }

  /// Lends the contents for reading.
  package func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(bytes.bytes)
  }
}
