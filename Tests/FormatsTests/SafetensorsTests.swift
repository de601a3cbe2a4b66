import ConvNetFormats
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Safetensors")
struct SafetensorsTests {
  @Test("Reads every element type and the metadata that the reference implementation writes")
  func readsReference() throws {
    let file = try Safetensors(contentsOf: fixturePath("all-types.safetensors"))
    #expect(file.tensors.count == 15)
    #expect(file.metadata == ["format": "pt", "ünï \"quoted\"\n\\": "Käse\t🧀"])
    for type in ElementType.allCases {
      let tensor = try file.tensor(named: type.rawValue)
      #expect(tensor.elementType == type)
      #expect(tensor.shape == [2, 3])
    }
    #expect(file.tensors["float64"]?.elements(of: Double.self) == [0, 1, 2, 3, 4, 5])
    #expect(file.tensors["float32"]?.elements == [0, 1, 2, 3, 4, 5])
    #expect(file.tensors["int64"]?.elements(of: Int64.self) == [0, 1, 2, 3, 4, 5])
    #expect(file.tensors["int16"]?.elements(of: Int16.self) == [0, 1, 2, 3, 4, 5])
    #expect(file.tensors["uint32"]?.elements(of: UInt32.self) == [0, 1, 2, 3, 4, 5])
    #expect(file.tensors["uint8"]?.elements(of: UInt8.self) == [0, 1, 2, 3, 4, 5])
    #expect(
      file.tensors["bool"]?.withUnsafeBytes { Array($0) } == [0, 1, 1, 1, 1, 1])
    #expect(
      file.tensors["bfloat16"]?.withUnsafeBytes { Array($0.bindMemory(to: UInt16.self)) }
        == [0, 0x3F80, 0x4000, 0x4040, 0x4080, 0x40A0])
    #expect(file.tensors["scalar"] == Tensor([7.5] as [Float], shape: []))
    #expect(file.tensors["empty"]?.shape == [0, 3])
    #expect(
      try Safetensors.metadata(ofFile: fixturePath("all-types.safetensors")) == file.metadata)
  }

  @Test("Reads a file without tensors, and refuses a type that has no tensor")
  func readsOthers() throws {
    #expect(try Safetensors(contentsOf: fixturePath("nothing.safetensors")) == Safetensors())
    let error = #expect(throws: SafetensorsError.self) {
      try Safetensors(contentsOf: fixturePath("float8.safetensors"))
    }
    #expect(error?.problem == .unsupportedElementType(tensor: "x", name: "F8_E5M2"))
  }

  @Test("What is written is read back, aligned, and equal contents give equal bytes")
  func roundTrip() throws {
    let directory = try TemporaryDirectory()
    var file = try Safetensors(contentsOf: fixturePath("all-types.safetensors"))
    file.metadata["control \u{1}"] = "\u{7f}"
    let (first, second) = (directory.file("a.safetensors"), directory.file("b.safetensors"))
    try file.write(to: first)
    let back = try Safetensors(contentsOf: first)
    #expect(back == file)
    try back.write(to: second)
    let bytes = try fileBytes(first)
    #expect(try fileBytes(second) == bytes)

    let header = try SafetensorsHeader(parsing: bytes.span.bytes, file: nil)
    #expect(header.dataStart % 64 == 0)
    for entry in header.entries {
      #expect(entry.range.lowerBound % entry.elementType.byteCount == 0)
    }
    #expect(try directory.contents() == ["a.safetensors", "b.safetensors"])
  }

  @Test("The reserved name and a missing tensor are refused by name")
  func names() throws {
    let directory = try TemporaryDirectory()
    let file = Safetensors(tensors: ["__metadata__": Tensor(zeros: [1])])
    #expect(throws: SafetensorsError.self) { try file.write(to: directory.file("x")) }
    #expect(try directory.contents().isEmpty)
    let error = #expect(throws: SafetensorsError.self) { try file.tensor(named: "conv.weight") }
    #expect(error?.problem == .missingTensor(name: "conv.weight"))
  }

  static func file(_ json: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    let length = length ?? UInt64(json.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + [UInt8](json.utf8)
      + [UInt8](repeating: 0, count: data)
  }

  static func entry(
    _ name: String, _ shape: String = "[1]", _ offsets: String = "[0,4]", type: String = "F32"
  ) -> String {
    "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var offset: Int
    var problem: SafetensorsError.Problem
    var testDescription: String { name }
  }

  static let refusals: [Refusal] = [
    Refusal(
      name: "empty file", bytes: [], offset: 0,
      problem: .truncatedHeader(needed: 8, available: 0)),
    Refusal(
      name: "header longer than the file", bytes: file("{}", length: 3), offset: 0,
      problem: .truncatedHeader(needed: 11, available: 10)),
    Refusal(
      name: "header of 2^64 - 1 bytes", bytes: file("{}", length: .max), offset: 0,
      problem: .headerTooLarge(byteCount: .max, limit: 100_000_000)),
    Refusal(
      name: "not an object", bytes: file("[]"), offset: 8,
      problem: .malformedHeader(expected: "'{' as the first byte")),
    Refusal(
      name: "text after the object", bytes: file("{} x"), offset: 11,
      problem: .malformedHeader(expected: "nothing after the closing brace")),
    Refusal(
      name: "unclosed", bytes: file("{\"a\":{"), offset: 14,
      problem: .malformedHeader(expected: "a string")),
    Refusal(
      name: "nesting", bytes: file("{\"a\":" + String(repeating: "[", count: 100_000)), offset: 13,
      problem: .malformedHeader(expected: "'{'")),
    Refusal(
      name: "metadata that is not text", bytes: file("{\"__metadata__\":{\"a\":1}}"), offset: 29,
      problem: .malformedHeader(expected: "a string")),
    Refusal(
      name: "half a surrogate pair", bytes: file("{\"\\ud83d\""), offset: 16,
      problem: .malformedHeader(expected: "the second half of a surrogate pair")),
    Refusal(
      name: "unknown field", bytes: file("{\"a\":{\"strides\":[1]}}"), offset: 24,
      problem: .malformedHeader(
        expected: "the fields dtype, shape and data_offsets, once each")),
    Refusal(
      name: "missing field", bytes: file("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}"), offset: 13,
      problem: .missingField(tensor: "a", field: "data_offsets")),
    Refusal(
      name: "duplicate", bytes: file("{\(entry("a")),\(entry("a", "[1]", "[4,8]"))}", data: 8),
      offset: 66, problem: .duplicateName("a")),
    Refusal(
      name: "unknown type", bytes: file("{\(entry("a", type: "Q4"))}", data: 4), offset: 13,
      problem: .unsupportedElementType(tensor: "a", name: "Q4")),
    Refusal(
      name: "negative extent", bytes: file("{\(entry("a", "[-1]"))}", data: 4), offset: 37,
      problem: .malformedHeader(expected: "an integer from 0 to 2^63 - 1")),
    Refusal(
      name: "extent of 2^63", bytes: file("{\(entry("a", "[9223372036854775808]"))}", data: 4),
      offset: 37, problem: .malformedHeader(expected: "an integer from 0 to 2^63 - 1")),
    Refusal(
      name: "count overflows",
      bytes: file("{\(entry("a", "[4294967296,4294967296]"))}", data: 4), offset: 13,
      problem: .shapeTooLarge(tensor: "a", dimensions: [1 << 32, 1 << 32])),
    Refusal(
      name: "strides overflow beside an extent of zero",
      bytes: file("{\(entry("a", "[0,4611686018427387904,4611686018427387904]", "[0,0]"))}"),
      offset: 13,
      problem: .shapeTooLarge(tensor: "a", dimensions: [0, 1 << 62, 1 << 62])),
    Refusal(
      name: "bytes overflow", bytes: file("{\(entry("a", "[4611686018427387904]"))}", data: 4),
      offset: 13, problem: .shapeTooLarge(tensor: "a", dimensions: [1 << 62])),
    Refusal(
      name: "shape needs more", bytes: file("{\(entry("a", "[2]"))}", data: 4), offset: 13,
      problem: .sizeMismatch(tensor: "a", shape: [2], needed: 8, given: 4)),
    Refusal(
      name: "descending offsets", bytes: file("{\(entry("a", "[1]", "[4,0]"))}", data: 4),
      offset: 13,
      problem: .malformedHeader(expected: "two ascending data_offsets of tensor 'a'")),
    Refusal(
      name: "overlap", bytes: file("{\(entry("a")),\(entry("b"))}", data: 4), offset: 8,
      problem: .misplaced(tensor: "b", expectedStart: 4, actualStart: 0)),
    Refusal(
      name: "hole", bytes: file("{\(entry("a")),\(entry("b", "[1]", "[8,12]"))}", data: 12),
      offset: 8, problem: .misplaced(tensor: "b", expectedStart: 4, actualStart: 8)),
    Refusal(
      name: "data ends early", bytes: file("{\(entry("a"))}", data: 3), offset: 62,
      problem: .dataSize(expected: 4, actual: 3)),
    Refusal(
      name: "trailing bytes", bytes: file("{\(entry("a"))}", data: 5), offset: 62,
      problem: .dataSize(expected: 4, actual: 5)),
  ]

  @Test("Ill-formed files are refused with the place and the values", arguments: refusals)
  func refuses(refusal: Refusal) {
    let error = #expect(throws: SafetensorsError.self) {
      try Safetensors(parsing: refusal.bytes.span.bytes, file: "x")
    }
    #expect(error?.problem == refusal.problem)
    #expect(error?.offset == refusal.offset)
    #expect(error?.file == "x")
  }
}
