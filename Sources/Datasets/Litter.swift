/// What systems, archivers and viewers leave between people's files: never pictures or classes, though some look like them.
///
/// Hidden names begin with a dot, among them `.DS_Store`, `.ipynb_checkpoints` and `._1.jpg`, the second half of a file on a Mac.
enum Litter {
  /// Network storages', Windows', macOS's and Linux's names, in lower case: all but Linux ignore the case.
  private static let names: Set<String> = [
    "@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "lost.dir",
    "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "recycler",
    "system volume information", "found.000", "__macosx", "network trash folder",
    "temporary items", "icon\r", "lost+found", "__pycache__",
  ]

  /// Under which name a file or folder is counted; `nil` where it is none of these.
  ///
  /// - Parameter name: one component of a path.
  static func kind(of name: some StringProtocol) -> String? {
    if name.hasPrefix(".") { return "hidden" }
    return names.contains(name.lowercased()) ? String(name) : nil
  }

  /// The kind of the first component of a path below a folder, or within an archive, that is one of these.
  static func kind(inPath path: some StringProtocol) -> String? {
    // The folder itself may be written as a part of the path.
    path.split(separator: "/").lazy.filter { $0 != "." && $0 != ".." }.compactMap { kind(of: $0) }
      .first
  }

  /// That of a path that somebody has written down, who may well keep pictures below a hidden folder.
  static func kind(inListedPath path: String) -> String? {
    let parts = path.split(separator: "/")
    let hidden = parts.last.map { $0.hasPrefix("._") || $0 == ".DS_Store" } ?? false
    return hidden
      ? "hidden" : parts.lazy.filter { !$0.hasPrefix(".") }.compactMap { kind(of: $0) }.first
  }
}
