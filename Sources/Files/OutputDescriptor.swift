import Foundation

/// An open file, pipe or terminal to write to, with the name that errors give it. Does not own the descriptor.
package struct OutputDescriptor: Sendable {
  package let descriptor: Int32
  package let path: String

  package init(_ descriptor: Int32, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Writes all bytes; waits where the other side takes none for now.
  ///
  /// - Throws: ``FileError``; some of the bytes may have been written.
  package func write(_ bytes: RawSpan) throws(FileError) {
    var written = 0
    while written < bytes.byteCount {
      let count = bytes.withUnsafeBytes { buffer in
        // At most one GiB a call: some systems refuse more than 2^31 - 1 bytes.
        let rest = UnsafeRawBufferPointer(rebasing: buffer[written...].prefix(1 << 30))
        return Foundation.write(descriptor, rest.baseAddress, rest.count)
      }
      if count >= 0 {
        written += count
      } else if errno == EAGAIN {
        // Somebody else's end of a terminal or pipe may have made it non-blocking.
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&wanted, 1, -1)
      } else if errno != EINTR {
        throw .last(.write, path)
      }
    }
  }

  package func write(_ text: String) throws(FileError) {
    try write([UInt8](text.utf8).span.bytes)
  }
}
