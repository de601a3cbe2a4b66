/// The lines of a text file as editors of any system write it: in UTF-8, or in UTF-16 where a mark of byte order says so; the
/// mark is left out. Lines end with LF, CRLF or CR, the last perhaps with none.
package struct TextLines {
  private let lines: [[UInt8]]

  /// - Parameter endingAlsoAtZero: whether a zero ends a line as well.
  package init(_ bytes: [UInt8], endingAlsoAtZero: Bool = false) {
    let text = Self.utf8(bytes)
    // Where there are zeros, names may have line ends of their own.
    if endingAlsoAtZero, text.contains(0) {
      lines = text.split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
      return
    }
    var lines: [[UInt8]] = []
    var line: [UInt8] = []
    var previous: UInt8 = 0
    for byte in text {
      if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
        if byte == UInt8(ascii: "\r") || previous != UInt8(ascii: "\r") {
          lines.append(line)
          line = []
        }
      } else {
        line.append(byte)
      }
      previous = byte
    }
    if !line.isEmpty { lines.append(line) }
    self.lines = lines
  }

  /// Whether bytes can be lines of text, or names that a zero ends each: no character that steers a device, and no empty name.
  package static func areLikely(_ bytes: [UInt8]) -> Bool {
    let text = utf8(bytes)
    var previous: UInt8?
    for byte in text {
      if 1..<0x09 ~= byte || 0x0E..<0x1B ~= byte { return false }
      if byte == 0, previous == 0 { return false }
      previous = byte
    }
    return true
  }

  /// - Throws: ``FileError``.
  package init(contentsOf path: String) throws(FileError) {
    var file = FileBuffer()
    try file.read(path)
    self.init(file.withBytes { bytes in bytes.withUnsafeBytes { Array($0) } })
  }

  private static func utf8(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return bytes[3...] }
    return bytes.withUnsafeBytes { decodingUTF16($0.bytes) }.map { $0[...] } ?? bytes[...]
  }

  /// The UTF-8 of text in UTF-16; `nil` where no mark of byte order says that it is that.
  package static func decodingUTF16(_ bytes: RawSpan) -> [UInt8]? {
    guard let mark = bytes.integer(at: 0, bigEndian: true, as: UInt16.self),
      mark == 0xFEFF || mark == 0xFFFE
    else { return nil }
    let units = stride(from: 2, to: bytes.byteCount - 1, by: 2).compactMap {
      bytes.integer(at: $0, bigEndian: mark == 0xFEFF, as: UInt16.self)
    }
    return Array(String(decoding: units, as: UTF16.self).utf8)
  }

  /// What is not UTF-8 is replaced.
  package var texts: [String] { lines.map { String(decoding: $0, as: UTF8.self) } }

  /// Paths as ``FileSystem`` takes them.
  package var paths: [String] { lines.map { FileSystem.path($0) } }
}
