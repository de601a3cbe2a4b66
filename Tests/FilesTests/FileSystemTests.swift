import ConvNetFiles
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Paths are bytes")
struct FileSystemTests {
  /// Names and how people see them.
  static let names: [([UInt8], String)] = [
    (Array("plain.png".utf8), "plain.png"),
    (Array("schön 猫 🐈.png".utf8), "schön 猫 🐈.png"),
    ([0x63, 0x61, 0x66, 0xE9, 0x2E, 0x70], #"caf\xE9.p"#),
    // A character that is cut off, a byte that begins none, one that is written too long, half of a pair of UTF-16.
    ([0x61, 0xE2, 0x82], #"a\xE2\x82"#), ([0xFF, 0xFE], #"\xFF\xFE"#),
    ([0xC0, 0xAF, 0x62], #"\xC0\xAFb"#), ([0xED, 0xA0, 0x80], #"\xED\xA0\x80"#),
    // The character that stands for a byte, in a name of its own.
    (Array("\u{10FEE9}".utf8), #"\xF4\x8F\xBB\xA9"#), (Array("\u{10FF00}".utf8), "\u{10FF00}"),
  ]

  @Test("Any bytes are a path and become themselves again", arguments: names)
  func roundTrip(bytes: [UInt8], shown: String) {
    let path = FileSystem.path(bytes)
    #expect(FileSystem.bytes(of: path) == bytes)
    #expect(FileSystem.readable(path) == shown)
    let copy = FileSystem.withPath(path) { start in
      (0..<bytes.count).map { UInt8(bitPattern: start[$0]) }
    }
    #expect(copy == bytes)
  }

  @Test("Different bytes are different paths")
  func distinct() {
    #expect(Set(Self.names.map { FileSystem.path($0.0) }).count == Self.names.count)
    let bytes = (0...255).map { [UInt8($0)] }
    #expect(Set(bytes.map { FileSystem.path($0) }).count == 256)
    #expect(bytes.allSatisfy { FileSystem.bytes(of: FileSystem.path($0)) == $0 })
  }

  @Test("On a line nothing ends it or steers a terminal")
  func line() {
    #expect(FileSystem.line("a\nb\u{1B}[2J\u{7F}\u{2028}ü") == #"a\x0Ab\x1B[2J\x7F\u{2028}ü"#)
    #expect(FileSystem.line(FileSystem.path([0x09, 0xE9])) == #"\x09\xE9"#)
  }

  #if os(Linux)
    @Test("Why a folder cannot be made is told, not that it is not there afterwards")
    func forbidden() throws {
      // Nobody makes folders there, not even root.
      let error = #expect(throws: FileError.self) {
        try FileSystem.createFolder("/sys/convnet-tests/deeper")
      }
      #expect(error?.operation == .createDirectory)
      #expect(error?.problem != .system(code: ENOENT))
    }

    @Test("Files of such names are written, listed, read, renamed and removed")
    func files() throws {
      let directory = try TemporaryDirectory()
      let folder = "\(directory.path)/" + FileSystem.path([0xE9])
      try FileSystem.createFolder("\(folder)/deep")
      for (bytes, _) in Self.names where !bytes.contains(UInt8(ascii: "/")) {
        try AtomicFile.write(bytes, to: "\(folder)/\(FileSystem.path(bytes))")
      }
      var names: Set<String> = []
      try FileSystem.list(folder) { names.insert($0.name) }
      #expect(names == Set(Self.names.map { FileSystem.path($0.0) } + ["deep"]))
      var buffer = FileBuffer()
      for (bytes, _) in Self.names {
        try buffer.read("\(folder)/\(FileSystem.path(bytes))")
        #expect(buffer.withBytes { $0.array(0..<$0.byteCount) } == bytes)
      }
      let path = "\(folder)/\(FileSystem.path([0xFF, 0xFE]))"
      #expect(try MappedFile(path: path).byteCount == 2)
      #expect(FileSystem.isFile(path) && !FileSystem.isFolder(path))
      #expect(FileSystem.rename(path, to: path + "2") && FileSystem.exists(path + "2"))
      #expect(FileSystem.remove(path + "2") && !FileSystem.exists(path + "2"))
      let error = #expect(throws: FileError.self) { try buffer.read(path) }
      #expect("\(try #require(error))".contains(#"\xE9/\xFF\xFE: No such file"#))
    }
  #endif
}

@Suite("Lines of text files")
struct TextLinesTests {
  private static func utf16(_ text: String, isBig: Bool) -> [UInt8] {
    ("\u{FEFF}" + text).utf16.flatMap { unit in
      let bytes = [UInt8(truncatingIfNeeded: unit >> 8), UInt8(truncatingIfNeeded: unit)]
      return isBig ? bytes : bytes.reversed()
    }
  }

  @Test(
    "Any line end, with or without a mark of byte order",
    arguments: [
      Array("süß\nb c\n\nd".utf8), Array("süß\r\nb c\r\n\r\nd\r\n".utf8),
      Array("süß\rb c\r\rd\r".utf8), Array("\u{FEFF}süß\nb c\n\nd\n".utf8),
      utf16("süß\nb c\n\nd", isBig: true), utf16("süß\r\nb c\r\n\r\nd\r\n", isBig: false),
    ])
  func lines(bytes: [UInt8]) {
    #expect(TextLines(bytes).texts == ["süß", "b c", "", "d"])
    #expect(TextLines(bytes, endingAlsoAtZero: true).paths == ["süß", "b c", "", "d"])
  }

  @Test("Where zeros end the lines, names may have line ends")
  func zeros() {
    let bytes = Array("a\nb\0c\0".utf8)
    #expect(TextLines(bytes, endingAlsoAtZero: true).paths == ["a\nb", "c", ""])
    #expect(TextLines([], endingAlsoAtZero: true).paths == [])
  }
}
