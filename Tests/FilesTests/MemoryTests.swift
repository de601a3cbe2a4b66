import ConvNetFiles
import Testing

@Suite("Memory") struct MemoryTests {
  @Test("Memory that cannot be had is an error with the bytes that were wanted, and for what")
  func error() {
    let bytes = 1 << 60
    #expect(!Memory.has(bytes) && Memory.has(0) && Memory.has(1 << 20))
    let error = #expect(throws: AllocationError.self) {
      try Memory.require(bytes, for: "a test")
    }
    #expect(error?.byteCount == bytes)
    #expect(error?.description.hasPrefix("\(bytes) bytes of memory for a test cannot") == true)
  }
}
