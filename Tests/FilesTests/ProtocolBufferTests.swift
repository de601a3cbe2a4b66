import ConvNetFiles
import ConvNetTestSupport
import Testing

/// The bytes are computed by hand after https://protobuf.dev/programming-guides/encoding/
@Suite("Protocol buffers") struct ProtocolBufferTests {
  private static func fields(_ bytes: [UInt8]) throws -> [ProtocolBufferReader.Field] {
    var reader = ProtocolBufferReader(0..<bytes.count)
    var fields: [ProtocolBufferReader.Field] = []
    while let field = try reader.next(in: bytes.span.bytes) { fields.append(field) }
    return fields
  }

  // MARK: Integers

  @Test(
    "An integer has seven bits a byte, the lowest first; a negative one has ten bytes",
    arguments: [
      (0, [0x08, 0x00]), (1, [0x08, 0x01]), (127, [0x08, 0x7F]), (128, [0x08, 0x80, 0x01]),
      (150, [0x08, 0x96, 0x01]), (16_384, [0x08, 0x80, 0x80, 0x01]),
      (Int.max, [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
      (-1, [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
      (Int.min, [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]),
    ] as [(Int, [UInt8])])
  func integers(value: Int, bytes: [UInt8]) throws {
    var message = ProtocolBufferWriter()
    message.append(value, field: 1)
    #expect(message.bytes == bytes)
    let fields = try Self.fields(bytes)
    #expect(fields.count == 1 && fields.first?.number == 1)
    #expect(try fields.first?.integer() == value)
  }

  // MARK: Every form

  @Test("Each form of a value has its key and its bytes, and is read as it was written")
  func forms() throws {
    var inner = ProtocolBufferWriter()
    inner.append(150, field: 1)
    var message = ProtocolBufferWriter()
    message.append("tested", field: 2)
    message.append(inner, field: 3)
    message.append(Float(1.5), field: 4)
    message.append(-2.0, field: 5)
    message.append(packed: [3, 270, 86_942], field: 6)
    message.append(packed: [Float(1.5), -0.0], field: 16)
    message.append([0xFF], field: 1 << 29 - 1)
    let expected: [UInt8] = [
      0x12, 6, 0x74, 0x65, 0x73, 0x74, 0x65, 0x64,
      0x1A, 3, 0x08, 0x96, 0x01,
      0x25, 0, 0, 0xC0, 0x3F,
      0x29, 0, 0, 0, 0, 0, 0, 0, 0xC0,
      0x32, 6, 0x03, 0x8E, 0x02, 0x9E, 0xA7, 0x05,
      0x82, 0x01, 8, 0, 0, 0xC0, 0x3F, 0, 0, 0, 0x80,
      0xFA, 0xFF, 0xFF, 0xFF, 0x0F, 1, 0xFF,
    ]
    #expect(message.bytes == expected)

    let span = expected.span.bytes
    let fields = try Self.fields(expected)
    try #require(fields.map(\.number) == [2, 3, 4, 5, 6, 16, 1 << 29 - 1])
    #expect(fields.map(\.offset) == [0, 8, 13, 18, 27, 35, 46])
    #expect(try fields[0].string(in: span) == "tested")
    var reader = try fields[1].message()
    #expect(reader.range == 10..<13)
    #expect(try reader.next(in: span)?.integer() == 150)
    #expect(try reader.next(in: span) == nil)
    #expect(try fields[2].float() == 1.5)
    #expect(try fields[3].double() == -2)
    var integers: [Int] = []
    try fields[4].append(to: &integers, in: span)
    #expect(integers == [3, 270, 86_942])
    var floats: [Float] = []
    try fields[5].append(to: &floats, in: span)
    #expect(floats.map(\.bitPattern) == [Float(1.5).bitPattern, Float(-0.0).bitPattern])
    #expect(try fields[6].range() == 52..<53)
  }

  @Test("Many numbers are read packed, one a field, and both after one another")
  func repeated() throws {
    // Field 1: 5, then 6 and 7 packed; field 2, floats: 1.5 packed, then 1.5; field 3, doubles: -2, then -2 packed.
    let bytes: [UInt8] = [
      0x08, 5, 0x0A, 2, 6, 7, 0x12, 4, 0, 0, 0xC0, 0x3F, 0x15, 0, 0, 0xC0, 0x3F,
      0x19, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0x1A, 8, 0, 0, 0, 0, 0, 0, 0, 0xC0,
    ]
    let (integers, floats, doubles) = try Self.numbers(bytes)
    #expect(integers == [5, 6, 7] && floats == [1.5, 1.5] && doubles == [-2, -2])
  }

  /// What the fields 1, 2 and 3 hold.
  private static func numbers(_ bytes: [UInt8]) throws -> ([Int], [Float], [Double]) {
    var (integers, floats, doubles): ([Int], [Float], [Double]) = ([], [], [])
    for field in try fields(bytes) {
      switch field.number {
      case 1: try field.append(to: &integers, in: bytes.span.bytes)
      case 2: try field.append(to: &floats, in: bytes.span.bytes)
      default: try field.append(to: &doubles, in: bytes.span.bytes)
      }
    }
    return (integers, floats, doubles)
  }

  // MARK: Hostile bytes

  struct Damage: CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    var offset: Int
    var problem: ProtocolBufferError.Problem
  }

  static let damages = [
    Damage(
      testDescription: "a key without a value", bytes: [0x08], offset: 1,
      problem: .truncated(needed: 1, available: 0)),
    Damage(
      testDescription: "an integer that goes on", bytes: [0x08, 0x80, 0x80], offset: 1,
      problem: .truncated(needed: 3, available: 2)),
    Damage(
      testDescription: "a tenth byte of two bits",
      bytes: [0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x02], offset: 1,
      problem: .varintTooLong),
    Damage(
      testDescription: "an eleventh byte",
      bytes: [0x08] + [UInt8](repeating: 0x80, count: 10) + [0],
      offset: 1, problem: .varintTooLong),
    Damage(
      testDescription: "a float of three bytes", bytes: [0x0D, 1, 2, 3], offset: 1,
      problem: .truncated(needed: 4, available: 3)),
    Damage(
      testDescription: "a double of seven bytes", bytes: [0x09, 1, 2, 3, 4, 5, 6, 7], offset: 1,
      problem: .truncated(needed: 8, available: 7)),
    Damage(
      testDescription: "text longer than the message", bytes: [0x0A, 3, 0x61], offset: 2,
      problem: .truncated(needed: 3, available: 1)),
    Damage(
      testDescription: "text of 2^64 - 1 bytes",
      bytes: [0x0A] + [UInt8](repeating: 0xFF, count: 9) + [0x01], offset: 11,
      problem: .truncated(needed: .max, available: 0)),
    Damage(
      testDescription: "field 0", bytes: [0x08, 1, 0x00, 1], offset: 2, problem: .fieldNumber(0)),
    Damage(
      testDescription: "field 2^29", bytes: [0x80, 0x80, 0x80, 0x80, 0x10, 0], offset: 0,
      problem: .fieldNumber(1 << 29)),
    Damage(
      testDescription: "field 2^61 - 1", bytes: [UInt8](repeating: 0xFF, count: 9) + [0x01],
      offset: 0,
      problem: .fieldNumber(1 << 61 - 1)),
    Damage(
      testDescription: "a group", bytes: [0x0B, 0x0C], offset: 0, problem: .wireType(3, field: 1)),
    Damage(
      testDescription: "a wire type that there is not", bytes: [0x0F], offset: 0,
      problem: .wireType(7, field: 1)),
  ]

  @Test("Ill-formed bytes are refused with the place and the values", arguments: damages)
  func refuses(damage: Damage) {
    let error = #expect(throws: ProtocolBufferError.self) { try Self.fields(damage.bytes) }
    #expect(error == ProtocolBufferError(offset: damage.offset, problem: damage.problem))
  }

  @Test("A message within another ends where that says, not where its values would")
  func nested() throws {
    // The inner message has two bytes; its integer would go on behind them.
    let bytes: [UInt8] = [0x0A, 2, 0x08, 0x80, 0x01]
    var outer = ProtocolBufferReader(0..<5)
    var inner = try #require(try outer.next(in: bytes.span.bytes)).message()
    let error = #expect(throws: ProtocolBufferError.self) { try inner.next(in: bytes.span.bytes) }
    #expect(error?.problem == .truncated(needed: 2, available: 1))
  }

  @Test("A value of another form than is asked for is told with the field")
  func otherForms() throws {
    let bytes: [UInt8] = [0x08, 1, 0x12, 1, 0xFF]
    let fields = try Self.fields(bytes)
    func problem(_ body: () throws -> Any) -> ProtocolBufferError.Problem? {
      #expect(throws: ProtocolBufferError.self) { _ = try body() }?.problem
    }
    #expect(problem { try fields[0].range() } == .wrongType(field: 1, expected: "bytes"))
    #expect(problem { try fields[0].float() } == .wrongType(field: 1, expected: "a float"))
    #expect(problem { try fields[0].double() } == .wrongType(field: 1, expected: "a double"))
    #expect(problem { try fields[1].integer() } == .wrongType(field: 2, expected: "an integer"))
    #expect(
      problem { try fields[1].string(in: bytes.span.bytes) }
        == .wrongType(field: 2, expected: "text in UTF-8"))
    var floats: [Float] = []
    #expect(
      problem { try fields[1].append(to: &floats, in: bytes.span.bytes) }
        == .truncated(needed: 4, available: 1))
  }

  @Test("A message that lies beyond the bytes that it is given is refused")
  func beyond() {
    var reader = ProtocolBufferReader(0..<10)
    let bytes: [UInt8] = [0x08, 1]
    #expect(throws: ProtocolBufferError.self) { try reader.next(in: bytes.span.bytes) }
  }

  @Test(
    "Any bytes end in an error or at their end, and no field reaches beyond them",
    arguments: 0..<200)
  func anything(seed: UInt64) throws {
    var draws = SeededDraws(seed: seed)
    let bytes = (0..<64).map { _ in
      // Small values often, so that keys and lengths fit.
      UInt8(draws.below(draws.isOne(in: 3) ? 256 : 24))
    }
    var waiting = [ProtocolBufferReader(0..<bytes.count)]
    while let reader = waiting.popLast() {
      waiting += Self.messages(of: reader, in: bytes)
    }
  }

  /// What may be messages within a message, which is gone through.
  private static func messages(
    of message: ProtocolBufferReader, in bytes: [UInt8]
  ) -> [ProtocolBufferReader] {
    var reader = message
    var found: [ProtocolBufferReader] = []
    var (integers, floats): ([Int], [Float]) = ([], [])
    do throws(ProtocolBufferError) {
      while let field = try reader.next(in: bytes.span.bytes) {
        try? field.append(to: &integers, in: bytes.span.bytes)
        try? field.append(to: &floats, in: bytes.span.bytes)
        guard let range = try? field.range() else { continue }
        #expect(message.range.lowerBound <= range.lowerBound && range.upperBound <= reader.position)
        found.append(ProtocolBufferReader(range))
      }
      #expect(reader.position == message.range.upperBound)
    } catch {
      #expect(error.offset <= bytes.count)
    }
    return found
  }
}
