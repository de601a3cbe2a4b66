package import Foundation

/// What is asked of the operating system by a path. Every path of the process goes through here.
///
/// A name in a file system is bytes, most often but not always of UTF-8, which is all that a `String` holds. Bytes that are none
/// stand in a path as characters of a private plane, from U+10FE80 to U+10FEFF, and become themselves again on the way to the
/// system. A name that has such characters of its own is taken byte by byte, so that no two names become the same path.
package enum FileSystem {
  // MARK: Paths

  private static let escapes: ClosedRange<UInt32> = 0x10FE80...0x10FEFF
  private static let escapeBase: UInt32 = 0x10FE00
  /// With which such a character begins in UTF-8, and hardly another.
  private static let escapeStart: UInt8 = 0xF4

  /// The path that some bytes are.
  package static func path(_ bytes: some Sequence<UInt8>) -> String {
    let bytes = Array(bytes)
    if !bytes.contains(escapeStart), let path = String(validating: bytes, as: UTF8.self) {
      return path
    }
    var path = String.UnicodeScalarView()
    var parser = UTF8.ForwardParser()
    var source = bytes.makeIterator()
    var start = 0
    func escape(_ length: Int) {
      for byte in bytes[start..<start + length] {
        // A byte below 0x80 is always a character.
        if let scalar = Unicode.Scalar(escapeBase + UInt32(byte)) { path.append(scalar) }
      }
    }
    while true {
      let length: Int
      switch parser.parseScalar(from: &source) {
      case .emptyInput: return String(path)
      case .error(let count):
        length = count
        escape(length)
      case .valid(let encoded):
        length = encoded.count
        let scalar = UTF8.decode(encoded)
        if escapes.contains(scalar.value) { escape(length) } else { path.append(scalar) }
      }
      start += length
    }
  }

  /// The path that a zero ends.
  package static func path(_ bytes: UnsafePointer<CChar>) -> String {
    path(UnsafeRawBufferPointer(start: bytes, count: strlen(bytes)))
  }

  /// The bytes of a path.
  package static func bytes(of path: String) -> [UInt8] {
    guard path.utf8.contains(escapeStart) else { return Array(path.utf8) }
    return path.unicodeScalars.flatMap { scalar in
      escapes.contains(scalar.value)
        ? [UInt8(truncatingIfNeeded: scalar.value)] : Array(String(scalar).utf8)
    }
  }

  /// Lends a path as the system takes it.
  package static func withPath<Result>(
    _ path: String, _ body: (UnsafePointer<CChar>) -> Result
  ) -> Result {
    guard path.utf8.contains(escapeStart) else { return path.withCString(body) }
    let bytes = bytes(of: path).map(CChar.init(bitPattern:)) + [0]
    // An array's memory is one piece.
    return bytes.withUnsafeBufferPointer { $0.baseAddress.map(body) } ?? path.withCString(body)
  }

  /// Text with the bytes that are no characters as `\xE9`.
  ///
  /// - Parameter backslash: how a backslash is written where the text will stand.
  package static func readable(_ text: String, backslash: String = "\\") -> String {
    guard text.utf8.contains(escapeStart) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      if escapes.contains(scalar.value) {
        result += backslash + "x" + String(scalar.value - escapeBase, radix: 16, uppercase: true)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The same on one line: characters that would end it or steer a terminal are written as `\x0A` too.
  package static func line(_ text: String) -> String {
    var result = ""
    for scalar in readable(text).unicodeScalars {
      if scalar.properties.generalCategory == .control || scalar == "\u{2028}"
        || scalar == "\u{2029}"
      {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result +=
          scalar.value < 0x100 ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  // MARK: Calls, which leave their error in `errno`

  package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0) -> Int32 {
    withPath(path) { Foundation.open($0, flags, mode) }
  }

  /// `nil` where there is nothing, or nothing that can be examined. Links are followed.
  package static func status(of path: String) -> stat? {
    var status = stat()
    return withPath(path) { stat($0, &status) } == 0 ? status : nil
  }

  package static func exists(_ path: String) -> Bool { status(of: path) != nil }

  package static func isFolder(_ path: String) -> Bool {
    status(of: path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
  }

  package static func isFile(_ path: String) -> Bool {
    status(of: path).map { $0.st_mode & S_IFMT == S_IFREG } ?? false
  }

  /// Something in a folder.
  package struct Entry {
    package var name: String
    /// `nil` where the folder does not tell, or it is a link: then what it is must be asked for.
    package var isFolder: Bool?
  }

  /// Calls `body` for all that lies in a folder, but for itself and the one above, in any order.
  ///
  /// - Throws: ``FileError`` where the folder cannot be listed.
  package static func list(_ folder: String, _ body: (Entry) -> Void) throws(FileError) {
    guard let directory = withPath(folder, opendir) else { throw .last(.list, folder) }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        path(bytes.prefix { $0 != 0 })
      }
      guard name != ".", name != ".." else { continue }
      // The kind that the listing itself tells spares a call for each of a million files.
      switch Int(entry.pointee.d_type) {
      case Int(DT_DIR): body(Entry(name: name, isFolder: true))
      case Int(DT_REG): body(Entry(name: name, isFolder: false))
      default: body(Entry(name: name, isFolder: nil))
      }
    }
  }

  /// Creates a folder, and those above it that are missing.
  ///
  /// - Throws: ``FileError``.
  /// - Returns: those that were not there before, the outermost first.
  @discardableResult
  package static func createFolder(_ path: String) throws(FileError) -> [String] {
    if isFolder(path) { return [] }
    var made: [String] = []
    let components = path.split(separator: "/", omittingEmptySubsequences: true)
    var current = path.hasPrefix("/") ? "/" : ""
    for component in components {
      current += component
      if withPath(current, { mkdir($0, 0o777) }) == 0 {
        made.append(current)
      } else {
        // Looking whether it is there overwrites why it could not be made.
        let error = FileError.last(.createDirectory, path)
        guard error.problem == .system(code: EEXIST) || isFolder(current) else { throw error }
      }
      current += "/"
    }
    guard isFolder(path) else {
      throw FileError(path: path, operation: .createDirectory, problem: .system(code: ENOTDIR))
    }
    return made
  }

  /// Removes folders that are empty, the last first.
  package static func removeEmptyFolders(_ paths: [String]) {
    for path in paths.reversed() where withPath(path, { rmdir($0) }) != 0 { return }
  }

  package static func isWritable(_ path: String) -> Bool {
    withPath(path) { access($0, W_OK) } == 0
  }

  @discardableResult
  package static func remove(_ path: String) -> Bool { withPath(path, unlink) == 0 }

  package static func rename(_ path: String, to other: String) -> Bool {
    withPath(path) { path in withPath(other) { Foundation.rename(path, $0) } } == 0
  }

  /// Gives a file a second name; not where the file system has none, or there is something of that name.
  package static func link(_ path: String, as other: String) -> Bool {
    withPath(path) { path in withPath(other) { Foundation.link(path, $0) } } == 0
  }

  /// The path without links; `nil` where there is nothing.
  package static func resolvingLinks(_ path: String) -> String? {
    guard let resolved = withPath(path, { realpath($0, nil) }) else { return nil }
    defer { free(resolved) }
    return self.path(resolved)
  }
}
