import ConvNetFiles

/// Nodes that compute values from values, by name.
package struct ONNXGraph: Hashable, Sendable {
  package var name: String
  package var nodes: [ONNXNode] = []
  package var initializers: [ONNXTensor] = []
  /// Until the fourth version of the format, initializers stand here too.
  package var inputs: [ONNXValue] = []
  package var outputs: [ONNXValue] = []
  /// What the file says of values inside.
  package var values: [ONNXValue] = []
  /// Initializers that list only what is not zero: how many there are, which is none that we read.
  package var sparseInitializerCount = 0

  package init(name: String) {
    self.name = name
  }
}

extension ONNXGraph: ONNXMessage {
  init(reading message: ProtocolBufferReader, in bytes: RawSpan) throws {
    self.init(name: "")
    var message = message
    while let field = try message.next(in: bytes) {
      switch field.number {
      case 1: nodes.append(try ONNXNode(reading: field.message(), in: bytes))
      case 2: name = try field.string(in: bytes)
      case 5: initializers.append(try ONNXTensor(reading: field.message(), in: bytes))
      case 11: inputs.append(try ONNXValue(reading: field.message(), in: bytes))
      case 12: outputs.append(try ONNXValue(reading: field.message(), in: bytes))
      case 13: values.append(try ONNXValue(reading: field.message(), in: bytes))
      case 15: sparseInitializerCount += 1
      default: break
      }
      try ONNXLimits.require(nodes.count, atMost: ONNXLimits.nodes, of: "nodes")
      try ONNXLimits.require(
        initializers.count + inputs.count + outputs.count + values.count,
        atMost: ONNXLimits.values, of: "values")
    }
  }

  func write(to message: inout ProtocolBufferWriter) {
    write(to: &message, withInitializers: true)
  }

  func write(to message: inout ProtocolBufferWriter, withInitializers: Bool) {
    for node in nodes { message.append(node, field: 1) }
    message.append(name, field: 2)
    for input in inputs { message.append(input, field: 11) }
    for output in outputs { message.append(output, field: 12) }
    for value in values { message.append(value, field: 13) }
    guard withInitializers else { return }
    for initializer in initializers { message.append(initializer, field: 5) }
  }
}

/// How much of a file is taken. What it describes is in memory a hundred times as large as in the file.
enum ONNXLimits {
  /// As many operations as a graph of ours may have.
  static let nodes = 1 << 16
  static let values = 1 << 18
  static let attributes = 1 << 10
  static let inputsOfNode = 1 << 14
  static let nameByteCount = 1 << 10
  /// Numbers of a list that is an attribute.
  static let listCount = 1 << 20

  static func require(_ count: Int, atMost limit: Int, of what: String) throws(ONNXError.Problem) {
    guard count <= limit else { throw .tooMany(what, limit: limit) }
  }
}

extension ProtocolBufferReader.Field {
  /// A name, of which tables and messages are full.
  func name(in bytes: RawSpan) throws -> String {
    try ONNXLimits.require(range().count, atMost: ONNXLimits.nameByteCount, of: "bytes in a name")
    return try string(in: bytes)
  }
}

/// An operator, what it reads and what it makes.
package struct ONNXNode: Hashable, Sendable {
  /// As in `Conv`.
  package var kind: String
  /// Whose operator it is; "" is ONNX's own.
  package var domain: String
  /// For people; may be absent.
  package var name: String
  /// An empty name stands for an input that is absent.
  package var inputs: [String]
  package var outputs: [String]
  package var attributes: [ONNXAttribute]

  package init(
    _ kind: String, inputs: [String], outputs: [String], name: String = "",
    attributes: [ONNXAttribute] = [], domain: String = ""
  ) {
    self.kind = kind
    self.domain = domain
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
  }

  /// Its name, or that of its first result.
  package var label: String { name.isEmpty ? outputs.first ?? kind : name }

  package subscript(attribute: String) -> ONNXAttribute? {
    attributes.first { $0.name == attribute }
  }
}

extension ONNXNode: ONNXMessage {
  init(reading message: ProtocolBufferReader, in bytes: RawSpan) throws {
    self.init("", inputs: [], outputs: [])
    var message = message
    while let field = try message.next(in: bytes) {
      switch field.number {
      case 1: inputs.append(try field.name(in: bytes))
      case 2: outputs.append(try field.name(in: bytes))
      case 3: name = try field.name(in: bytes)
      case 4: kind = try field.name(in: bytes)
      case 5: attributes.append(try ONNXAttribute(reading: field.message(), in: bytes))
      case 7: domain = try field.name(in: bytes)
      default: break
      }
      try ONNXLimits.require(
        inputs.count + outputs.count, atMost: ONNXLimits.inputsOfNode, of: "values of a node")
      try ONNXLimits.require(
        attributes.count, atMost: ONNXLimits.attributes, of: "attributes of a node")
    }
    if domain == "ai.onnx" { domain = "" }
  }

  func write(to message: inout ProtocolBufferWriter) {
    for input in inputs { message.append(input, field: 1) }
    for output in outputs { message.append(output, field: 2) }
    message.append(ifAny: name, field: 3)
    message.append(kind, field: 4)
    for attribute in attributes { message.append(attribute, field: 5) }
    message.append(ifAny: domain, field: 7)
  }
}

/// A node's own kind: what a node that names it stands for.
package struct ONNXFunction: Hashable, Sendable {
  package var name: String
  package var domain: String
  package var inputs: [String] = []
  package var outputs: [String] = []
  /// Attributes that a node may give.
  package var attributeNames: [String] = []
  /// Those that have a usual value.
  package var defaults: [ONNXAttribute] = []
  package var nodes: [ONNXNode] = []
  package var operatorSets: [ONNXModel.OperatorSet] = []

  package init(name: String, domain: String) {
    self.name = name
    self.domain = domain
  }
}

extension ONNXFunction: ONNXMessage {
  init(reading message: ProtocolBufferReader, in bytes: RawSpan) throws {
    self.init(name: "", domain: "")
    var message = message
    while let field = try message.next(in: bytes) {
      switch field.number {
      case 1: name = try field.name(in: bytes)
      case 4: inputs.append(try field.name(in: bytes))
      case 5: outputs.append(try field.name(in: bytes))
      case 6: attributeNames.append(try field.name(in: bytes))
      case 7: nodes.append(try ONNXNode(reading: field.message(), in: bytes))
      case 9:
        operatorSets.append(try ONNXModel.OperatorSet(reading: field.message(), in: bytes))
      case 10: domain = try field.name(in: bytes)
      case 11: defaults.append(try ONNXAttribute(reading: field.message(), in: bytes))
      default: break
      }
      try ONNXLimits.require(nodes.count, atMost: ONNXLimits.nodes, of: "nodes")
    }
  }

  func write(to message: inout ProtocolBufferWriter) {
    message.append(name, field: 1)
    for input in inputs { message.append(input, field: 4) }
    for output in outputs { message.append(output, field: 5) }
    for attribute in attributeNames { message.append(attribute, field: 6) }
    for node in nodes { message.append(node, field: 7) }
    for set in operatorSets { message.append(set, field: 9) }
    message.append(domain, field: 10)
    for attribute in defaults { message.append(attribute, field: 11) }
  }
}

/// What is said of a value: its type, and its extents as far as they are known.
package struct ONNXValue: Hashable, Sendable {
  /// Of one axis.
  package enum Extent: Hashable, Sendable {
    case extent(Int)
    /// Any; the same wherever the name stands.
    case name(String)
    case unknown
  }

  package var name: String
  /// `nil` where the value is no tensor, but a sequence or a map.
  package var type: ONNXElementType?
  /// `nil` where not even the number of axes is known.
  package var shape: [Extent]?

  package init(name: String, type: ONNXElementType?, shape: [Extent]?) {
    self.name = name
    self.type = type
    self.shape = shape
  }
}

extension ONNXValue: ONNXMessage {
  init(reading message: ProtocolBufferReader, in bytes: RawSpan) throws {
    self.init(name: "", type: nil, shape: nil)
    var message = message
    while let field = try message.next(in: bytes) {
      switch field.number {
      case 1: name = try field.name(in: bytes)
      case 2:
        var type = try field.message()
        while let field = try type.next(in: bytes) {
          // Of sequences, maps and sparse tensors no more is asked than that they are none.
          if field.number == 1 { try readTensorType(field.message(), in: bytes) }
        }
      default: break
      }
    }
  }

  private mutating func readTensorType(
    _ message: ProtocolBufferReader, in bytes: RawSpan
  ) throws {
    var message = message
    while let field = try message.next(in: bytes) {
      switch field.number {
      case 1: type = ONNXElementType(rawValue: try field.integer())
      case 2:
        var shape: [Extent] = []
        var axes = try field.message()
        while let field = try axes.next(in: bytes) {
          if field.number == 1 { shape.append(try Self.extent(field.message(), in: bytes)) }
          try ONNXLimits.require(shape.count, atMost: ONNXTensor.rankLimit, of: "axes")
        }
        self.shape = shape
      default: break
      }
    }
  }

  private static func extent(
    _ message: ProtocolBufferReader, in bytes: RawSpan
  ) throws -> Extent {
    var message = message
    var extent = Extent.unknown
    while let field = try message.next(in: bytes) {
      switch field.number {
      case 1: extent = .extent(try field.integer())
      case 2:
        let name = try field.name(in: bytes)
        extent = name.isEmpty ? .unknown : .name(name)
      default: break
      }
    }
    return extent
  }

  func write(to message: inout ProtocolBufferWriter) {
    message.append(name, field: 1)
    guard let type else { return }
    var tensor = ProtocolBufferWriter()
    tensor.append(type.rawValue, field: 1)
    if let shape {
      var axes = ProtocolBufferWriter()
      for extent in shape {
        var axis = ProtocolBufferWriter()
        switch extent {
        case .extent(let extent): axis.append(extent, field: 1)
        case .name(let name): axis.append(name, field: 2)
        case .unknown: break
        }
        axes.append(axis, field: 1)
      }
      tensor.append(axes, field: 2)
    }
    var typed = ProtocolBufferWriter()
    typed.append(tensor, field: 1)
    message.append(typed, field: 2)
  }
}
