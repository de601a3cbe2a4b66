import ConvNetFiles

/// The messages of ONNX's files that networks need, with the format's field numbers: `onnx.proto` of
/// https://github.com/onnx/onnx.
///
/// Each has `init(reading:in:)` and ``ONNXMessage/write(to:)``. Tensors are known by their places in the file, so that a model of
/// gigabytes is opened in no time and in no memory. To make a file, fill in an ``ONNXModel`` and write it:
///
/// ```swift
/// var graph = ONNXGraph(name: "lenet5")
/// graph.inputs = [ONNXValue(name: "image", type: .float32, shape: [.name("batch"), .extent(1), .extent(28), .extent(28)])]
/// graph.initializers = [ONNXTensor(name: "conv1.weight", kernel)]
/// graph.nodes = [ONNXNode("Conv", inputs: ["image", "conv1.weight"], outputs: ["conv1"], name: "conv1",
///   attributes: [ONNXAttribute("strides", [1, 1])])]
/// graph.outputs = [ONNXValue(name: "conv1", type: .float32, shape: [.name("batch"), .extent(6), .extent(24), .extent(24)])]
/// try ONNXModel(graph: graph).write(to: "lenet5.onnx")
/// ```
package struct ONNXModel: Hashable, Sendable {
  /// Which messages the file may have; 10 since 2024.
  package var formatVersion = 10
  package var producer = ""
  package var producerVersion = ""
  /// Which meaning the operators of each domain have; "" is ONNX's own.
  package var operatorSets: [OperatorSet] = [OperatorSet(domain: "", version: 17)]
  package var metadata: [Entry] = []
  package var graph: ONNXGraph
  package var functions: [ONNXFunction] = []

  package struct OperatorSet: Hashable, Sendable {
    package var domain: String
    package var version: Int

    package init(domain: String, version: Int) {
      self.domain = domain
      self.version = version
    }
  }

  /// A text under a key.
  package struct Entry: Hashable, Sendable {
    package var key: String
    package var value: String

    package init(key: String, value: String) {
      self.key = key
      self.value = value
    }
  }

  package init(graph: ONNXGraph) {
    self.graph = graph
  }

  /// - Throws: ``ProtocolBufferError``, ``ONNXError/Problem`` where the bytes are no such message.
  package init(reading bytes: RawSpan) throws {
    var reader = ProtocolBufferReader(0..<bytes.byteCount)
    var graph: ONNXGraph?
    operatorSets = []
    formatVersion = 0
    while let field = try reader.next(in: bytes) {
      switch field.number {
      case 1: formatVersion = try field.integer()
      case 2: producer = try field.string(in: bytes)
      case 3: producerVersion = try field.string(in: bytes)
      case 7: graph = try ONNXGraph(reading: field.message(), in: bytes)
      case 8: operatorSets.append(try OperatorSet(reading: field.message(), in: bytes))
      case 14: metadata.append(try Entry(reading: field.message(), in: bytes))
      case 25: functions.append(try ONNXFunction(reading: field.message(), in: bytes))
      default: break
      }
    }
    guard let graph else { throw ONNXError.Problem.noGraph }
    self.graph = graph
  }

  /// The meaning of ONNX's own operators; `nil` where the file does not say.
  package var version: Int? { operatorSets.version }
}

extension [ONNXModel.OperatorSet] {
  /// The version of ONNX's own operators, whose domain has two names.
  package var version: Int? { first { $0.domain == "" || $0.domain == "ai.onnx" }?.version }
}

/// A part of a file with a form of its own.
protocol ONNXMessage {
  init(reading message: ProtocolBufferReader, in bytes: RawSpan) throws

  func write(to message: inout ProtocolBufferWriter)
}

extension ProtocolBufferWriter {
  mutating func append(_ message: some ONNXMessage, field: Int) {
    var inner = ProtocolBufferWriter()
    message.write(to: &inner)
    append(inner, field: field)
  }

  /// A text that may be absent.
  mutating func append(ifAny text: String, field: Int) {
    if !text.isEmpty { append(text, field: field) }
  }
}

extension ONNXModel.OperatorSet: ONNXMessage {
  init(reading message: ProtocolBufferReader, in bytes: RawSpan) throws {
    var message = message
    (domain, version) = ("", 0)
    while let field = try message.next(in: bytes) {
      switch field.number {
      case 1: domain = try field.string(in: bytes)
      case 2: version = try field.integer()
      default: break
      }
    }
  }

  func write(to message: inout ProtocolBufferWriter) {
    message.append(domain, field: 1)
    message.append(version, field: 2)
  }
}

extension ONNXModel.Entry: ONNXMessage {
  init(reading message: ProtocolBufferReader, in bytes: RawSpan) throws {
    var message = message
    (key, value) = ("", "")
    while let field = try message.next(in: bytes) {
      switch field.number {
      case 1: key = try field.string(in: bytes)
      case 2: value = try field.string(in: bytes)
      default: break
      }
    }
  }

  func write(to message: inout ProtocolBufferWriter) {
    message.append(key, field: 1)
    message.append(value, field: 2)
  }
}

extension ONNXModel {
  /// Writes a file, whole or not at all. Tensors are written from where they lie.
  ///
  /// - Throws: ``FileError`` where the file cannot be written, ``ONNXError`` where it would have more than the 2 GB that messages
  ///   of protocol buffers may have.
  package func write(to path: String) throws {
    let parts = parts
    let byteCount = parts.reduce(0) { $0 + $1.bytes.count + ($1.tensor?.rawByteCount ?? 0) }
    guard byteCount < Int(Int32.max) else {
      throw ONNXError(file: path, problem: .tooLargeToWrite(byteCount: byteCount))
    }
    try AtomicFile.write(to: path) { file in
      for part in parts {
        try file.write(part.bytes.span.bytes)
        try part.tensor?.withRawBytes { try file.write($0) }
      }
    }
  }

  /// The whole file in memory: of small models.
  package var bytes: [UInt8] {
    parts.reduce(into: []) { bytes, part in
      bytes += part.bytes
      part.tensor?.withRawBytes { bytes += $0.array(0..<$0.byteCount) }
    }
  }

  /// What a file is made of: bytes, and the tensors whose elements follow them.
  private var parts: [(bytes: [UInt8], tensor: ONNXTensor?)] {
    var head = ProtocolBufferWriter()
    head.append(formatVersion, field: 1)
    head.append(ifAny: producer, field: 2)
    head.append(ifAny: producerVersion, field: 3)
    for set in operatorSets { head.append(set, field: 8) }
    for entry in metadata { head.append(entry, field: 14) }
    for function in functions { head.append(function, field: 25) }
    var body = ProtocolBufferWriter()
    graph.write(to: &body, withInitializers: false)
    let tensors = graph.initializers.map { tensor in
      var beginning = ProtocolBufferWriter()
      tensor.writeBeginning(to: &beginning)
      var framed = ProtocolBufferWriter()
      framed.appendBeginning(byteCount: beginning.bytes.count + tensor.rawByteCount, field: 5)
      return (bytes: framed.bytes + beginning.bytes, tensor: Optional(tensor))
    }
    let byteCount = tensors.reduce(body.bytes.count) {
      $0 + $1.bytes.count + ($1.tensor?.rawByteCount ?? 0)
    }
    head.appendBeginning(byteCount: byteCount, field: 7)
    return [(head.bytes + body.bytes, nil)] + tensors
  }
}
