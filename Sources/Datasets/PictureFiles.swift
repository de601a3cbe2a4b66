import ConvNetFiles

/// Picture files below one folder, each with its class.
struct PictureFiles: Sendable {
  let folder: String
  /// Paths below the folder, or absolute ones.
  let entries: [(path: String, label: Int)]

  func path(at index: Int) -> String {
    let path = entries[index].path
    return path.hasPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)"
  }

  func read(at index: Int, into bytes: inout [UInt8]) throws(FileError) -> String {
    let path = path(at: index)
    try readFile(path, into: &bytes)
    return path
  }

  func readBeginning(
    at index: Int, byteCount: Int, into bytes: inout [UInt8]
  ) throws(FileError) {
    try readFile(path(at: index), 0..<byteCount, into: &bytes)
  }
}

/// How the names of picture files end. What a picture is, its contents decide.
enum PictureNames {
  static let endings = [
    "png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "ppm", "pgm", "pbm", "pnm",
  ]

  /// - Parameter ending: without the dot.
  static func isPicture(ending: some StringProtocol) -> Bool {
    endings.contains(ending.lowercased())
  }

  static func isPicture(_ name: String) -> Bool {
    ending(of: name).map { isPicture(ending: $0) } ?? false
  }

  /// For messages: `.png, .jpg`.
  static var list: String { "." + endings.joined(separator: ", .") }

  /// For messages, of a file that is no picture: its ending.
  static func kind(of name: String) -> String {
    ending(of: name).map { ".\($0.lowercased())" } ?? "no ending"
  }

  /// What stands after the last dot.
  static func ending(of name: String) -> Substring? {
    name.lastIndex(of: ".").map { name[name.index(after: $0)...] }
  }
}
