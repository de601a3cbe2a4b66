import ConvNetFiles
package import ConvNetTensors

/// Numbers of a file: where they lie, and as what.
package struct ONNXTensor: Hashable, Sendable {
  package enum Contents: Hashable, Sendable {
    /// Little-endian elements one after the other, at this place of the file.
    case place(Range<Int>)
    /// Numbers in fields of their own.
    case floats([Float])
    case doubles([Double])
    /// Integers and truth values, and types of two bytes by their bits.
    case integers([Int])
    /// In another file: its name, relative to the model's folder, and a part of it, to its end where there is no length.
    case external(file: String, offset: Int, length: Int?)
    /// A tensor that is to be written.
    case tensor(Held)
    /// Text, or what is in no field that is known.
    case other
  }

  /// A tensor of ours. Two are equal where their bytes are.
  package struct Held: Hashable, Sendable {
    package var tensor: Tensor

    package func hash(into hasher: inout Hasher) { hasher.combine(tensor.shape) }
  }

  /// More than any value of a graph has.
  static let rankLimit = 64

  package var name: String
  package var extents: [Int]
  /// `nil` for one that is not known.
  package var type: ONNXElementType?
  package var contents: Contents

  /// A tensor to be written.
  package init(name: String = "", _ tensor: Tensor) {
    self.name = name
    extents = tensor.shape.dimensions
    type = ONNXElementType(tensor.elementType)
    contents = .tensor(Held(tensor: tensor))
  }

  /// Of the elements as they are written; zero for what is in fields.
  var rawByteCount: Int {
    if case .tensor(let held) = contents { held.tensor.byteCount } else { 0 }
  }

  func withRawBytes(_ body: (RawSpan) throws -> Void) rethrows {
    guard case .tensor(let held) = contents else { return }
    try held.tensor.withUnsafeBytes { try body($0.bytes) }
  }
}

extension ONNXTensor: ONNXMessage {
  init(reading message: ProtocolBufferReader, in bytes: RawSpan) throws {
    var message = message
    (name, extents, type, contents) = ("", [], .float32, .other)
    var (floats, doubles, integers): ([Float], [Double], [Int]) = ([], [], [])
    var raw: Range<Int>?
    var external: [ONNXModel.Entry] = []
    var isExternal = false
    while let field = try message.next(in: bytes) {
      switch field.number {
      case 1:
        try field.append(to: &extents, in: bytes, atMost: Self.rankLimit, of: "axes")
      case 2: type = ONNXElementType(rawValue: try field.integer())
      case 4:
        try field.requireMemory(ofEach: 4)
        try field.append(to: &floats, in: bytes)
      case 5, 7, 11:
        try field.requireMemory(ofEach: 8)
        try field.append(to: &integers, in: bytes)
      case 8: name = try field.name(in: bytes)
      case 9: raw = try field.range()
      case 10:
        try field.requireMemory(ofEach: 8)
        try field.append(to: &doubles, in: bytes)
      case 13:
        external.append(try ONNXModel.Entry(reading: field.message(), in: bytes))
        try ONNXLimits.require(external.count, atMost: 16, of: "entries on external data")
      case 14: isExternal = try field.integer() == 1
      default: break
      }
    }
    if isExternal {
      contents = try Self.external(external, tensor: name)
    } else if let raw {
      contents = .place(raw)
    } else if !floats.isEmpty {
      contents = .floats(floats)
    } else if !doubles.isEmpty {
      contents = .doubles(doubles)
    } else if !integers.isEmpty || type != .string {
      contents = .integers(integers)
    }
  }

  private static func external(
    _ entries: [ONNXModel.Entry], tensor: String
  ) throws(ONNXError.Problem) -> Contents {
    func number(_ key: String) throws(ONNXError.Problem) -> Int? {
      guard let text = entries.first(where: { $0.key == key })?.value else { return nil }
      guard let number = Int(text), number >= 0 else {
        throw .externalData(tensor: tensor, reason: "its \(key) is \(text.debugDescription)")
      }
      return number
    }
    guard let file = entries.first(where: { $0.key == "location" })?.value else {
      throw .externalData(tensor: tensor, reason: "no file is named")
    }
    return .external(file: file, offset: try number("offset") ?? 0, length: try number("length"))
  }

  func write(to message: inout ProtocolBufferWriter) {
    writeBeginning(to: &message)
    guard case .tensor(let held) = contents else { return }
    held.tensor.withUnsafeBytes { message.append(bytesOfField: [UInt8]($0)) }
  }

  /// All but the bytes themselves.
  func writeBeginning(to message: inout ProtocolBufferWriter) {
    message.append(packed: extents, field: 1)
    if let type { message.append(type.rawValue, field: 2) }
    message.append(ifAny: name, field: 8)
    switch contents {
    case .tensor: message.appendBeginning(byteCount: rawByteCount, field: 9)
    case .floats(let values): message.append(packed: values, field: 4)
    case .doubles(let values): message.append(packed: values, field: 10)
    case .integers(let values):
      let field =
        switch type {
        case .int64: 7
        case .uint32, .uint64: 11
        default: 5
        }
      message.append(packed: values, field: field)
    case .external(let file, let offset, let length):
      message.append(ONNXModel.Entry(key: "location", value: file), field: 13)
      message.append(ONNXModel.Entry(key: "offset", value: "\(offset)"), field: 13)
      if let length {
        message.append(ONNXModel.Entry(key: "length", value: "\(length)"), field: 13)
      }
      message.append(1, field: 14)
    case .place, .other: break
    }
  }
}

extension ProtocolBufferReader.Field {
  /// Numbers of a field may be eight times as large in memory as in the file.
  fileprivate func requireMemory(ofEach byteCount: Int) throws {
    guard case .bytes(let range) = value else { return }
    try Memory.require(range.count * byteCount, for: "a tensor of the file")
  }

  fileprivate func append(
    to values: inout [Int], in bytes: RawSpan, atMost limit: Int, of what: String
  ) throws {
    if case .bytes(let range) = value {
      try ONNXLimits.require(range.count, atMost: 10 * limit, of: what)
    }
    try append(to: &values, in: bytes)
    try ONNXLimits.require(values.count, atMost: limit, of: what)
  }
}
