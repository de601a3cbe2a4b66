/// The extents of a tensor, outermost dimension first.
///
/// A shape may be empty (a scalar, one element). Extents are never negative.
public struct Shape: Hashable, Sendable, Codable, ExpressibleByArrayLiteral {
  /// One number an axis, none negative.
  public let dimensions: [Int]

  /// - Precondition: the dimensions are what ``init(checking:)`` takes, which is for those that come
  ///   from a file.
  public init(_ dimensions: [Int]) {
    guard let shape = Shape(checking: dimensions) else {
      fatalError("shape \(dimensions) has a negative extent or too many elements")
    }
    self = shape
  }

  public init(arrayLiteral elements: Int...) {
    self.init(elements)
  }

  /// `nil` where a dimension is negative, or the product of those that are not zero is beyond what
  /// could be addressed with the widest elements.
  ///
  /// So nothing that is computed from a shape overflows: its count, its strides, its bytes, whatever
  /// the order of the dimensions, and the same for a part of them. A dimension of zero makes no other
  /// one harmless: the strides of [0, 2^62, 2^62] are no numbers.
  public init?(checking dimensions: [Int]) {
    var product = ElementType.widestByteCount
    for dimension in dimensions where dimension != 0 {
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      guard dimension > 0, !overflow else { return nil }
      product = next
    }
    self.dimensions = dimensions
  }

  public init(from decoder: any Decoder) throws {
    let dimensions = try decoder.singleValueContainer().decode([Int].self)
    guard let shape = Shape(checking: dimensions) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "invalid shape \(dimensions)"))
    }
    self = shape
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(dimensions)
  }

  /// The number of axes: 0 for a scalar.
  public var rank: Int { dimensions.count }

  /// The number of elements: the product of the dimensions, 1 for a scalar.
  public var count: Int { dimensions.reduce(1, *) }

  /// The extent of an axis, counted from the outermost, which is 0.
  ///
  /// - Precondition: there is such an axis.
  public subscript(axis: Int) -> Int { dimensions[axis] }

  /// The shape with one dimension replaced.
  public func replacing(axis: Int, with extent: Int) -> Shape {
    var copy = dimensions
    copy[axis] = extent
    return Shape(copy)
  }

  /// Distance in elements between neighbours along each axis, for dense row-major order.
  public var rowMajorStrides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * dimensions[axis + 1]
    }
    return strides
  }
}

extension Shape: CustomStringConvertible {
  /// Extents joined by `x`, as in `16x3x224x224`; `scalar` where there are none.
  public var description: String {
    dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "x")
  }
}
