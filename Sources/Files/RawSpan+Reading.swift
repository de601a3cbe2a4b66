extension RawSpan {
  /// The integer that begins at a byte, or `nil` where it would reach past the end.
  package func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, bigEndian: Bool = false, as type: Value.Type = Value.self
  ) -> Value? {
    let size = MemoryLayout<Value>.size
    guard offset >= 0, byteCount >= size, offset <= byteCount - size else { return nil }
    let value = unsafeLoadUnaligned(fromByteOffset: offset, as: Value.self)
    return bigEndian ? Value(bigEndian: value) : Value(littleEndian: value)
  }

  /// A copy of a range of bytes.
  ///
  /// - Precondition: the range lies within the span.
  package func array(_ range: Range<Int>) -> [UInt8] {
    extracting(range).withUnsafeBytes { [UInt8]($0) }
  }
}

/// Reverses the bytes of every element in place.
package func swapBytes(of bytes: UnsafeMutableRawBufferPointer, elementSize: Int) {
  func swap<Value: FixedWidthInteger>(_ type: Value.Type) {
    let elements = bytes.bindMemory(to: Value.self)
    for index in elements.indices { elements[index] = elements[index].byteSwapped }
  }
  switch elementSize {
  case 2: swap(UInt16.self)
  case 4: swap(UInt32.self)
  case 8: swap(UInt64.self)
  default: break
  }
}
