import ConvNetFiles
import ConvNetTensors
import Testing

@Suite("The memory of tensors") struct TensorMemoryTests {
  @Test("A tensor for which there is no memory is an error where its size is somebody else's")
  func error() {
    let bytes = 1 << 60
    let error = #expect(throws: AllocationError.self) {
      _ = try TensorStorage(byteCount: bytes, for: "a test")
    }
    #expect(error?.byteCount == bytes && error?.purpose == "a test")
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
