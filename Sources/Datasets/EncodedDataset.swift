package import ConvNetFiles
import ConvNetImages
import Foundation

/// A data set whose pictures are files, or parts of one: their bytes are read into memory that is
/// used again, and decoded from there.
package protocol EncodedDataset: Dataset {
  /// Reads the file of a picture.
  ///
  /// - Parameter bytes: takes the contents; its capacity is kept.
  /// - Returns: what errors call the picture.
  /// - Throws: ``FileError``.
  func readEncoded(at index: Int, into bytes: inout [UInt8]) throws -> String

  /// Reads the first bytes of the file of a picture, or all where it has fewer.
  func readBeginning(at index: Int, byteCount: Int, into bytes: inout [UInt8]) throws
}

extension EncodedDataset {
  func decodedSample(at index: Int) throws -> Sample {
    var bytes: [UInt8] = []
    let name = try readEncoded(at: index, into: &bytes)
    let image = try Image(decoding: bytes.span.bytes, file: name)
    return Sample(image: image, label: label(at: index))
  }
}

/// Reads a regular file, or a part of it. Not mapped: that a file is shortened meanwhile must be an
/// error, and no end of the process.
///
/// - Parameter range: the bytes to read; `nil` for all. Fewer come where the file ends before.
package func readFile(
  _ path: String, _ range: Range<Int>? = nil, into bytes: inout [UInt8]
) throws(FileError) {
  // Not to wait for a writer where the path names a pipe.
  let descriptor = FileSystem.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { throw .last(.open, path) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw .last(.examine, path) }
  guard status.st_mode & S_IFMT == S_IFREG else {
    throw FileError(path: path, operation: .read, problem: .notRegularFile)
  }
  let start = range?.lowerBound ?? 0
  let size = max(0, min(range?.upperBound ?? .max, Int(status.st_size)) - start)
  guard Memory.has(size) else {
    throw FileError(path: path, operation: .read, problem: .system(code: ENOMEM))
  }
  if bytes.count < size {
    bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
  } else {
    bytes.removeLast(bytes.count - size)
  }
  var filled = 0
  while filled < size {
    let count = bytes.withUnsafeMutableBytes { bytes in
      pread(
        descriptor, bytes.baseAddress.map { $0 + filled }, size - filled, off_t(start + filled))
    }
    if count < 0 {
      if errno == EINTR { continue }
      throw .last(.read, path)
    }
    guard count > 0 else { break }
    filled += count
  }
  // Shortened meanwhile: the decoder says that it is truncated.
  if filled < size { bytes.removeLast(size - filled) }
}
