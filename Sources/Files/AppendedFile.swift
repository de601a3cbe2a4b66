import Foundation

/// A file that others follow while it grows: what is added stands whole behind what is there, and the file stays the same one
/// (its inode), so that who has it open sees it.
package struct AppendedFile: ~Copyable {
  private let output: OutputDescriptor

  /// Opens the file, or creates it. A symbolic link is followed.
  ///
  /// - Throws: ``FileError``.
  package init(path: String) throws(FileError) {
    let descriptor = FileSystem.open(
      path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, mode: 0o666)
    guard descriptor >= 0 else { throw .last(.open, path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw FileError(path: path, operation: .write, problem: .notRegularFile)
    }
    output = OutputDescriptor(descriptor, path: path)
  }

  deinit { close(output.descriptor) }

  private func byteCount() throws(FileError) -> Int {
    var status = stat()
    guard fstat(output.descriptor, &status) == 0 else { throw .last(.examine, output.path) }
    return Int(status.st_size)
  }

  /// What is there.
  package func contents() throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: try byteCount())
    var count = 0
    while count < bytes.count {
      let received = bytes.withUnsafeMutableBytes { buffer in
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...].prefix(1 << 30))
        return pread(output.descriptor, rest.baseAddress, rest.count, off_t(count))
      }
      if received < 0, errno == EINTR { continue }
      guard received >= 0 else { throw .last(.read, output.path) }
      if received == 0 { break }
      count += received
    }
    return Array(bytes.prefix(count))
  }

  /// Adds bytes, all or none of them.
  ///
  /// - Parameter isLasting: whether they shall be on the disk afterwards, whatever becomes of the machine.
  /// - Throws: ``FileError`` where the disk has no room for all; what was there is as it was.
  package func append(_ bytes: [UInt8], isLasting: Bool = true) throws(FileError) {
    let before = try byteCount()
    do throws(FileError) {
      try output.write(bytes.span.bytes)
      guard !isLasting || fsync(output.descriptor) == 0 else {
        throw .last(.synchronize, output.path)
      }
    } catch {
      // Whole records only: a reader waits for the rest of one that is not.
      ftruncate(output.descriptor, off_t(before))
      throw error
    }
  }

  /// Cuts off what stands behind the first `count` bytes.
  package func shorten(to count: Int) throws(FileError) {
    guard try byteCount() > count else { return }
    while ftruncate(output.descriptor, off_t(count)) != 0 {
      guard errno == EINTR else { throw .last(.write, output.path) }
    }
  }
}
