import ConvNetFiles

/// Tar archives made by hand for the tests: the format of POSIX.1-1988 (ustar).
enum TarSamples {
  struct File {
    var name: String
    var contents: [UInt8]
    /// "0" is a regular file, "5" a folder, "1" and "2" are links.
    var kind: Character = "0"
    /// The size in the header, where it is another than the contents'.
    var claimedSize: Int?
  }

  static func archive(_ files: [File]) -> [UInt8] {
    files.flatMap(member) + [UInt8](repeating: 0, count: 1024)
  }

  static func archive(_ files: [(String, [UInt8])]) -> [UInt8] {
    archive(files.map { File(name: $0.0, contents: $0.1) })
  }

  private static func member(_ file: File) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at offset: Int) {
      header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
    }
    let name = FileSystem.bytes(of: file.name)
    header.replaceSubrange(0..<name.count, with: name)
    put("0000644", at: 100)
    put("0000000", at: 108)
    put("0000000", at: 116)
    put(octal(file.claimedSize ?? file.contents.count, digits: 11), at: 124)
    put("00000000000", at: 136)
    put("        ", at: 148)
    put(String(file.kind), at: 156)
    if file.kind == "1" || file.kind == "2" { put("target.png", at: 157) }
    put("ustar", at: 257)
    put("00", at: 263)
    put(octal(header.reduce(0) { $0 + Int($1) }, digits: 6) + "\0 ", at: 148)
    let padding = (512 - file.contents.count % 512) % 512
    return header + file.contents + [UInt8](repeating: 0, count: padding)
  }

  private static func octal(_ value: Int, digits: Int) -> String {
    let text = String(value, radix: 8)
    return String(repeating: "0", count: digits - text.count) + text
  }
}
