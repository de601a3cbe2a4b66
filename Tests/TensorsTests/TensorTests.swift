import ConvNetFiles
import ConvNetTensors
import Testing

@Suite("Tensor")
struct TensorTests {
  private func address(_ tensor: Tensor) -> UnsafeRawPointer? {
    tensor.withUnsafeBytes { $0.baseAddress }
  }

  @Test("Writing a copy leaves the original alone, and copies only then")
  func copyOnWrite() {
    let original = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    var copy = original
    #expect(address(copy) == address(original))
    copy[1, 0] = 9
    #expect(address(copy) != address(original))
    #expect(original.elements == [1, 2, 3, 4])
    #expect(copy.elements == [1, 2, 9, 4])

    let unique = address(copy)
    copy[0, 0] = 8
    #expect(address(copy) == unique)
  }

  @Test("A reshaped tensor shares the elements until it is written")
  func reshaping() {
    let original = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    var view = original.reshaped(to: [3, 2])
    #expect(address(view) == address(original))
    #expect(view[2, 1] == 6)
    view[0, 0] = -1
    #expect(original[0, 0] == 1)
  }

  @Test("Memory is aligned to 64 bytes", arguments: [1, 3, 17, 1000])
  func alignment(count: Int) {
    let tensor = Tensor(zeros: [count])
    #expect(UInt(bitPattern: address(tensor)) % 64 == 0)
    #expect(tensor.elements.allSatisfy { $0 == 0 })
  }

  @Test("Equality compares shape, type and bytes")
  func equality() {
    let floats = Tensor([0, 1] as [Float])
    #expect(floats == Tensor([0, 1] as [Float], shape: [2]))
    #expect(floats != Tensor([0, 1] as [Float], shape: [1, 2]))
    #expect(floats != Tensor([0, 1] as [Int32]))
    #expect(floats != Tensor([-0.0, 1] as [Float]))
  }
}
