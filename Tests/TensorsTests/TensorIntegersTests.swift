import ConvNetTensors
import Testing

@Suite("Whole numbers of any type") struct TensorIntegersTests {
  @Test(
    "come back where the type holds them, and by their lowest bits where it does not",
    arguments: [
      (ElementType.int64, [-5, 7, 300]), (.int32, [-5, 7, 300]), (.int16, [-5, 7, 300]),
      (.int8, [-5, 7, 44]), (.uint64, [.max, 7, 300]), (.uint32, [4_294_967_291, 7, 300]),
      (.uint16, [65_531, 7, 300]), (.uint8, [251, 7, 44]), (.bool, [1, 1, 1]),
    ])
  func integers(type: ElementType, expected: [Int]) {
    let tensor = Tensor(integers: [-5, 7, 300], shape: [3], as: type)
    #expect(tensor.elementType == type && tensor.shape == [3] && tensor.integers == expected)
    #expect(Tensor(integers: [0], shape: [1], as: type).integers == [0])
  }

  @Test(
    "of types with a fraction are values, and are no whole numbers to others",
    arguments: [ElementType.float64, .float32, .float16, .bfloat16])
  func fractions(type: ElementType) {
    let tensor = Tensor(integers: [-5, 7, 256], shape: [3], as: type)
    #expect(tensor.elementType == type && tensor.integers == nil)
    #expect(tensor.converted(to: .float32).elements == [-5, 7, 256])
  }

  @Test("bits are read as another type has them")
  func bits() {
    let tensor = Tensor(integers: [0x3C00, 0xC000], shape: [2], as: .uint16).withBits(of: .float16)
    #expect(tensor.converted(to: .float32).elements == [1, -2])
  }
}
