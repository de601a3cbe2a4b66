import ArgumentParser
import ConvNet
import Foundation

/// A file that a command is told of, with the option or argument that names it; without a path where it names none.
struct NamedFile: CustomStringConvertible {
  var name: String
  var path: String?

  init(_ name: String, _ path: String?) {
    self.name = name
    self.path = path
  }

  var description: String { "\(name) \(FileSystem.line(path ?? ""))" }

  /// What may be a network's name in place of a file.
  static func model(_ argument: String?, _ name: String = "the model") -> NamedFile {
    NamedFile(name, argument.flatMap { ModelRegistry[$0] == nil ? $0 : nil })
  }

  /// A data set by path, or each of its shards; none where it goes by name.
  static func data(_ argument: String?, _ name: String = "--data") -> [NamedFile] {
    guard let argument, !DatasetCatalog.names.contains(argument) else { return [] }
    return (ShardPattern(argument)?.paths ?? [argument]).map { NamedFile(name, $0) }
  }
}

extension DataOptions {
  var read: [NamedFile] { NamedFile.data(data) }
}

extension DatasetArgument {
  var read: [NamedFile] { NamedFile.data(data, "the data") }
}

extension WeightsOptions {
  var read: [NamedFile] { [NamedFile("--weights", weights)] }
}

/// What a command writes: no file twice, and none that it reads.
enum OutputFiles {
  /// Refuses it before there is work to lose. Devices and streams (`/dev/null`) may be named several times: what is written
  /// there replaces nothing.
  ///
  /// - Throws: `ValidationError` that names both files.
  static func require(
    _ outputs: [NamedFile], apartFrom inputs: @autoclosure () -> [NamedFile] = []
  ) throws {
    let written = outputs.compactMap { file in
      file.path.flatMap { FilePlace($0) }.map { (file: file, place: $0) }
    }
    // Of a million shards none is named where nothing is written.
    guard !written.isEmpty else { return }
    let files = Dictionary(written.map { ($0.place, $0.file) }) { first, _ in first }
    for input in inputs() {
      guard let path = input.path else { continue }
      if let file = FilePlace(path).flatMap({ files[$0] }) {
        throw ValidationError("\(file) would replace \(input); name another file")
      }
      guard FileSystem.isFolder(path) else { continue }
      for (file, _) in written where isPicture(file.path ?? "", of: path) {
        throw ValidationError("\(file) would replace a picture of \(input); name another file")
      }
    }
    var earlier: [FilePlace: NamedFile] = [:]
    for (file, place) in written {
      if let other = earlier.updateValue(file, forKey: place) {
        throw ValidationError("\(other) and \(file) are one file; give each a name of its own")
      }
    }
  }

  /// Whether a path is that of a picture in a folder of a class, of data in a folder. Beside its parts there may be other
  /// folders, which are none of the data.
  private static func isPicture(_ path: String, of folder: String) -> Bool {
    let name = path.lowercased()
    guard [".png", ".jpg", ".jpeg"].contains(where: { name.hasSuffix($0) }),
      FileSystem.isFile(path), let file = FileSystem.resolvingLinks(path)
    else { return false }
    let parts = FolderParts(folder).map { [$0.train, $0.test].compactMap(\.self) } ?? [folder]
    return parts.contains { part in
      guard let start = FileSystem.resolvingLinks(part), file.hasPrefix("\(start)/") else {
        return false
      }
      return file.dropFirst(start.count + 1).contains("/")
    }
  }
}

/// Which file a path means, however it is spelled.
private enum FilePlace: Hashable {
  /// One that is there, through links.
  case number(device: UInt64, inode: UInt64)
  /// One that is not there yet.
  case path(String)

  /// `nil` for what is replaced by nothing that is written: a device, a pipe, a folder, a stream of the process.
  init?(_ path: String) {
    guard !Self.isStream(path) else { return nil }
    if let status = FileSystem.status(of: path) {
      guard status.st_mode & S_IFMT == S_IFREG else { return nil }
      self = .number(
        device: UInt64(truncatingIfNeeded: status.st_dev),
        inode: UInt64(truncatingIfNeeded: status.st_ino))
      return
    }
    let start = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    let folder = start == path.startIndex ? "." : String(path[..<start])
    if let folder = FileSystem.resolvingLinks(folder) {
      self = .path("\(folder == "/" ? "" : folder)/\(path[start...])")
    } else {
      self = .path(URL(fileURLWithPath: path).standardizedFileURL.path)
    }
  }

  /// Such a name may lead to a file by chance, where the shell has put one in the stream's place.
  private static func isStream(_ path: String) -> Bool {
    ["/dev/stdin", "/dev/stdout", "/dev/stderr"].contains(path)
      || ["/dev/fd/", "/proc/self/fd/"].contains { path.hasPrefix($0) }
  }
}
