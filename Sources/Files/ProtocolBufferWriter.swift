/// A message of protocol buffers in the making: each field is a key, a varint of (number * 8 + wire type), then its value.
///
/// The format: https://protobuf.dev/programming-guides/encoding/
package struct ProtocolBufferWriter: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// A field of the types `int32`, `int64`, `bool` and enumerations.
  package mutating func append(_ value: Int, field: Int) {
    appendKey(field, .varint)
    appendVarint(UInt64(bitPattern: Int64(value)))
  }

  package mutating func append(_ value: Double, field: Int) {
    appendKey(field, .fixed64)
    bytes += littleEndianBytes(value.bitPattern)
  }

  package mutating func append(_ value: Float, field: Int) {
    appendKey(field, .fixed32)
    bytes += littleEndianBytes(value.bitPattern)
  }

  package mutating func append(_ value: String, field: Int) {
    append([UInt8](value.utf8), field: field)
  }

  package mutating func append(_ value: [UInt8], field: Int) {
    appendBeginning(byteCount: value.count, field: field)
    bytes += value
  }

  /// The key of a field of bytes, and how many there will be: whoever has them writes them behind.
  package mutating func appendBeginning(byteCount: Int, field: Int) {
    appendKey(field, .bytes)
    appendVarint(UInt64(byteCount))
  }

  /// The bytes of a field whose beginning is there.
  package mutating func append(bytesOfField bytes: [UInt8]) {
    self.bytes += bytes
  }

  /// A message within the message.
  package mutating func append(_ message: ProtocolBufferWriter, field: Int) {
    append(message.bytes, field: field)
  }

  /// A field of many integers, packed: one key, the number of bytes, then a varint each.
  package mutating func append(packed values: [Int], field: Int) {
    var packed = ProtocolBufferWriter()
    for value in values { packed.appendVarint(UInt64(bitPattern: Int64(value))) }
    append(packed, field: field)
  }

  /// A field of many numbers, packed: one key, the number of bytes, then four bytes each.
  package mutating func append(packed values: [Float], field: Int) {
    append(values.flatMap { littleEndianBytes($0.bitPattern) }, field: field)
  }

  /// The same of eight bytes each.
  package mutating func append(packed values: [Double], field: Int) {
    append(values.flatMap { littleEndianBytes($0.bitPattern) }, field: field)
  }

  private mutating func appendKey(_ field: Int, _ type: ProtocolBufferWireType) {
    guard ProtocolBufferReader.fieldNumbers.contains(field) else {
      fatalError("a field's number is from 1 to 2^29 - 1, not \(field)")
    }
    appendVarint(UInt64(field) << 3 | type.rawValue)
  }

  /// Seven bits a byte, lowest first; the highest bit says that more follow.
  private mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// How a value lies in the bytes. Groups, 3 and 4, are a form that was given up before version 2.
enum ProtocolBufferWireType: UInt64 {
  case varint = 0
  case fixed64 = 1
  case bytes = 2
  case fixed32 = 5
}

/// A number's bytes, the lowest first.
package func littleEndianBytes<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
