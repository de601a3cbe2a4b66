import ConvNetFiles
import Foundation

/// A path with `*`, `?` and `[a-z]` in the names of files and folders, as shells have them, and `**` for any number of folders.
/// Names that begin with a dot match only what begins with one.
struct PathPattern {
  private let start: String
  private let components: [String]

  static func isPattern(_ text: String) -> Bool { text.contains { "*?[".contains($0) } }

  init(_ text: String) {
    start = text.hasPrefix("/") ? "/" : ""
    components = text.split(separator: "/").map(String.init)
  }

  /// Paths that exist, in natural order.
  func matches() -> [String] {
    var found: [String] = []
    var seen: Set<String> = []
    visit(start, components[...]) { if seen.insert($0).inserted { found.append($0) } }
    return found
  }

  private func visit(
    _ folder: String, _ rest: ArraySlice<String>, _ take: (String) -> Void
  ) {
    guard let first = rest.first else {
      if !folder.isEmpty { take(String(folder.dropLast(folder == "/" ? 0 : 1))) }
      return
    }
    let isLast = rest.count == 1
    guard Self.isPattern(first) else {
      let path = folder + first
      if isLast, FileSystem.exists(path) { take(path) }
      if !isLast, FileSystem.isFolder(path) { visit(path + "/", rest.dropFirst(), take) }
      return
    }
    // A folder that cannot be listed has no names that match.
    guard let listing = try? FolderListing(folder.isEmpty ? "." : folder, withHidden: true) else {
      return
    }
    if first == "**" {
      if !isLast { visit(folder, rest.dropFirst(), take) }
      if isLast { for file in listing.files where !file.hasPrefix(".") { take(folder + file) } }
      for name in listing.folders where !name.hasPrefix(".") {
        // A link may lead back up.
        guard !Self.isLink(folder + name) else { continue }
        visit("\(folder)\(name)/", rest, take)
      }
      return
    }
    let names = (listing.folders + (isLast ? listing.files : [])).filter { name in
      FileSystem.withPath(first) { pattern in
        FileSystem.withPath(name) { fnmatch(pattern, $0, FNM_PERIOD) == 0 }
      }
    }
    for name in names.sorted(by: precedesNaturally) {
      if isLast { take(folder + name) } else { visit("\(folder)\(name)/", rest.dropFirst(), take) }
    }
  }

  private static func isLink(_ path: String) -> Bool {
    var status = stat()
    return FileSystem.withPath(path) { lstat($0, &status) } == 0
      && status.st_mode & S_IFMT == S_IFLNK
  }
}
