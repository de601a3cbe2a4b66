/// Copies a strided view into dense row-major order.
///
/// - Parameters:
///   - source: begins at the view's first element, at any address.
///   - strides: distances in elements between neighbours along each axis, not negative.
///   - elementSize: 1, 2, 4 or 8 bytes.
/// - Precondition: the source holds the view's last element, the target exactly the shape's.
package func copyStrided(
  _ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, shape: Shape,
  strides: [Int], elementSize: Int
) {
  switch elementSize {
  case 1: copyStrided(source, target, shape, strides, UInt8.self)
  case 2: copyStrided(source, target, shape, strides, UInt16.self)
  case 4: copyStrided(source, target, shape, strides, UInt32.self)
  case 8: copyStrided(source, target, shape, strides, UInt64.self)
  default: fatalError("elements of \(elementSize) bytes")
  }
}

private func copyStrided<Element: FixedWidthInteger & BitwiseCopyable>(
  _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer, _ shape: Shape,
  _ strides: [Int], _ type: Element.Type
) {
  let elements = target.bindMemory(to: Element.self)
  guard !elements.isEmpty, let source = source.baseAddress else { return }
  let size = MemoryLayout<Element>.size
  // Axes of one element move nothing, but each would be carried over at every row: a file may have a
  // hundred thousand of them.
  let axes = shape.dimensions.indices.filter { shape[$0] != 1 }
  let extents = axes.map { shape[$0] }
  let strides = axes.map { strides[$0] }
  let rowCount = extents.last ?? 1
  let step = (strides.last ?? 1) * size
  let outerAxes = max(0, extents.count - 1)
  var index = [Int](repeating: 0, count: outerAxes)
  var start = 0
  for row in stride(from: 0, to: elements.count, by: rowCount) {
    for column in 0..<rowCount {
      elements[row + column] = source.loadUnaligned(
        fromByteOffset: start + column * step, as: Element.self)
    }
    // The next row: count up the last outer axis, carry to the one before it.
    for axis in stride(from: outerAxes - 1, through: 0, by: -1) {
      index[axis] += 1
      start += strides[axis] * size
      if index[axis] < extents[axis] { break }
      start -= index[axis] * strides[axis] * size
      index[axis] = 0
    }
  }
}
