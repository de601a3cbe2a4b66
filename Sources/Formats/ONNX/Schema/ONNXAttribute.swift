import ConvNetFiles

/// A setting of a node.
package struct ONNXAttribute: Hashable, Sendable {
  package enum Value: Hashable, Sendable {
    case integer(Int)
    case float(Float)
    case text(String)
    case tensor(ONNXTensor)
    case integers([Int])
    case floats([Float])
    case texts([String])
    /// Nodes within the node, which decide on branches and loops.
    case graph
    /// An attribute of the function that the node stands in, by its name.
    case reference(String)
    /// Of a kind that no operator of ours has.
    case other
  }

  package var name: String
  package var value: Value

  package init(_ name: String, value: Value) {
    self.name = name
    self.value = value
  }

  package init(_ name: String, _ value: Int) { self.init(name, value: .integer(value)) }
  package init(_ name: String, _ value: Float) { self.init(name, value: .float(value)) }
  package init(_ name: String, _ value: String) { self.init(name, value: .text(value)) }
  package init(_ name: String, _ values: [Int]) { self.init(name, value: .integers(values)) }
  package init(_ name: String, _ values: [Float]) { self.init(name, value: .floats(values)) }
  package init(_ name: String, _ value: ONNXTensor) { self.init(name, value: .tensor(value)) }
}

extension ONNXAttribute: ONNXMessage {
  /// The format's numbers of kinds.
  private enum Kind: Int {
    case undefined, float, integer, text, tensor, graph, floats, integers, texts
  }

  init(reading message: ProtocolBufferReader, in bytes: RawSpan) throws {
    var message = message
    var name = ""
    var (kind, reference) = (0, "")
    var (integer, float, text): (Int?, Float?, String?) = (nil, nil, nil)
    var tensor: ONNXTensor?
    var (integers, floats, texts): ([Int], [Float], [String]) = ([], [], [])
    var hasGraph = false
    while let field = try message.next(in: bytes) {
      switch field.number {
      case 1: name = try field.name(in: bytes)
      case 2: float = try field.float()
      case 3: integer = try field.integer()
      case 4: text = try field.readableText(in: bytes)
      case 5: tensor = try ONNXTensor(reading: field.message(), in: bytes)
      case 6, 11: hasGraph = true
      case 7:
        try field.requireList(floats.count)
        try field.append(to: &floats, in: bytes)
      case 8:
        try field.requireList(integers.count)
        try field.append(to: &integers, in: bytes)
      case 9:
        try field.requireList(texts.count)
        texts.append(try field.readableText(in: bytes))
      case 20: kind = try field.integer()
      case 21: reference = try field.name(in: bytes)
      default: break
      }
    }
    self.name = name
    guard reference.isEmpty else {
      value = .reference(reference)
      return
    }
    // Files of the format's first version leave the kind out: what is there says it.
    switch Kind(rawValue: kind) {
    case .float: value = .float(float ?? 0)
    case .integer: value = .integer(integer ?? 0)
    case .text: value = .text(text ?? "")
    case .tensor: value = tensor.map { .tensor($0) } ?? .other
    case .graph: value = .graph
    case .floats: value = .floats(floats)
    case .integers: value = .integers(integers)
    case .texts: value = .texts(texts)
    case .undefined:
      if hasGraph {
        value = .graph
      } else if let tensor {
        value = .tensor(tensor)
      } else if let text {
        value = .text(text)
      } else if let integer {
        value = .integer(integer)
      } else if let float {
        value = .float(float)
      } else if !floats.isEmpty {
        value = .floats(floats)
      } else if !texts.isEmpty {
        value = .texts(texts)
      } else {
        value = .integers(integers)
      }
    case nil: value = hasGraph ? .graph : .other
    }
  }

  func write(to message: inout ProtocolBufferWriter) {
    message.append(name, field: 1)
    let kind: Kind
    switch value {
    case .float(let value):
      kind = .float
      message.append(value, field: 2)
    case .integer(let value):
      kind = .integer
      message.append(value, field: 3)
    case .text(let value):
      kind = .text
      message.append(value, field: 4)
    case .tensor(let value):
      kind = .tensor
      message.append(value, field: 5)
    case .floats(let values):
      kind = .floats
      message.append(packed: values, field: 7)
    case .integers(let values):
      kind = .integers
      message.append(packed: values, field: 8)
    case .texts(let values):
      kind = .texts
      for value in values { message.append(value, field: 9) }
    case .reference(let name):
      kind = .undefined
      message.append(name, field: 21)
    case .graph, .other: kind = .undefined
    }
    message.append(kind.rawValue, field: 20)
  }
}

extension ProtocolBufferReader.Field {
  /// A list that has so many numbers already has room for those of the field.
  fileprivate func requireList(_ count: Int) throws {
    let added = if case .bytes(let range) = value { range.count } else { 1 }
    try ONNXLimits.require(
      count + added, atMost: ONNXLimits.listCount, of: "numbers in an attribute")
  }

  /// Text of an attribute, which is bytes in the format, and may be anything.
  fileprivate func readableText(in bytes: RawSpan) throws -> String {
    String(decoding: bytes.array(try range()), as: UTF8.self)
  }
}
