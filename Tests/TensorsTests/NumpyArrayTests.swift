import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("NumPy arrays")
struct NumpyArrayTests {
  private static func integers<Scalar: TensorScalar & FixedWidthInteger>(
    _ tensor: Tensor, _ type: Scalar.Type
  ) -> [Int] { tensor.elements(of: type).map { Int($0) } }

  /// The elements, whatever their type, as numbers.
  private static func values(_ tensor: Tensor) -> [Int] {
    switch tensor.elementType {
    case .float64: tensor.elements(of: Double.self).map { Int($0) }
    case .float32: tensor.elements.map { Int($0) }
    case .int64: integers(tensor, Int64.self)
    case .int32: integers(tensor, Int32.self)
    case .int16: integers(tensor, Int16.self)
    case .int8: integers(tensor, Int8.self)
    case .uint64: integers(tensor, UInt64.self)
    case .uint32: integers(tensor, UInt32.self)
    case .uint16: integers(tensor, UInt16.self)
    case .uint8: integers(tensor, UInt8.self)
    case .float16:
      tensor.withUnsafeBytes { $0.bindMemory(to: Float16.self).map { Int($0) } }
    case .bfloat16, .bool: []
    }
  }

  @Test(
    "Reads what NumPy writes: every type, byte order, memory order and version",
    arguments: [
      "little-f8", "little-f4", "little-f2", "little-i8", "little-i4", "little-i2", "little-i1",
      "little-u8", "little-u4", "little-u2", "little-u1", "big-f8", "big-f4", "big-f2", "big-i8",
      "big-i2", "big-u4", "fortran-f4", "fortran-big-i2", "version-2", "version-3",
    ])
  func reads(name: String) throws {
    let tensor = try Tensor(npy: fixturePath("\(name).npy"))
    #expect(tensor.shape == [2, 3, 4])
    #expect(Self.values(tensor) == Array(0..<24))
  }

  @Test("Reads truth values, scalars, vectors and empty arrays")
  func readsOthers() throws {
    let bool = try Tensor(npy: fixturePath("bool.npy"))
    #expect(bool.elementType == .bool)
    #expect(bool.withUnsafeBytes { Array($0) } == (0..<24).map { $0 % 3 == 0 ? 1 : 0 })
    let scalar = try Tensor(npy: fixturePath("scalar-f4.npy"))
    #expect(scalar == Tensor([7] as [Float], shape: []))
    let vector = try Tensor(npy: fixturePath("vector-f4.npy"))
    #expect(vector == Tensor([0, 1, 2, 3, 4] as [Float]))
    let empty = try Tensor(npy: fixturePath("empty-f4.npy"))
    #expect(empty.shape == [0, 3])
  }

  @Test(
    "Writes exactly the bytes that NumPy writes",
    arguments: [
      "little-f8", "little-f4", "little-f2", "little-i8", "little-i1", "little-u1", "little-u4",
      "bool", "vector-f4", "empty-f4", "scalar-f4",
    ])
  func writes(name: String) throws {
    let path = fixturePath("\(name).npy")
    let directory = try TemporaryDirectory()
    try Tensor(npy: path).writeNPY(to: directory.file("x.npy"))
    #expect(try fileBytes(directory.file("x.npy")) == fileBytes(path))
  }

  @Test(
    "Element types without a tensor are refused by name",
    arguments: [("complex", "<c8"), ("text", "<U2")])
  func unsupported(name: String, descriptor: String) {
    let error = #expect(throws: NumpyError.self) {
      try Tensor(npy: fixturePath("\(name).npy"))
    }
    #expect(error?.problem == .unsupportedElementType(descriptor))
  }

  @Test("Records are refused by their fields")
  func record() throws {
    let error = #expect(throws: NumpyError.self) { try Tensor(npy: fixturePath("record.npy")) }
    guard case .unsupportedElementType(let fields) = error?.problem else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(fields.hasPrefix("[('") && fields.hasSuffix("')]"))
    #expect("\(try #require(error))".contains("save each field as an array of its own"))
  }

  @Test(
    "What NumPy writes and no tensor holds is named",
    arguments: [
      ("'<c16'", "complex numbers"), ("'|O'", "Python objects"), ("'<M8[ns]'", "dates"),
      ("'>m8[s]'", "spans of time"), ("'|S5'", "text"), ("'|V16'", "raw bytes"),
      ("'<f16'", "floating-point numbers of 16 bytes"),
      ("[('a', '<f4'), ('b]\\'', '>i2', (2, 3))]", "records with the fields"),
      ("[('a', [('b', '<f4')])]", "records with the fields"),
      ("('<f4', (2,))", "records with the fields"),
    ])
  func named(descriptor: String, name: String) throws {
    let file = Self.file(
      header: "{'descr': \(descriptor), 'fortran_order': False, 'shape': (1,), }", data: 16)
    guard case .unsupportedElementType = Self.problem(file)?.problem else {
      Issue.record("\(descriptor): \(String(describing: Self.problem(file)))")
      return
    }
    let error = try #require(Self.problem(file))
    #expect("\(error)".contains(name))
  }

  @Test(
    "A list of fields that does not end is malformed", arguments: ["[('a', '<f4')", "[('a", "["])
  func openFields(descriptor: String) {
    guard
      case .malformedHeader = Self.problem(Self.file(header: "{'descr': \(descriptor)"))?.problem
    else {
      Issue.record("\(descriptor) was taken")
      return
    }
  }

  // Carried over at each of a million elements they would take many minutes.
  @Test("A hundred thousand dimensions of one element are no trouble", .timeLimit(.minutes(1)))
  func dimensionsOfOne() throws {
    for place in [0, 1, 50_000] {
      var dimensions = [Int](repeating: 1, count: 100_000)
      dimensions[place] = 1 << 10
      dimensions[place + 1] = 1 << 10
      let tensor = Tensor(zeros: Shape(dimensions), elementType: .uint8)
      var header = tensor.npyHeader
      // The same length, which needs no other padding.
      let text = [UInt8]("'fortran_order': False,".utf8)
      let start = try #require(header.indices.first { header[$0...].starts(with: text) })
      header.replaceSubrange(start..<start + text.count, with: "'fortran_order': True, ".utf8)
      let bytes = header + (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 >> 10) }
      let read = try Tensor(parsingNPY: bytes.span.bytes)
      #expect(read.shape == tensor.shape)
      let first = Array(read.elements(of: UInt8.self).prefix(300))
      #expect(first == (0..<300).map { UInt8($0 & 255) })
    }
  }

  @Test("A header that needs more bytes than version 1 can say is one of version 2")
  func longHeader() throws {
    for (rank, version) in [(21_700, 1), (21_820, 2), (21_840, 2), (22_000, 2), (100_000, 2)] {
      let tensor = Tensor([7] as [Float], shape: Shape([Int](repeating: 1, count: rank)))
      let header = tensor.npyHeader
      #expect(header.count % 64 == 0)
      #expect(Int(header[6]) == version)
      let bytes = header + tensor.withUnsafeBytes { Array($0) }
      #expect(try Tensor(parsingNPY: bytes.span.bytes) == tensor)
    }
  }

  private static func file(header: String, data: Int = 0) -> [UInt8] {
    [0x93] + [UInt8]("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + [UInt8](header.utf8)
      + [UInt8](repeating: 0, count: data)
  }

  private static func problem(_ bytes: [UInt8]) -> NumpyError? {
    #expect(throws: NumpyError.self) { try Tensor(parsingNPY: bytes.span.bytes) }
  }

  @Test("Broken files: the error says what and where")
  func broken() throws {
    let good = try fileBytes(fixturePath("little-f4.npy"))
    #expect(
      Self.problem(Array(good.dropLast())).map { ($0.offset, $0.problem) }
        ?? (0, .wrongMagic) == (128, .dataSize(expected: 96, actual: 95)))
    #expect(Self.problem(good + [0])?.problem == .dataSize(expected: 96, actual: 97))
    #expect(Self.problem([])?.problem == .truncatedHeader(needed: 10, available: 0))
    #expect(
      Self.problem(Array(good.prefix(100)))?.problem
        == .truncatedHeader(needed: 128, available: 100))
    var magic = good
    magic[1] = 0
    #expect(Self.problem(magic)?.problem == .wrongMagic)
    var version = good
    version[6] = 9
    #expect(Self.problem(version)?.problem == .unsupportedVersion(major: 9, minor: 0))
    let overflow = Self.file(
      header: "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 2)}")
    #expect(Self.problem(overflow)?.problem == .shapeTooLarge([1 << 62, 2]))
    let bytesOverflow = Self.file(
      header: "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,)}")
    #expect(Self.problem(bytesOverflow)?.problem == .shapeTooLarge([1 << 61]))
    for order in ["False", "True"] {
      let nothing = Self.file(
        header: "{'descr': '<f4', 'fortran_order': \(order), "
          + "'shape': (0, 4611686018427387904, 4611686018427387904)}")
      #expect(Self.problem(nothing)?.problem == .shapeTooLarge([0, 1 << 62, 1 << 62]))
    }
    let missing = Self.file(header: "{'descr': '<f4', 'shape': ()}", data: 4)
    #expect(Self.problem(missing)?.problem == .missingKey("fortran_order"))
    let code = Self.file(header: "{'descr': __import__('os')}")
    #expect(Self.problem(code)?.problem == .malformedHeader(expected: "a quoted string"))
  }
}
