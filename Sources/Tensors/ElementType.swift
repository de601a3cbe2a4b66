/// The type of a tensor's elements.
public enum ElementType: String, Hashable, Sendable, Codable, CaseIterable {
  /// A `Double`: 53 significant bits.
  case float64
  /// A `Float`, what networks compute in: 24 significant bits.
  case float32
  /// IEEE half precision: 11 significant bits, up to 65504.
  case float16
  /// The upper half of a `float32`: 8 significant bits, the same range.
  case bfloat16
  /// From -2^63.
  case int64
  /// From -2^31: the classes of examples.
  case int32
  /// From -2^15.
  case int16
  /// From -128 to 127: packed weights.
  case int8
  /// Up to 2^64 - 1.
  case uint64
  /// Up to 2^32 - 1.
  case uint32
  /// Up to 65535.
  case uint16
  /// Up to 255: the pixels of pictures.
  case uint8
  /// One byte, 0 or 1.
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

  /// The Swift type of whole numbers; `nil` of types with a fraction, and of `bool`.
  package var integer: (any (TensorScalar & FixedWidthInteger).Type)? {
    switch self {
    case .int64: Int64.self
    case .int32: Int32.self
    case .int16: Int16.self
    case .int8: Int8.self
    case .uint64: UInt64.self
    case .uint32: UInt32.self
    case .uint16: UInt16.self
    case .uint8: UInt8.self
    case .float64, .float32, .float16, .bfloat16, .bool: nil
    }
  }

  /// Bytes of one element of the widest type.
  package static let widestByteCount = 8
}

/// A Swift type whose values a ``Tensor`` can hold.
public protocol TensorScalar: BitwiseCopyable, Sendable {
  /// The type of elements that has these values.
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
