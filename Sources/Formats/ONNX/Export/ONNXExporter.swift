import ConvNetFiles
package import ConvNetGraphs
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

  /// As far as it is made.
  private(set) var result: ExportedGraph
  private let graph: Graph
  private let elementType: ElementType
  /// What values are called in the file.
  private var names: [ValueID: String] = [:]
  private var takenNames: Set<String> = []
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

  /// - Parameter elementType: in which parameters are kept; the network reads them as `float32`.
  init(_ graph: Graph, parameters: [String: Tensor], elementType: ElementType = .float32) {
    self.graph = graph
    self.elementType = elementType
    result = ExportedGraph(name: graph.name)
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
  /// - Throws: ``ONNXExportError/Problem`` with every operation that has no form there; ``GraphError`` where a shape does not
  ///   fit.
  mutating func export() throws {
    let missing = Self.operationsWithoutForm(in: graph)
    guard missing.isEmpty else { throw ONNXExportError.Problem.operations(missing) }
    for id in graph.inputs {
      let name = unique(graph[id].name)
      names[id] = name
      result.inputs.append(value(name, of: id))
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

  private func value(_ name: String, of id: ValueID) -> ExportedValue {
    let type = graph[id].type
    return ExportedValue(
      name: name, type: type.elementType, extents: Array(type.shape.dimensions.dropFirst()))
  }

  private mutating func unique(_ name: String) -> String {
    var (candidate, number) = (name, 1)
    while !takenNames.insert(candidate).inserted {
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
        throw ONNXExportError.Problem.operations(["\(graph[id].name) is read before it is made"])
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
      result.constants.append((name, tensor))
      return
    }
    let stored = unique("\(name).\(elementType.rawValue)")
    result.constants.append((stored, tensor.converted(to: elementType)))
    // 1 is `float32`.
    append("Cast", [stored], as: name, name: "\(name)/cast", [ExportedAttribute("to", 1)])
  }

  // MARK: Writing

  /// Whole numbers that a node reads: axes, shapes, borders.
  mutating func integers(_ values: [Int], _ role: String, for operation: Operation) -> String {
    let name = unique("\(operation.name)/\(role)")
    result.constants.append((name, Tensor(values.map(Int64.init), shape: [values.count])))
    return name
  }

  /// Numbers that a node reads; without a shape one alone.
  mutating func numbers(
    _ values: [Float], shape: Shape = [], _ role: String, for operation: Operation
  ) -> String {
    let name = unique("\(operation.name)/\(role)")
    result.constants.append((name, Tensor(values, shape: shape)))
    return name
  }

  /// Appends the node that makes the operation's first output.
  mutating func emit(
    _ kind: String, _ inputs: [String], for operation: Operation,
    _ attributes: [ExportedAttribute] = []
  ) {
    let output = operation.outputs[0]
    let name = outputNames[output] ?? unique(graph[output].name)
    names[output] = name
    append(kind, inputs, as: name, name: operation.name, attributes)
  }

  /// Appends a node on the way to it.
  mutating func step(
    _ kind: String, _ inputs: [String], _ role: String, for operation: Operation,
    _ attributes: [ExportedAttribute] = []
  ) -> String {
    let name = unique("\(operation.name)/\(role)")
    append(kind, inputs, as: name, name: name, attributes)
    return name
  }

  private mutating func append(
    _ kind: String, _ inputs: [String], as output: String, name: String,
    _ attributes: [ExportedAttribute] = []
  ) {
    result.nodes.append(
      ExportedNode(
        kind: kind, inputs: inputs, output: output, name: name, attributes: attributes))
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
