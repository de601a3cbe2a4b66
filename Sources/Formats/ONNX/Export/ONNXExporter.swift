import ConvNetFiles
package import ConvNetGraphs
import ConvNetImages
import ConvNetTensors

/// What an operation becomes in an ONNX file.
protocol ExportedOperation: OperationAttributes {
  /// Appends the nodes that compute the operation's first output.
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws
}

/// Makes the nodes of an ONNX graph from a network.
///
/// Values keep their names, parameters theirs, so that who looks at the file finds the layers. What does not depend on the input,
/// a parameter under another shape or a constant, is an initializer.
package struct ONNXExporter {
  /// The meaning of the operators: the newest that has all and that runtimes of the last years read.
  static let operatorSet = 17
  /// The first version of the format that has them.
  static let formatVersion = 8

  /// As far as it is made.
  private(set) var result: ONNXGraph
  private let graph: Graph
  private let elementType: ElementType
  /// What is done to pixels within the file's graph.
  private let preprocessing: Preprocessing?
  /// What values are called in the file.
  private var names: [ValueID: String] = [:]
  private var takenNames: Set<String> = []
  /// Names of nodes, which are others than those of values.
  private var takenNodeNames: Set<String> = []
  /// What outputs of the network are called.
  private var outputNames: [ValueID: String] = [:]
  /// Values that are the same for every input, by what they are called where they are written, and whether they are.
  private var constants: [ValueID: (name: String, tensor: Tensor)] = [:]
  /// Names under which constants are written, by value and shape.
  private var writtenConstants: [ConstantKey: String] = [:]

  private struct ConstantKey: Hashable {
    var value: ValueID
    var shape: Shape
  }

  /// - Parameters:
  ///   - elementType: in which parameters are kept; the network reads them as `float32`.
  ///   - preprocessing: what the file's graph does to pixels before the network reads them.
  init(
    _ graph: Graph, parameters: [String: Tensor], elementType: ElementType = .float32,
    preprocessing: Preprocessing? = nil
  ) {
    self.graph = graph
    self.elementType = elementType
    self.preprocessing = preprocessing
    result = ONNXGraph(name: graph.name)
    for id in graph.parameters {
      let name = graph[id].name
      if let tensor = parameters[name] { constants[id] = (name, tensor) }
      takenNames.insert(name)
    }
    for output in graph.outputs where outputNames[output.value] == nil {
      outputNames[output.value] = output.name
    }
    for output in graph.outputs { takenNames.insert(output.name) }
  }

  /// Operations that ONNX has no operators for, or we have no words for these.
  package static func operationsWithoutForm(in graph: Graph) -> [String] {
    graph.operations.filter {
      !$0.attributes.traits.isIdentityInInference && !($0.attributes is any ExportedOperation)
    }.map { "\($0.name) (\(type(of: $0.attributes).words))" }
  }

  /// All of the network. The batch is any.
  ///
  /// - Throws: ``ONNXError/Problem`` with every operation that has no form there; ``GraphError`` where a shape does not fit.
  mutating func export() throws {
    let missing = Self.operationsWithoutForm(in: graph)
    guard missing.isEmpty else { throw ONNXError.Problem.withoutForm(missing) }
    for id in graph.inputs {
      let name = unique(graph[id].name)
      names[id] = name
      result.inputs.append(value(name, of: id))
    }
    if let preprocessing, let input = graph.inputs.first {
      result.inputs[0].type = .uint8
      names[input] = normalized(result.inputs[0].name, by: preprocessing)
    }
    for operation in graph.operations {
      if operation.attributes.traits.isIdentityInInference {
        alias(operation.outputs[0], to: operation.inputs[0])
      } else if let exported = operation.attributes as? any ExportedOperation {
        try exported.export(operation, to: &self)
      }
    }
    for output in graph.outputs {
      let name = try read(output.value)
      if name != output.name {
        append("Identity", [name], as: output.name, name: "\(output.name)/identity")
      }
      result.outputs.append(value(output.name, of: output.value))
    }
  }

  private func value(_ name: String, of id: ValueID) -> ONNXValue {
    let type = graph[id].type
    return ONNXValue(
      name: name, type: ONNXElementType(type.elementType),
      shape: [.name("batch")] + type.shape.dimensions.dropFirst().map { .extent($0) })
  }

  private mutating func unique(_ name: String) -> String {
    Self.unique(name, among: &takenNames)
  }

  private static func unique(_ name: String, among taken: inout Set<String>) -> String {
    var (candidate, number) = (name, 1)
    while !taken.insert(candidate).inserted {
      number += 1
      candidate = "\(name).\(number)"
    }
    return candidate
  }

  // MARK: Reading

  func shape(_ id: ValueID) -> Shape { graph[id].shape }

  /// The value, where it is the same for every input.
  func constant(_ id: ValueID) -> Tensor? { constants[id]?.tensor }

  /// What a value is called; a constant is written with the first node that reads it.
  ///
  /// - Parameter shape: of a constant, where the node wants another of as many elements.
  mutating func read(_ id: ValueID, as shape: Shape? = nil) throws -> String {
    guard let (name, tensor) = constants[id] else {
      guard let name = names[id] else {
        throw ONNXError.Problem.withoutForm(["\(graph[id].name) is read before it is made"])
      }
      return name
    }
    let key = ConstantKey(value: id, shape: shape ?? tensor.shape)
    if let written = writtenConstants[key] { return written }
    let isFirst = !writtenConstants.values.contains(name)
    let written = isFirst ? name : unique(name)
    writtenConstants[key] = written
    takenNames.insert(written)
    write(tensor.reshaped(to: key.shape), as: written)
    return written
  }

  private mutating func write(_ tensor: Tensor, as name: String) {
    guard tensor.elementType == .float32, elementType != .float32, tensor.count > 1 else {
      result.initializers.append(ONNXTensor(name: name, tensor))
      return
    }
    let stored = unique("\(name).\(elementType.rawValue)")
    result.initializers.append(ONNXTensor(name: stored, tensor.converted(to: elementType)))
    append(
      "Cast", [stored], as: name, name: "\(name)/cast",
      [ONNXAttribute("to", ONNXElementType.float32.rawValue)])
  }

  // MARK: Writing

  /// Whole numbers that a node reads: axes, shapes, borders.
  mutating func integers(_ values: [Int], _ role: String, for operation: Operation) -> String {
    constant(
      Tensor(values.map(Int64.init), shape: [values.count]), "\(operation.name)/\(role)")
  }

  /// Numbers that a node reads; without a shape one alone.
  mutating func numbers(
    _ values: [Float], shape: Shape = [], _ role: String, for operation: Operation
  ) -> String {
    constant(Tensor(values, shape: shape), "\(operation.name)/\(role)")
  }

  /// Numbers that a node reads, and what they are called.
  mutating func constant(_ tensor: Tensor, _ name: String) -> String {
    let name = unique(name)
    result.initializers.append(ONNXTensor(name: name, tensor))
    return name
  }

  /// Appends the node that makes the operation's first output.
  mutating func emit(
    _ kind: String, _ inputs: [String], for operation: Operation,
    _ attributes: [ONNXAttribute] = []
  ) {
    let output = operation.outputs[0]
    let name = outputNames[output] ?? unique(graph[output].name)
    names[output] = name
    append(kind, inputs, as: name, name: operation.name, attributes)
  }

  /// Appends a node on the way to it.
  mutating func step(
    _ kind: String, _ inputs: [String], _ role: String, for operation: Operation,
    _ attributes: [ONNXAttribute] = []
  ) -> String {
    step(kind, inputs, "\(operation.name)/\(role)", attributes)
  }

  /// Appends a node, and says what its output is called.
  mutating func step(
    _ kind: String, _ inputs: [String], _ name: String, _ attributes: [ONNXAttribute] = []
  ) -> String {
    let name = unique(name)
    append(kind, inputs, as: name, name: name, attributes)
    return name
  }

  private mutating func append(
    _ kind: String, _ inputs: [String], as output: String, name: String,
    _ attributes: [ONNXAttribute] = []
  ) {
    // Operations of ours may have one name; ONNX Runtime refuses nodes that do.
    let name = Self.unique(name, among: &takenNodeNames)
    result.nodes.append(
      ONNXNode(kind, inputs: inputs, outputs: [output], name: name, attributes: attributes))
  }

  /// Lets a value be another.
  mutating func alias(_ output: ValueID, to input: ValueID) {
    constants[output] = constants[input]
    names[output] = names[input]
  }

  /// Lets a value be one that is the same for every input.
  mutating func settle(_ output: ValueID, _ tensor: Tensor, name: String? = nil) {
    constants[output] = (name ?? unique(graph[output].name), tensor)
  }

  /// What a constant is called that is made of another.
  func constantName(_ id: ValueID) -> String? { constants[id]?.name }
}
