import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Conversion of elements") struct ConversionTests {
  private static func tensor(_ bits: [UInt16], _ type: ElementType) -> Tensor {
    var tensor = Tensor(zeros: [bits.count], elementType: type)
    tensor.withUnsafeMutableBytes { target in bits.withUnsafeBytes { target.copyMemory(from: $0) } }
    return tensor
  }

  private static func bits(_ tensor: Tensor) -> [UInt16] {
    tensor.withUnsafeBytes { Array($0.bindMemory(to: UInt16.self)) }
  }

  private static let all = (0...UInt16.max).map { $0 }

  @Test("all 65,536 float16 become what Swift's Float16 says, and themselves again")
  func float16() {
    let halves = Self.tensor(Self.all, .float16)
    let single = halves.converted(to: .float32)
    let double = halves.converted(to: .float64).elements(of: Double.self)
    for (bits, value) in zip(Self.all, single.elements) {
      let expected = Float(Float16(bitPattern: bits))
      if expected.isNaN {
        // The payload is kept, the number made quiet.
        #expect(value.bitPattern == expected.bitPattern | 0x0040_0000)
      } else {
        #expect(value.bitPattern == expected.bitPattern)
      }
      let wide = double[Int(bits)]
      #expect(wide.isNaN ? value.isNaN : wide == Double(value))
    }
    for (bits, back) in zip(Self.all, Self.bits(single.converted(to: .float16))) {
      #expect(back == (Float16(bitPattern: bits).isNaN ? bits | 0x0200 : bits))
    }
  }

  @Test("all 65,536 bfloat16 are the upper halves of float32")
  func bfloat16() {
    let single = Self.tensor(Self.all, .bfloat16).converted(to: .float32)
    for (bits, value) in zip(Self.all, single.elements) {
      let expected = UInt32(bits) << 16
      #expect(value.bitPattern == (value.isNaN ? expected | 0x0040_0000 : expected))
    }
    for (bits, back) in zip(Self.all, Self.bits(single.converted(to: .bfloat16))) {
      let isNotANumber = Float(bitPattern: UInt32(bits) << 16).isNaN
      #expect(back == (isNotANumber ? bits | 0x0040 : bits))
    }
  }

  /// Numbers at and beside every one of a two-byte type and every middle between two of them.
  private static func neighbours(_ value: (UInt16) -> Float) -> [Float] {
    var numbers: [Float] = []
    for bits in 0..<UInt16(0x7FFF) {
      let (low, high) = (value(bits), value(bits + 1))
      guard high.isFinite else { continue }
      let middle = low / 2 + high / 2
      for number in [low, low.nextUp, middle.nextDown, middle, middle.nextUp] {
        numbers += [number, -number]
      }
    }
    numbers += [.infinity, -.infinity, .greatestFiniteMagnitude, 65519.996, 65520, .pi * 1e-30]
    return numbers
  }

  @Test("float32 is rounded to the nearest float16, ties to even")
  func roundsToFloat16() {
    let numbers = Self.neighbours { Float(Float16(bitPattern: $0)) }
    let expected = numbers.map { Float16($0).bitPattern }
    #expect(Self.bits(Tensor(numbers).converted(to: .float16)) == expected)
    #expect(
      Self.bits(Tensor(numbers.map(Double.init)).converted(to: .float16)) == expected)
  }

  /// The nearest bfloat16, ties to even, by comparing distances. Not for NaN.
  private static func nearestBFloat16(_ value: Double) -> UInt16 {
    let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
    let magnitude = value.magnitude
    var low = UInt16(truncatingIfNeeded: Float(magnitude).bitPattern >> 16)
    func number(_ bits: UInt16) -> Double {
      // Beyond the largest number the steps would go on.
      bits < 0x7F80 ? Double(Float(bitPattern: UInt32(bits) << 16)) : 0x1p128
    }
    if magnitude.isInfinite { return sign | 0x7F80 }
    low = min(low, 0x7F7F)
    while low > 0, number(low) > magnitude { low -= 1 }
    let (below, above) = (magnitude - number(low), number(low + 1) - magnitude)
    return sign | (below < above || (below == above && low.isMultiple(of: 2)) ? low : low + 1)
  }

  @Test("float32 is rounded to the nearest bfloat16, ties to even")
  func roundsToBFloat16() {
    let numbers = Self.neighbours { Float(bitPattern: UInt32($0) << 16) }
    #expect(
      Self.bits(Tensor(numbers).converted(to: .bfloat16))
        == numbers.map { Self.nearestBFloat16(Double($0)) })
  }

  @Test("float64 is rounded once, not by way of float32")
  func roundsDoubleOnce() {
    var numbers: [Double] = []
    for bits in stride(from: UInt16(1), to: 0x7BFF, by: 7) {
      let (low, high) = (Double(Float16(bitPattern: bits)), Double(Float16(bitPattern: bits + 1)))
      let middle = (low + high) / 2
      // A middle but for so little that a float32 does not see it.
      numbers += [middle * (1 + 0x1p-40), middle * (1 - 0x1p-40), -middle * (1 + 0x1p-52)]
    }
    #expect(
      Self.bits(Tensor(numbers).converted(to: .float16)) == numbers.map { Float16($0).bitPattern })
    let wide = numbers.map { $0 * 0x1p20 } + [0x1p-140, 0x1p-133 * 1.5, 1e300, -1e300, 1e-300]
    #expect(
      Self.bits(Tensor(wide).converted(to: .bfloat16)) == wide.map(Self.nearestBFloat16))
    #expect(Tensor(numbers).converted(to: .float32).elements == numbers.map { Float($0) })
  }

  @Test("integers of every width and truth values become numbers")
  func integers() {
    func check<Scalar: TensorScalar & FixedWidthInteger>(_ type: Scalar.Type) {
      let values: [Scalar] = [.min, .max, 0, 1, 100, .max / 3, .min / 3]
      let tensor = Tensor(values)
      #expect(tensor.converted(to: .float32).elements == values.map { Float($0) })
      #expect(tensor.converted(to: .float64).elements(of: Double.self) == values.map { Double($0) })
      #expect(Self.bits(tensor.converted(to: .float16)) == values.map { Float16($0).bitPattern })
      #expect(
        Self.bits(tensor.converted(to: .bfloat16))
          == values.map { Self.nearestBFloat16(Double($0)) })
    }
    check(Int64.self)
    check(Int32.self)
    check(Int16.self)
    check(Int8.self)
    check(UInt64.self)
    check(UInt32.self)
    check(UInt16.self)
    check(UInt8.self)
    var bool = Tensor(zeros: [3], elementType: .bool)
    bool.withUnsafeMutableBytes { $0.copyBytes(from: [0, 1, 255]) }
    for type in ElementType.allCases where type.isFloatingPoint {
      #expect(bool.converted(to: type).converted(to: .float32).elements == [0, 1, 1])
    }
  }

  @Test("a NaN stays one, whatever its payload")
  func notANumber() {
    let numbers = [0x7F80_0001, 0xFF80_0001, 0x7FFF_FFFF, 0x7FC0_0000].map {
      Float(bitPattern: UInt32($0))
    }
    for type in [ElementType.float16, .bfloat16, .float64] {
      let back = Tensor(numbers).converted(to: type).converted(to: .float32).elements
      #expect(back.allSatisfy { $0.isNaN })
      #expect(back.map(\.sign) == numbers.map(\.sign))
    }
    #expect(Tensor([Double.nan]).converted(to: .float16).converted(to: .float32).elements[0].isNaN)
  }

  @Test("elements at an odd address are read as well")
  func unaligned() {
    let values: [Float] = (0..<37).map { Float($0) * 0.3 }
    let bytes = [0] + values.withUnsafeBytes { Array($0) }
    let span = bytes.span.bytes
    for type in ElementType.allCases where type.isFloatingPoint {
      let tensor = Tensor(
        copying: span.extracting(1..<bytes.count), of: .float32, shape: [37], as: type)
      #expect(tensor == Tensor(values).converted(to: type))
    }
  }
}
