import Foundation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Why a report could not be written.
public struct ReportError: Error, Hashable, Sendable, CustomStringConvertible {
  public var path: String
  /// What the system said.
  public var reason: String

  public var description: String {
    "cannot write \(path): \(reason); choose a folder that exists and that you may write to"
  }
}

extension ReportPage {
  /// Writes the page to a file, which appears whole or not at all.
  ///
  /// - Throws: ``ReportError`` where the folder does not exist or cannot be written to.
  public func write(to path: String) throws(ReportError) {
    try writeAtomically(Array(html.utf8), to: path)
  }
}

extension Figure {
  /// Writes the figure to an SVG file, which appears whole or not at all.
  ///
  /// - Throws: ``ReportError`` where the folder does not exist or cannot be written to.
  public func write(to path: String) throws(ReportError) {
    try writeAtomically(Array(svg.utf8), to: path)
  }
}

/// Writes under a temporary name beside the file, synchronizes with the disk, renames.
private func writeAtomically(_ bytes: [UInt8], to path: String) throws(ReportError) {
  let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
  func failed() -> ReportError {
    let error = ReportError(path: path, reason: String(cString: strerror(errno)))
    unlink(temporary)
    return error
  }
  let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o644)
  guard file >= 0 else { throw failed() }
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes { buffer in
      Int(
        write(
          file, UnsafeRawBufferPointer(rebasing: buffer[written...]).baseAddress,
          buffer.count - written))
    }
    guard count > 0 || (count < 0 && errno == EINTR) else {
      let error = failed()
      close(file)
      throw error
    }
    written += max(0, count)
  }
  guard fsync(file) == 0, close(file) == 0, rename(temporary, path) == 0 else { throw failed() }
}

func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
