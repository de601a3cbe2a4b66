import Foundation

/// A file that appears whole or not at all: written under a temporary name in the same directory,
/// synchronized to the disk, then renamed over the final name. What a killed process left under such a name is removed by the
/// next one that writes into the directory.
///
/// ```swift
/// try AtomicFile.write(to: "model.safetensors") { file in try file.write(header.bytes) }
/// ```
package struct AtomicFile: ~Copyable {
  private let path: String
  private let descriptor: Int32
  /// The offset of the next byte.
  package private(set) var offset = 0

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  /// Replaces the file at `path` by what `body` writes. Where `body` throws, an existing file stays
  /// as it was.
  ///
  /// A symbolic link is followed. A device or a pipe (`/dev/stdout`) is written in place.
  ///
  /// - Throws: ``FileError`` where the file cannot be created, written or renamed; what `body`
  ///   throws.
  package static func write<Result>(
    to path: String, _ body: (inout AtomicFile) throws -> Result
  ) throws -> Result {
    let status = FileSystem.status(of: path)
    if let status, status.st_mode & S_IFMT == S_IFDIR {
      throw FileError(path: path, operation: .create, problem: .system(code: EISDIR))
    }
    if let status, status.st_mode & S_IFMT != S_IFREG {
      return try writeInPlace(path, body)
    }
    let target = status == nil ? path : FileSystem.resolvingLinks(path) ?? path
    var temporary = try TemporaryFile(beside: target)
    // A replaced file keeps its mode.
    if let status { _ = fchmod(temporary.descriptor, status.st_mode & 0o7777) }
    var file = AtomicFile(path: path, descriptor: temporary.descriptor)
    let result = try body(&file)
    guard fsync(temporary.descriptor) == 0 else { throw FileError.last(.synchronize, path) }
    guard temporary.finish() else { throw FileError.last(.write, path) }
    guard FileSystem.rename(temporary.path, to: target) else {
      throw FileError.last(.replace, path)
    }
    temporary.keep()
    synchronizeDirectory(of: target)
    return result
  }

  /// Replaces the file at `path` by `bytes`.
  package static func write(_ bytes: [UInt8], to path: String) throws {
    try write(to: path) { file in try file.write(bytes.span.bytes) }
  }

  /// Replaces the file at `path` by UTF-8 text.
  package static func write(_ text: String, to path: String) throws {
    try write([UInt8](text.utf8), to: path)
  }

  /// Appends bytes.
  package mutating func write(_ bytes: RawSpan) throws(FileError) {
    try OutputDescriptor(descriptor, path: path).write(bytes)
    offset += bytes.byteCount
  }

  /// Lends the open file to a library that writes it whole, from its beginning.
  package mutating func withDescriptor<Result>(
    _ body: (Int32) throws -> Result
  ) rethrows -> Result {
    let result = try body(descriptor)
    offset = max(offset, Int(lseek(descriptor, 0, SEEK_END)))
    return result
  }

  /// Removes what this process has begun to write under temporary names, and ends it.
  package static func abandonAll(andEnd end: () -> Never) -> Never {
    TemporaryFile.removeAll(andEnd: end)
  }

  private static func writeInPlace<Result>(
    _ path: String, _ body: (inout AtomicFile) throws -> Result
  ) throws -> Result {
    let descriptor = FileSystem.open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError.last(.open, path) }
    var isOpen = true
    defer { if isOpen { close(descriptor) } }
    var file = AtomicFile(path: path, descriptor: descriptor)
    let result = try body(&file)
    isOpen = false
    guard close(descriptor) == 0 else { throw FileError.last(.write, path) }
    return result
  }

  /// Makes the new name itself durable. Some file systems cannot; the contents are safe either way.
  private static func synchronizeDirectory(of path: String) {
    let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = FileSystem.open(directory, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    close(descriptor)
  }
}
