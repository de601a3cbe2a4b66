package import ConvNetTensors

/// The type of a tensor's elements, by the format's numbers.
package enum ONNXElementType: Int, Hashable, Sendable {
  case float32 = 1
  case uint8, int8, uint16, int16, int32, int64
  case string
  case bool
  case float16, float64
  case uint32, uint64
  case complex64, complex128
  case bfloat16
  case float8E4M3FN, float8E4M3FNUZ, float8E5M2, float8E5M2FNUZ
  case uint4, int4
  case float4E2M1, float8E8M0
  case uint2, int2

  package init(_ type: ElementType) {
    self =
      switch type {
      case .float64: .float64
      case .float32: .float32
      case .float16: .float16
      case .bfloat16: .bfloat16
      case .int64: .int64
      case .int32: .int32
      case .int16: .int16
      case .int8: .int8
      case .uint64: .uint64
      case .uint32: .uint32
      case .uint16: .uint16
      case .uint8: .uint8
      case .bool: .bool
      }
  }

  /// The type of ours in which its values are kept: the same, or the next that has them all. `nil` for what is no real number.
  package var elementType: ElementType? {
    switch self {
    case .float32: .float32
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .int32: .int32
    case .int64: .int64
    case .bool: .bool
    case .float16: .float16
    case .float64: .float64
    case .uint32: .uint32
    case .uint64: .uint64
    case .bfloat16: .bfloat16
    case .int4, .int2: .int8
    case .uint4, .uint2: .uint8
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0, .float4E2M1:
      .float32
    case .string, .complex64, .complex128: nil
    }
  }

  /// Whether its values are numbers with a fraction.
  package var isFloatingPoint: Bool { elementType?.isFloatingPoint ?? false }

  /// Whether its values are whole numbers.
  package var isInteger: Bool {
    switch self {
    case .uint8, .int8, .uint16, .int16, .int32, .int64, .uint32, .uint64, .int4, .uint4, .int2,
      .uint2:
      true
    default: false
    }
  }

  /// Of whole numbers of few bits, the smallest and the largest.
  var shortRange: ClosedRange<Float>? {
    switch self {
    case .uint8: 0...255
    case .int8: -128...127
    case .uint16: 0...65535
    case .int16: -32768...32767
    case .uint4: 0...15
    case .int4: -8...7
    case .uint2: 0...3
    case .int2: -2...1
    default: nil
    }
  }

  /// A whole number as so few bits have it: the lowest are kept.
  func lowestBits(of number: Int) -> Int {
    guard let range = shortRange else { return number }
    let (least, count) = (Int(range.lowerBound), Int(range.upperBound - range.lowerBound) + 1)
    // The count is a power of two.
    return (number &- least) & (count - 1) + least
  }

  /// Of numbers of a byte and less that NumPy does not have, how many bits each has in a file.
  var packedBits: Int? {
    switch self {
    case .int4, .uint4, .float4E2M1: 4
    case .int2, .uint2: 2
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0: 8
    default: nil
    }
  }
}

extension ONNXElementType: CustomStringConvertible {
  /// As `elementType` is called, and what NumPy has no type for as the package `ml_dtypes` calls it.
  package var description: String {
    switch self {
    case .string: "text"
    case .complex64: "complex64"
    case .complex128: "complex128"
    case .float8E4M3FN: "float8_e4m3fn"
    case .float8E4M3FNUZ: "float8_e4m3fnuz"
    case .float8E5M2: "float8_e5m2"
    case .float8E5M2FNUZ: "float8_e5m2fnuz"
    case .float8E8M0: "float8_e8m0fnu"
    case .float4E2M1: "float4_e2m1fn"
    case .int4: "int4"
    case .uint4: "uint4"
    case .int2: "int2"
    case .uint2: "uint2"
    default: elementType.map(\.rawValue) ?? "type \(rawValue) of ONNX"
    }
  }
}
