extension Tensor {
  /// Whole numbers by their lowest bits, those of `bool` by whether they are zero, and those of types with a fraction by their
  /// values.
  package init(integers: [Int], shape: Shape, as type: ElementType) {
    func of<Scalar: TensorScalar & FixedWidthInteger>(_ scalar: Scalar.Type) -> Tensor {
      Tensor(integers.map { Scalar(truncatingIfNeeded: $0) }, shape: shape)
    }
    if let integer = type.integer {
      self = of(integer)
    } else if type == .bool {
      self = Tensor(integers.map { UInt8($0 == 0 ? 0 : 1) }, shape: shape).withBits(of: .bool)
    } else {
      self = of(Int64.self).converted(to: type)
    }
  }

  /// The same bytes as elements of another type of their size.
  package func withBits(of type: ElementType) -> Tensor {
    withUnsafeBytes { Tensor(copying: $0.bytes, of: type, shape: shape, as: type) }
  }

  /// The elements, where they are whole numbers: those of `uint64` up to the largest `Int`, those of `bool` as 1 and 0;
  /// else `nil`.
  package var integers: [Int]? {
    func of<Scalar: TensorScalar & FixedWidthInteger>(_ scalar: Scalar.Type) -> [Int] {
      elements(of: scalar).map { Int(clamping: $0) }
    }
    if let integer = elementType.integer { return of(integer) }
    guard elementType == .bool else { return nil }
    return withUnsafeBytes { $0.map { $0 == 0 ? 0 : 1 } }
  }
}
