package import COneDNN
import ConvNetGraphs
package import ConvNetTensors

/// How a value lies in memory: extents, element type, and the order of the elements. Immutable.
package final class Layout: @unchecked Sendable {
  /// The library's descriptor, owned.
  let handle: OpaquePointer
  let shape: Shape
  /// Where it is a part of another layout: of which, and where it begins there.
  let origin: (whole: Layout, offsets: [Int])?

  private init(
    owning handle: OpaquePointer, shape: Shape, origin: (whole: Layout, offsets: [Int])? = nil
  ) {
    self.handle = handle
    self.shape = shape
    self.origin = origin
  }

  deinit {
    cdnn_desc_destroy(handle)
  }

  private static func make(
    _ shape: Shape, origin: (whole: Layout, offsets: [Int])? = nil,
    _ create: (inout OpaquePointer?) -> Int32
  ) throws -> Layout {
    var handle: OpaquePointer?
    let status = create(&handle)
    guard status == 0, let handle else { throw LibraryFailure(status: status) }
    return Layout(owning: handle, shape: shape, origin: origin)
  }

  private static func extents(_ shape: Shape) -> [Int64] {
    // The library knows no scalars: one element in one dimension.
    shape.rank == 0 ? [1] : shape.dimensions.map(Int64.init)
  }

  /// Dense, the last axis innermost.
  package static func rowMajor(_ shape: Shape, _ type: cdnn_type = CDNN_F32) throws -> Layout {
    let extents = extents(shape)
    return try make(shape) {
      cdnn_desc_create(&$0, Int32(extents.count), extents, type, nil)
    }
  }

  package static func strided(_ shape: Shape, _ strides: [Int]) throws -> Layout {
    let extents = extents(shape)
    guard strides.count == extents.count else {
      throw LibraryFailure(status: Int32(CDNN_INVALID_ARGUMENTS))
    }
    return try make(shape) {
      cdnn_desc_create(&$0, Int32(extents.count), extents, CDNN_F32, strides.map(Int64.init))
    }
  }

  /// Pictures and signals with the channels innermost: [N, C, H, W] in the order n, h, w, c.
  package static func channelsLast(_ shape: Shape) throws -> Layout {
    guard shape.rank > 2 else { return try rowMajor(shape) }
    let spatial = Shape(Array(shape.dimensions.dropFirst(2)) + [shape[1]])
    let strides = spatial.rowMajorStrides
    return try strided(shape, [spatial.count, 1] + strides.dropLast())
  }

  /// Pictures with the channels in blocks of 16, innermost.
  package static func blocked(_ shape: Shape) throws -> Layout {
    let extents = extents(shape)
    return try make(shape) {
      cdnn_desc_create_blocked(&$0, Int32(extents.count), extents, CDNN_F32)
    }
  }

  /// The same for a part of the channels of each example: the examples lie as far apart as those of `whole`.
  static func blocked(_ shape: Shape, within whole: Shape) throws -> Layout {
    try blocked(whole).part(shape, at: shape.dimensions.map { _ in 0 })
  }

  /// Left to the primitive that it is given to.
  static func any(_ shape: Shape) throws -> Layout {
    let extents = extents(shape)
    return try make(shape) {
      cdnn_desc_create_any(&$0, Int32(extents.count), extents, CDNN_F32)
    }
  }

  /// The same order and blocks as this layout, for other extents and elements. Where an extent of one lets this layout be one of
  /// several orders, blocks and then channels innermost come first: another tensor's layout cannot be told from it.
  ///
  /// - Throws: where the order is none that pictures or signals have.
  package func applied(to shape: Shape, _ type: cdnn_type = CDNN_F32) throws -> Layout {
    let extents = Self.extents(shape)
    return try Self.make(shape) {
      cdnn_desc_create_like(&$0, handle, Int32(extents.count), extents, type)
    }
  }

  static func copy(_ handle: OpaquePointer, shape: Shape) throws -> Layout {
    try make(shape) { cdnn_desc_copy(&$0, handle) }
  }

  /// The part at `offsets` with the given extents; it lies in this layout's memory.
  func part(_ shape: Shape, at offsets: [Int]) throws -> Layout {
    let extents = Self.extents(shape)
    guard offsets.count == extents.count else {
      throw LibraryFailure(status: Int32(CDNN_INVALID_ARGUMENTS))
    }
    return try Self.make(shape, origin: (self, offsets)) {
      cdnn_desc_create_part(
        &$0, handle, Int32(extents.count), extents, offsets.map(Int64.init))
    }
  }

  /// The same memory under other extents.
  ///
  /// - Throws: where the layout does not allow it.
  func reshaped(_ shape: Shape) throws -> Layout {
    let extents = Self.extents(shape)
    return try Self.make(shape) {
      cdnn_desc_reshape(&$0, handle, Int32(extents.count), extents)
    }
  }

  /// The same memory with its axes in another order: axis `i` of the result is axis `permutation[i]` of this.
  package func transposed(_ permutation: [Int]) throws -> Layout {
    var inverse = [Int32](repeating: 0, count: permutation.count)
    for (to, from) in permutation.enumerated() { inverse[from] = Int32(to) }
    return try Self.make(Shape(permutation.map { shape[$0] })) {
      cdnn_desc_permute(&$0, handle, Int32(inverse.count), inverse)
    }
  }

  /// Bytes of memory, padding included.
  var byteCount: Int { cdnn_desc_byte_count(handle) }

  /// Bytes of the elements alone, padding included: for a part of other memory, what it is a part of does not count.
  var contentByteCount: Int { cdnn_desc_content_byte_count(handle) }
}

extension Layout: Equatable {
  package static func == (left: Layout, right: Layout) -> Bool {
    left === right || cdnn_desc_equal(left.handle, right.handle)
  }
}

extension Layout: CustomStringConvertible {
  /// Axes by decreasing stride, a letter each, upper case and followed by the block where blocked: `aBcd16b`.
  package var description: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 96) { text in
      guard let start = text.baseAddress else { return "" }
      cdnn_desc_text(handle, start, text.count)
      return String(cString: start)
    }
  }
}
