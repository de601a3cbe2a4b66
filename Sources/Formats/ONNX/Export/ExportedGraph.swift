import ConvNetFiles
import ConvNetTensors

// The messages of an ONNX file that a network of ours needs, with the format's field numbers (`onnx.proto` of
// https://github.com/onnx/onnx).

/// A setting of a node.
struct ExportedAttribute: Sendable {
  enum Value: Sendable {
    case integer(Int)
    case float(Float)
    case text(String)
    case integers([Int])
  }

  var name: String
  var value: Value

  init(_ name: String, _ value: Int) { (self.name, self.value) = (name, .integer(value)) }
  init(_ name: String, _ value: Float) { (self.name, self.value) = (name, .float(value)) }
  init(_ name: String, _ value: String) { (self.name, self.value) = (name, .text(value)) }
  init(_ name: String, _ values: [Int]) { (self.name, self.value) = (name, .integers(values)) }

  fileprivate var message: ProtocolBufferWriter {
    var message = ProtocolBufferWriter()
    message.append(name, field: 1)
    // The last field is the kind of the value.
    switch value {
    case .float(let value):
      message.append(value, field: 2)
      message.append(1, field: 20)
    case .integer(let value):
      message.append(value, field: 3)
      message.append(2, field: 20)
    case .text(let value):
      message.append(value, field: 4)
      message.append(3, field: 20)
    case .integers(let values):
      message.append(packed: values, field: 8)
      message.append(7, field: 20)
    }
    return message
  }
}

/// An operator, what it reads, by name, and what it makes.
struct ExportedNode: Sendable {
  var kind: String
  /// An empty name stands for an input that is absent.
  var inputs: [String]
  var output: String
  var name: String
  var attributes: [ExportedAttribute]

  fileprivate var message: ProtocolBufferWriter {
    var message = ProtocolBufferWriter()
    for input in inputs { message.append(input, field: 1) }
    message.append(output, field: 2)
    message.append(name, field: 3)
    message.append(kind, field: 4)
    for attribute in attributes { message.append(attribute.message, field: 5) }
    return message
  }
}

/// An input or output of the network, for any batch.
struct ExportedValue: Sendable {
  var name: String
  var type: ElementType
  /// Of one example.
  var extents: [Int]

  fileprivate var message: ProtocolBufferWriter {
    var batch = ProtocolBufferWriter()
    batch.append("batch", field: 2)
    var shape = ProtocolBufferWriter()
    shape.append(batch, field: 1)
    for extent in extents {
      var dimension = ProtocolBufferWriter()
      dimension.append(extent, field: 1)
      shape.append(dimension, field: 1)
    }
    var tensor = ProtocolBufferWriter()
    tensor.append(type.numberInONNX, field: 1)
    tensor.append(shape, field: 2)
    var type = ProtocolBufferWriter()
    type.append(tensor, field: 1)
    var message = ProtocolBufferWriter()
    message.append(name, field: 1)
    message.append(type, field: 2)
    return message
  }
}

/// Nodes that compute outputs from inputs and constants, by name.
struct ExportedGraph: Sendable {
  var name: String
  var nodes: [ExportedNode] = []
  var constants: [(name: String, tensor: Tensor)] = []
  var inputs: [ExportedValue] = []
  var outputs: [ExportedValue] = []

  /// Writes a file whole or not at all; tensors from where they lie.
  ///
  /// - Throws: ``ONNXExportError/Problem`` where the file would have more than the 2 GB that messages of protocol buffers may
  ///   have; ``FileError``.
  func write(to path: String, operatorSet: Int, metadata: [(key: String, value: String)]) throws {
    var head = ProtocolBufferWriter()
    // The first version of the format that has the operator set.
    head.append(8, field: 1)
    head.append("ConvNet", field: 2)
    head.append(packageVersion, field: 3)
    var operators = ProtocolBufferWriter()
    operators.append("", field: 1)
    operators.append(operatorSet, field: 2)
    head.append(operators, field: 8)
    for entry in metadata {
      var message = ProtocolBufferWriter()
      message.append(entry.key, field: 1)
      message.append(entry.value, field: 2)
      head.append(message, field: 14)
    }
    var body = ProtocolBufferWriter()
    for node in nodes { body.append(node.message, field: 1) }
    body.append(name, field: 2)
    for input in inputs { body.append(input.message, field: 11) }
    for output in outputs { body.append(output.message, field: 12) }
    // What stands before the bytes of each tensor.
    let beginnings = constants.map { constant in
      var message = ProtocolBufferWriter()
      message.append(packed: constant.tensor.shape.dimensions, field: 1)
      message.append(constant.tensor.elementType.numberInONNX, field: 2)
      message.append(constant.name, field: 8)
      let bytes = message.bytes + beginning(ofField: 9, byteCount: constant.tensor.byteCount)
      return beginning(ofField: 5, byteCount: bytes.count + constant.tensor.byteCount) + bytes
    }
    let count = zip(beginnings, constants).reduce(body.bytes.count) {
      $0 + $1.0.count + $1.1.tensor.byteCount
    }
    guard head.bytes.count + count < Int(Int32.max) - 16 else {
      throw ONNXExportError.Problem.tooLarge(byteCount: count)
    }
    try AtomicFile.write(to: path) { file in
      try file.write((head.bytes + beginning(ofField: 7, byteCount: count)).span.bytes)
      try file.write(body.bytes.span.bytes)
      for (beginning, constant) in zip(beginnings, constants) {
        try file.write(beginning.span.bytes)
        try constant.tensor.withUnsafeBytes { try file.write($0.bytes) }
      }
    }
  }

  /// Key and length of a field of bytes that are written behind it.
  private func beginning(ofField field: Int, byteCount: Int) -> [UInt8] {
    var bytes = [UInt8(field << 3 | 2)]
    var rest = byteCount
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}

extension ElementType {
  /// The format's number of the type.
  fileprivate var numberInONNX: Int {
    switch self {
    case .float32: 1
    case .uint8: 2
    case .int8: 3
    case .uint16: 4
    case .int16: 5
    case .int32: 6
    case .int64: 7
    case .bool: 9
    case .float16: 10
    case .float64: 11
    case .uint32: 12
    case .uint64: 13
    case .bfloat16: 16
    }
  }
}
