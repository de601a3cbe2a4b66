import ConvNetFiles
package import ConvNetTensors

/// What stands before the data: eight bytes of length, then JSON that places every tensor.
package struct SafetensorsHeader: Sendable {
  package struct Entry: Sendable {
    package var name: String
    package var elementType: ElementType
    package var shape: Shape
    /// Bytes of the data that the tensor occupies, counted from the data's start.
    package var range: Range<Int>
  }

  package var metadata: [String: String]
  /// In the order of their data.
  package var entries: [Entry]
  /// The offset of the data in the file.
  package var dataStart: Int

  /// The bytes of the file that a tensor occupies.
  func fileRange(of entry: Entry) -> Range<Int> {
    dataStart + entry.range.lowerBound..<dataStart + entry.range.upperBound
  }

  /// Bytes of the data.
  package var byteCount: Int { entries.last?.range.upperBound ?? 0 }

  /// The format's own limit.
  package static let limit = 100_000_000
  private static let metadataKey = "__metadata__"

  /// Reads and checks everything but the data itself.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - file: the name that errors carry.
  package init(parsing bytes: RawSpan, file: String?) throws(SafetensorsError) {
    func fail(_ offset: Int, _ problem: SafetensorsError.Problem) -> SafetensorsError {
      SafetensorsError(file: file, offset: offset, problem: problem)
    }
    guard let length = bytes.integer(at: 0, as: UInt64.self) else {
      throw fail(0, .truncatedHeader(needed: 8, available: bytes.byteCount))
    }
    guard length <= UInt64(Self.limit) else {
      throw fail(0, .headerTooLarge(byteCount: length, limit: Self.limit))
    }
    let dataStart = 8 + Int(length)
    guard dataStart <= bytes.byteCount else {
      throw fail(0, .truncatedHeader(needed: dataStart, available: bytes.byteCount))
    }

    let raw: RawHeader
    do {
      raw = try RawHeader(scanning: bytes.array(8..<dataStart))
    } catch {
      throw fail(8 + error.position, .malformedHeader(expected: error.expected))
    }
    if let (name, position) = raw.duplicate { throw fail(8 + position, .duplicateName(name)) }

    var entries: [Entry] = []
    entries.reserveCapacity(raw.entries.count)
    for entry in raw.entries {
      do {
        entries.append(try entry.checked())
      } catch {
        throw fail(8 + entry.position, error)
      }
    }
    entries.sort {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    var end = 0
    for entry in entries {
      guard entry.range.lowerBound == end else {
        throw fail(
          8,
          .misplaced(
            tensor: entry.name, expectedStart: end, actualStart: entry.range.lowerBound))
      }
      end = entry.range.upperBound
    }
    guard end == bytes.byteCount - dataStart else {
      throw fail(dataStart, .dataSize(expected: end, actual: bytes.byteCount - dataStart))
    }
    metadata = raw.metadata
    self.entries = entries
    self.dataStart = dataStart
  }

  /// Places tensors one after the other: wide elements first, so that each is aligned to its size,
  /// then by name.
  package init(
    placing tensors: [String: Tensor], metadata: [String: String]
  ) throws(SafetensorsError) {
    if tensors[Self.metadataKey] != nil {
      throw SafetensorsError(offset: 0, problem: .reservedName(Self.metadataKey))
    }
    self.metadata = metadata
    let ordered = tensors.sorted {
      (-$0.value.elementType.byteCount, $0.key) < (-$1.value.elementType.byteCount, $1.key)
    }
    entries = []
    var end = 0
    for (name, tensor) in ordered {
      let range = end..<end + tensor.byteCount
      entries.append(
        Entry(name: name, elementType: tensor.elementType, shape: tensor.shape, range: range))
      end = range.upperBound
    }
    dataStart = 0
    dataStart = encoded().count
  }

  /// The length and the JSON, padded with spaces so that the data begins at a multiple of 64 bytes.
  package func encoded() -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }
        .map { "\($0.key.jsonLiteral):\($0.value.jsonLiteral)" }
      members.append("\(Self.metadataKey.jsonLiteral):{\(pairs.joined(separator: ","))}")
    }
    for entry in entries {
      let shape = entry.shape.dimensions.map(String.init).joined(separator: ",")
      members.append(
        "\(entry.name.jsonLiteral):{\"dtype\":\"\(entry.elementType.safetensorsName)\","
          + "\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(entry.range.lowerBound),\(entry.range.upperBound)]}")
    }
    var json = [UInt8]("{\(members.joined(separator: ","))}".utf8)
    json += [UInt8](repeating: 0x20, count: (64 - (8 + json.count) % 64) % 64)
    let length = UInt64(json.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + json
  }

  /// The JSON as it stands, before any number in it is believed.
  private struct RawHeader {
    var metadata: [String: String] = [:]
    var entries: [RawEntry] = []
    /// The first name that appears twice, and where.
    var duplicate: (name: String, position: Int)?

    init(scanning text: [UInt8]) throws(TextScanner.Failure) {
      guard text.first == UInt8(ascii: "{") else {
        throw TextScanner.Failure(position: 0, expected: "'{' as the first byte")
      }
      var scanner = TextScanner(text)
      var names: Set<String> = []
      try scanner.object { scanner, name throws(TextScanner.Failure) in
        if !names.insert(name).inserted, duplicate == nil {
          duplicate = (name, scanner.position)
        }
        if name == SafetensorsHeader.metadataKey {
          try scanner.object { scanner, key throws(TextScanner.Failure) in
            if metadata[key] != nil, duplicate == nil { duplicate = (key, scanner.position) }
            metadata[key] = try scanner.string()
          }
        } else {
          entries.append(try RawEntry(named: name, scanning: &scanner))
        }
      }
      try scanner.requireEnd("nothing after the closing brace")
    }
  }

  private struct RawEntry {
    var name: String
    var position: Int
    var elementType: String?
    var dimensions: [Int]?
    var offsets: [Int]?

    init(named name: String, scanning scanner: inout TextScanner) throws(TextScanner.Failure) {
      self.name = name
      position = scanner.position
      try scanner.object { scanner, key throws(TextScanner.Failure) in
        switch key {
        case "dtype" where elementType == nil: elementType = try scanner.string()
        case "shape" where dimensions == nil: dimensions = try scanner.integers()
        case "data_offsets" where offsets == nil: offsets = try scanner.integers()
        default: throw scanner.expected("the fields dtype, shape and data_offsets, once each")
        }
      }
    }

    func checked() throws(SafetensorsError.Problem) -> Entry {
      guard let elementType else { throw .missingField(tensor: name, field: "dtype") }
      guard let dimensions else { throw .missingField(tensor: name, field: "shape") }
      guard let offsets else { throw .missingField(tensor: name, field: "data_offsets") }
      guard let type = ElementType(safetensorsName: elementType) else {
        throw .unsupportedElementType(tensor: name, name: elementType)
      }
      guard let shape = Shape(checking: dimensions) else {
        throw .shapeTooLarge(tensor: name, dimensions: dimensions)
      }
      let byteCount = shape.count * type.byteCount
      guard offsets.count == 2, offsets[0] <= offsets[1] else {
        throw .malformedHeader(expected: "two ascending data_offsets of tensor '\(name)'")
      }
      guard offsets[1] - offsets[0] == byteCount else {
        throw .sizeMismatch(
          tensor: name, shape: shape, needed: byteCount, given: offsets[1] - offsets[0])
      }
      return Entry(
        name: name, elementType: type, shape: shape, range: offsets[0]..<offsets[1])
    }
  }
}

extension SafetensorsError.Problem: Error {}

extension ElementType {
  fileprivate var safetensorsName: String {
    switch self {
    case .float64: "F64"
    case .float32: "F32"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .int64: "I64"
    case .int32: "I32"
    case .int16: "I16"
    case .int8: "I8"
    case .uint64: "U64"
    case .uint32: "U32"
    case .uint16: "U16"
    case .uint8: "U8"
    case .bool: "BOOL"
    }
  }

  fileprivate init?(safetensorsName name: String) {
    guard let type = Self.allCases.first(where: { $0.safetensorsName == name }) else { return nil }
    self = type
  }
}
