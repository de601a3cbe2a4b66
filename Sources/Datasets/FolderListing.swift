import ConvNetFiles
import ConvNetTensors
import Foundation

/// What lies in a folder. Hidden names and the litter of file systems are left out, and counted.
struct FolderListing {
  /// In natural order, links followed.
  private(set) var folders: [String] = []
  /// Everything else in natural order: files, and links that lead nowhere.
  private(set) var files: [String] = []
  /// Names that were left out, by kind.
  private(set) var litter: [String: Int] = [:]

  /// - Throws: ``FileError`` where the folder cannot be listed.
  init(_ folder: String) throws(FileError) {
    guard let directory = opendir(folder) else { throw .last(.list, folder) }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name != ".", name != ".." else { continue }
      if let kind = Litter.kind(of: name) {
        litter[kind, default: 0] += 1
        continue
      }
      // The kind that the listing itself tells spares a call for each of a million files.
      let isFolder =
        switch Int(entry.pointee.d_type) {
        case Int(DT_DIR): true
        case Int(DT_REG): false
        default: Self.isFolder("\(folder)/\(name)")
        }
      if isFolder { folders.append(name) } else { files.append(name) }
    }
    folders.sort(by: precedesNaturally)
    files.sort(by: precedesNaturally)
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// For messages: `2 folders, 3 .txt files`.
  var summary: String {
    var parts: [String] = []
    if !folders.isEmpty { parts.append("\(folders.count) folder\(folders.count == 1 ? "" : "s")") }
    let endings = Dictionary(grouping: files) { PictureNames.ending(of: $0)?.lowercased() ?? "" }
    for (ending, names) in endings.sorted(by: { $0.key < $1.key }).prefix(4) {
      let kind = ending.isEmpty ? "" : ".\(ending) "
      parts.append("\(names.count) \(kind)file\(names.count == 1 ? "" : "s")")
    }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }
}

/// Lists the files of a folder and of those below it, each folder once: a link to a folder that was
/// seen already, or that all of them lie in, is not followed.
struct FolderWalk {
  private struct Identity: Hashable {
    var device: UInt64
    var number: UInt64
  }

  private var seen: Set<Identity>
  /// Paths below the first folder.
  private(set) var files: [String] = []
  /// Names that were left out, by kind.
  private(set) var litter: [String: Int] = [:]

  /// - Parameter root: a folder further up.
  /// - Throws: ``FileError`` where a folder cannot be listed.
  init(_ folder: String, below root: String) throws(FileError) {
    seen = [try Self.identity(of: root)]
    try visit(folder, prefix: "")
  }

  private static func identity(of folder: String) throws(FileError) -> Identity {
    var status = stat()
    guard stat(folder, &status) == 0 else { throw .last(.examine, folder) }
    return Identity(
      device: UInt64(truncatingIfNeeded: status.st_dev),
      number: UInt64(truncatingIfNeeded: status.st_ino))
  }

  private mutating func visit(_ folder: String, prefix: String) throws(FileError) {
    guard try seen.insert(Self.identity(of: folder)).inserted else { return }
    let listing = try FolderListing(folder)
    files += listing.files.map { prefix + $0 }
    litter.merge(listing.litter, uniquingKeysWith: +)
    for name in listing.folders {
      try visit("\(folder)/\(name)", prefix: "\(prefix)\(name)/")
    }
  }
}
