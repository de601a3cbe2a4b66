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

  /// - Parameter withHidden: whether nothing is left out.
  /// - Throws: ``FileError`` where the folder cannot be listed.
  init(_ folder: String, withHidden: Bool = false) throws(FileError) {
    var names: (folders: [String], files: [String]) = ([], [])
    var litter: [String: Int] = [:]
    try FileSystem.list(folder) { entry in
      let name = entry.name
      if !withHidden, let kind = Litter.kind(of: name) {
        litter[kind, default: 0] += 1
      } else if entry.isFolder ?? FileSystem.isFolder("\(folder)/\(name)") {
        names.folders.append(name)
      } else {
        names.files.append(name)
      }
    }
    (folders, files, self.litter) = (names.folders, names.files, litter)
    folders.sort(by: precedesNaturally)
    files.sort(by: precedesNaturally)
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
  /// Folders that cannot be listed, where they do not end the walk.
  private(set) var failures: [FileError] = []

  /// Goes on where a folder cannot be listed.
  init(anywhereIn folder: String) {
    seen = []
    visit(folder, prefix: "")
  }

  /// - Parameter root: a folder further up.
  /// - Throws: ``FileError`` where a folder cannot be listed.
  init(_ folder: String, below root: String) throws(FileError) {
    seen = [try Self.identity(of: root)]
    visit(folder, prefix: "")
    if let failure = failures.first { throw failure }
  }

  private static func identity(of folder: String) throws(FileError) -> Identity {
    guard let status = FileSystem.status(of: folder) else { throw .last(.examine, folder) }
    return Identity(
      device: UInt64(truncatingIfNeeded: status.st_dev),
      number: UInt64(truncatingIfNeeded: status.st_ino))
  }

  private mutating func visit(_ folder: String, prefix: String) {
    do throws(FileError) {
      guard try seen.insert(Self.identity(of: folder)).inserted else { return }
      let listing = try FolderListing(folder)
      files += listing.files.map { prefix + $0 }
      litter.merge(listing.litter, uniquingKeysWith: +)
      for name in listing.folders {
        visit("\(folder)/\(name)", prefix: "\(prefix)\(name)/")
      }
    } catch {
      failures.append(error)
    }
  }
}
