/// The type of a tensor's elements.
public enum ElementType: String, Hashable, Sendable, Codable, CaseIterable {
  case float64, float32, float16, bfloat16
  case int64, int32, int16, int8
  case uint64, uint32, uint16, uint8
  case bool

  /// Bytes of one element.
  public var byteCount: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// Bytes of one element of the widest type.
  package static let widestByteCount = 8
}

/// A Swift type whose values a ``Tensor`` can hold.
public protocol TensorScalar: BitwiseCopyable, Sendable {
  static var elementType: ElementType { get }
}

extension Double: TensorScalar { public static var elementType: ElementType { .float64 } }
extension Float: TensorScalar { public static var elementType: ElementType { .float32 } }
extension Int64: TensorScalar { public static var elementType: ElementType { .int64 } }
extension Int32: TensorScalar { public static var elementType: ElementType { .int32 } }
extension Int16: TensorScalar { public static var elementType: ElementType { .int16 } }
extension Int8: TensorScalar { public static var elementType: ElementType { .int8 } }
extension UInt64: TensorScalar { public static var elementType: ElementType { .uint64 } }
extension UInt32: TensorScalar { public static var elementType: ElementType { .uint32 } }
extension UInt16: TensorScalar { public static var elementType: ElementType { .uint16 } }
extension UInt8: TensorScalar { public static var elementType: ElementType { .uint8 } }
