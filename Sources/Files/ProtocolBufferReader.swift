/// Goes through the fields of a message of protocol buffers.
///
/// It knows places only; the bytes are lent at every call. So a message within another costs no copy, and tensors of a mapped
/// file are used where they lie:
///
/// ```swift
/// var model = ProtocolBufferReader(0..<bytes.byteCount)
/// while let field = try model.next(in: bytes) {
///   switch field.number {
///   case 1: version = try field.integer()
///   case 7: graph = try field.message()
///   default: break
///   }
/// }
/// ```
///
/// Nothing is allocated that the bytes do not hold, and there is no recursion: how deep messages may lie in one another is the
/// caller's to decide.
package struct ProtocolBufferReader: Hashable, Sendable {
  /// Where the message lies.
  package let range: Range<Int>
  /// Of the next field.
  package private(set) var position: Int

  static let fieldNumbers = 1...(1 << 29 - 1)

  /// - Parameter range: of the message, within the bytes that ``next(in:)`` is lent.
  package init(_ range: Range<Int>) {
    self.range = range
    position = range.lowerBound
  }

  package struct Field: Hashable, Sendable {
    package var number: Int
    package var value: Value
    /// Where the field begins.
    package var offset: Int
  }

  package enum Value: Hashable, Sendable {
    case varint(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    /// Text, bytes, a message or packed numbers, by their place.
    case bytes(Range<Int>)
  }

  /// The next field, or `nil` at the message's end.
  ///
  /// - Throws: ``ProtocolBufferError`` where the bytes are no field, or end within one.
  package mutating func next(in bytes: RawSpan) throws(ProtocolBufferError) -> Field? {
    guard range.upperBound <= bytes.byteCount else {
      throw ProtocolBufferError(
        offset: bytes.byteCount,
        problem: .truncated(needed: range.upperBound - bytes.byteCount, available: 0))
    }
    let start = position
    guard start < range.upperBound else { return nil }
    let key = try varint(in: bytes)
    let (number, type) = (key >> 3, key & 7)
    guard number <= UInt64(Self.fieldNumbers.upperBound),
      Self.fieldNumbers.contains(Int(number))
    else { throw ProtocolBufferError(offset: start, problem: .fieldNumber(number)) }
    let value: Value
    switch ProtocolBufferWireType(rawValue: type) {
    case .varint: value = .varint(try varint(in: bytes))
    case .fixed64: value = .fixed64(try integer(in: bytes))
    case .fixed32: value = .fixed32(try integer(in: bytes))
    case .bytes:
      let count = try varint(in: bytes)
      value = .bytes(try take(count))
    case nil:
      throw ProtocolBufferError(
        offset: start, problem: .wireType(Int(type), field: Int(number)))
    }
    return Field(number: Int(number), value: value, offset: start)
  }

  /// Whether the message has been gone through.
  var isAtEnd: Bool { position == range.upperBound }

  mutating func varint(in bytes: RawSpan) throws(ProtocolBufferError) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < range.upperBound,
        let byte = bytes.integer(at: position, as: UInt8.self)
      else {
        throw ProtocolBufferError(
          offset: start,
          problem: .truncated(needed: position - start + 1, available: position - start))
      }
      position += 1
      // Of a tenth byte, one bit is left.
      guard shift < 63 || byte <= 1 else { break }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw ProtocolBufferError(offset: start, problem: .varintTooLong)
  }

  mutating func integer<Number: FixedWidthInteger & BitwiseCopyable>(
    in bytes: RawSpan
  ) throws(ProtocolBufferError) -> Number {
    let place = try take(UInt64(MemoryLayout<Number>.size))
    guard let value: Number = bytes.integer(at: place.lowerBound) else {
      throw ProtocolBufferError(
        offset: place.lowerBound, problem: .truncated(needed: place.count, available: 0))
    }
    return value
  }

  /// Passes so many bytes over.
  private mutating func take(_ count: UInt64) throws(ProtocolBufferError) -> Range<Int> {
    let available = range.upperBound - position
    guard count <= UInt64(available) else {
      throw ProtocolBufferError(
        offset: position, problem: .truncated(needed: Int(clamping: count), available: available))
    }
    defer { position += Int(count) }
    return position..<position + Int(count)
  }
}

extension ProtocolBufferReader.Field {
  private func wrong(_ expected: String) -> ProtocolBufferError {
    ProtocolBufferError(offset: offset, problem: .wrongType(field: number, expected: expected))
  }

  /// The value of a field of type `int64`, `int32`, `bool` or of an enumeration.
  package func integer() throws(ProtocolBufferError) -> Int {
    guard case .varint(let value) = value else { throw wrong("an integer") }
    return Int(truncatingIfNeeded: value)
  }

  package func float() throws(ProtocolBufferError) -> Float {
    guard case .fixed32(let bits) = value else { throw wrong("a float") }
    return Float(bitPattern: bits)
  }

  package func double() throws(ProtocolBufferError) -> Double {
    guard case .fixed64(let bits) = value else { throw wrong("a double") }
    return Double(bitPattern: bits)
  }

  /// Where the bytes of a field lie.
  package func range() throws(ProtocolBufferError) -> Range<Int> {
    guard case .bytes(let range) = value else { throw wrong("bytes") }
    return range
  }

  /// A message within the message.
  package func message() throws(ProtocolBufferError) -> ProtocolBufferReader {
    ProtocolBufferReader(try range())
  }

  package func string(in bytes: RawSpan) throws(ProtocolBufferError) -> String {
    guard let text = String(validating: bytes.array(try range()), as: UTF8.self) else {
      throw wrong("text in UTF-8")
    }
    return text
  }

  /// Appends what a field of many integers holds, whether packed or one a field: readers must take both.
  package func append(to values: inout [Int], in bytes: RawSpan) throws(ProtocolBufferError) {
    guard case .bytes(let range) = value else { return values.append(try integer()) }
    var packed = ProtocolBufferReader(range)
    while !packed.isAtEnd { values.append(Int(truncatingIfNeeded: try packed.varint(in: bytes))) }
  }

  /// The same of floats.
  package func append(to values: inout [Float], in bytes: RawSpan) throws(ProtocolBufferError) {
    guard case .bytes(let range) = value else { return values.append(try float()) }
    var packed = ProtocolBufferReader(range)
    while !packed.isAtEnd { values.append(Float(bitPattern: try packed.integer(in: bytes))) }
  }

  /// The same of doubles.
  package func append(to values: inout [Double], in bytes: RawSpan) throws(ProtocolBufferError) {
    guard case .bytes(let range) = value else { return values.append(try double()) }
    var packed = ProtocolBufferReader(range)
    while !packed.isAtEnd { values.append(Double(bitPattern: try packed.integer(in: bytes))) }
  }
}

/// Why bytes are not a message of protocol buffers.
package struct ProtocolBufferError: Error, Hashable, Sendable {
  package enum Problem: Hashable, Sendable {
    /// The message, or the one that it lies in, ends within a value.
    case truncated(needed: Int, available: Int)
    /// An integer of more than 64 bits.
    case varintTooLong
    /// Not from 1 to 2^29 - 1.
    case fieldNumber(UInt64)
    /// A form of value that is not known.
    case wireType(Int, field: Int)
    case wrongType(field: Int, expected: String)
  }

  /// Where in the bytes.
  package var offset: Int
  package var problem: Problem

  package init(offset: Int, problem: Problem) {
    self.offset = offset
    self.problem = problem
  }
}

extension ProtocolBufferError: CustomStringConvertible {
  package var description: String {
    switch problem {
    case .truncated(let needed, let available):
      "a value at byte \(offset) needs \(needed) bytes, its message has \(available) left; it is truncated or damaged"
    case .varintTooLong: "the integer at byte \(offset) has more than 64 bits"
    case .fieldNumber(let number):
      "the field at byte \(offset) has the number \(number), must be from 1 to 2^29 - 1"
    case .wireType(let type, let field):
      "field \(field) at byte \(offset) is of wire type \(type), known are 0, 1, 2 and 5"
    case .wrongType(let field, let expected): "field \(field) at byte \(offset) is not \(expected)"
    }
  }
}
