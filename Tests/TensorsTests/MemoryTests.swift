import ConvNetTensors
import Testing

@Suite("Memory") struct MemoryTests {
  @Test("Memory that cannot be had is an error with the bytes that were wanted, and for what")
  func error() {
    let bytes = 1 << 60
    #expect(!Memory.has(bytes) && Memory.has(0) && Memory.has(1 << 20))
    let required = #expect(throws: AllocationError.self) {
      try Memory.require(bytes, for: "a test")
    }
    let stored = #expect(throws: AllocationError.self) {
      _ = try TensorStorage(byteCount: bytes, for: "a test")
    }
    #expect(required == stored && required?.byteCount == bytes)
    #expect(required?.description.hasPrefix("\(bytes) bytes of memory for a test cannot") == true)
    #expect(throws: AllocationError.self) {
      _ = try Tensor(uninitialized: [1 << 29, 1 << 29], elementType: .float32, for: "x")
    }
  }

  @Test("A tensor for which there is no memory ends the process with the bytes")
  func trap() async throws {
    let result = try await #require(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      _ = Tensor(zeros: [1 << 29, 1 << 29])
    }
    let text = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(text.contains("\(1 << 60) bytes of memory"))
  }
}
