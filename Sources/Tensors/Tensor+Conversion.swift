extension ElementType {
  /// Whether the elements are numbers with a fraction.
  public var isFloatingPoint: Bool {
    switch self {
    case .float64, .float32, .float16, .bfloat16: true
    default: false
    }
  }
}

extension Tensor {
  /// The same numbers as elements of a floating-point type, each rounded to nearest, ties to even;
  /// numbers beyond the type's range become infinite. Truth values become 0 and 1. Where the type
  /// stays the same the storage is shared.
  ///
  /// Integers beyond ±2^53 are rounded to `float64` first where the type has two bytes.
  ///
  /// - Precondition: `type` is a floating-point type.
  public func converted(to type: ElementType) -> Tensor {
    guard type != elementType else { return self }
    return withUnsafeBytes {
      Tensor(copying: $0.bytes, of: elementType, shape: shape, as: type)
    }
  }

  /// Dense row-major elements copied once, converted on the way.
  ///
  /// - Parameters:
  ///   - bytes: exactly the elements, at any address.
  ///   - source: their type.
  ///   - target: the tensor's: the same or a floating-point type.
  package init(
    copying bytes: RawSpan, of source: ElementType, shape: Shape, as target: ElementType
  ) {
    precondition(bytes.byteCount == shape.count * source.byteCount)
    self.init(uninitialized: shape, elementType: target)
    withUnsafeMutableBytes { result in
      bytes.withUnsafeBytes { convert($0, of: source, to: result, of: target) }
    }
  }
}

/// Converts dense elements; both buffers hold equally many. The source may begin at any address.
private func convert(
  _ source: UnsafeRawBufferPointer, of sourceType: ElementType,
  to target: UnsafeMutableRawBufferPointer, of targetType: ElementType
) {
  if sourceType == targetType { return target.copyMemory(from: source) }
  switch sourceType {
  case .float64:
    each(source, target, targetType, { Float($0 as Double) }, { $0 }, { oddFloat32($0) })
  case .float32: each(source, target, targetType, { $0 as Float }, { Double($0) }, { $0 })
  case .float16:
    each(
      source, target, targetType, { float32(float16: $0) }, { Double(float32(float16: $0)) },
      { float32(float16: $0) })
  case .bfloat16:
    each(
      source, target, targetType, { float32(bfloat16: $0) }, { Double(float32(bfloat16: $0)) },
      { float32(bfloat16: $0) })
  case .int64: integers(source, target, targetType, Int64.self)
  case .int32: integers(source, target, targetType, Int32.self)
  case .int16: integers(source, target, targetType, Int16.self)
  case .int8: integers(source, target, targetType, Int8.self)
  case .uint64: integers(source, target, targetType, UInt64.self)
  case .uint32: integers(source, target, targetType, UInt32.self)
  case .uint16: integers(source, target, targetType, UInt16.self)
  case .uint8: integers(source, target, targetType, UInt8.self)
  case .bool:
    each(
      source, target, targetType, { ($0 as UInt8) == 0 ? 0 : 1 }, { $0 == 0 ? 0 : 1 },
      { $0 == 0 ? 0 : 1 })
  }
}

@inline(__always)
private func integers<Source: FixedWidthInteger & BitwiseCopyable>(
  _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer,
  _ targetType: ElementType, _ type: Source.Type
) {
  each(
    source, target, targetType, { Float($0 as Source) }, { Double($0) }, { oddFloat32(Double($0)) })
}

/// Converts by one of three functions.
///
/// - Parameters:
///   - single: to `float32`.
///   - double: to `float64`.
///   - odd: to a `float32` from which the types of two bytes are rounded.
@inline(__always)
private func each<Source: BitwiseCopyable>(
  _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer,
  _ targetType: ElementType, _ single: (Source) -> Float, _ double: (Source) -> Double,
  _ odd: (Source) -> Float
) {
  switch targetType {
  case .float64: map(source, target, double)
  case .float32: map(source, target, single)
  case .float16: map(source, target) { float16(odd($0)) }
  case .bfloat16: map(source, target) { bfloat16(odd($0)) }
  default: fatalError("\(targetType) is no floating-point type")
  }
}

@inline(__always)
private func map<Source: BitwiseCopyable, Target: BitwiseCopyable>(
  _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer,
  _ function: (Source) -> Target
) {
  let results = target.bindMemory(to: Target.self)
  guard let output = results.baseAddress, let input = source.baseAddress else { return }
  let stride = MemoryLayout<Source>.stride
  for index in 0..<results.count {
    output[index] = function(
      input.loadUnaligned(fromByteOffset: index &* stride, as: Source.self))
  }
}
