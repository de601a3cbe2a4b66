import ConvNetFiles
import ConvNetTestSupport
import Testing

@Suite("Files read into memory that is kept")
struct FileBufferTests {
  private static func contents(_ buffer: FileBuffer) -> [UInt8] {
    buffer.withBytes { $0.array(0..<$0.byteCount) }
  }

  @Test("Files of any length, one after another")
  func reading() throws {
    let directory = try TemporaryDirectory()
    var buffer = FileBuffer()
    #expect(Self.contents(buffer) == [])
    for count in [5, 100_000, 0, 3, 4096] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try buffer.read(directory.write(bytes, to: "file"))
      #expect(Self.contents(buffer) == bytes)
    }
    #expect(throws: FileError.self) { try buffer.read(directory.file("missing")) }
    #expect(Self.contents(buffer) == [])
    #expect(throws: FileError.self) { try buffer.read(directory.path) }
  }

  #if os(Linux)
    @Test("A file that says it is empty and is not")
    func withoutSize() throws {
      var buffer = FileBuffer()
      try buffer.read("/proc/self/status")
      #expect(Self.contents(buffer).count > 100)
    }
  #endif
}
