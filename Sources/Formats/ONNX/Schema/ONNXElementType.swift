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

  /// The same type of ours; `nil` where there is none.
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
    default: nil
    }
  }

  /// Whether its values are numbers with a fraction.
  package var isFloatingPoint: Bool { elementType?.isFloatingPoint ?? false }

  /// Whether its values are whole numbers.
  package var isInteger: Bool {
    switch self {
    case .uint8, .int8, .uint16, .int16, .int32, .int64, .uint32, .uint64: true
    default: false
    }
  }
}

extension ONNXElementType: CustomStringConvertible {
  package var description: String { elementType.map(\.rawValue) ?? "type \(rawValue) of ONNX" }
}
