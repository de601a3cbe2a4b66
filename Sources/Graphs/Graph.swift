public import ConvNetTensors

/// A network as a plain value: operations in an order in which they can be computed, named values
/// with inferred shapes, named parameters.
///
/// Everything that happens to a network is a rewriting of its graph: differentiation appends the
/// backward operations, a compiler pass returns a simpler graph, and the engine runs what results.
public struct Graph: Hashable, Sendable {
  /// A result of a run.
  public struct Output: Hashable, Sendable, Codable {
    /// By which a run gives the result back, as `logits`.
    public var name: String
    /// The value of the graph that is given back.
    public var value: ValueID
    /// For the classifier at the side of a network: the weight of its loss in training. Absent in
    /// inference.
    public var auxiliaryWeight: Float?
  }

  /// A parameter that takes a computed value at the end of every run: a moving average.
  public struct ParameterUpdate: Hashable, Sendable, Codable {
    /// The parameter that changes, of kind ``ParameterKind/runningMean`` or ``ParameterKind/runningVariance`` in a network's
    /// graph.
    public var parameter: ValueID
    /// The computed value that it takes, of its shape.
    public var value: ValueID

    package init(parameter: ValueID, value: ValueID) {
      self.parameter = parameter
      self.value = value
    }
  }

  /// What the network is called, as in `convnet models`; errors about the whole graph name it.
  public var name: String
  /// All values: inputs, parameters and what operations compute, each at the index that its ``ValueID`` holds.
  public package(set) var values: [Value] = []
  /// In an order in which they can be computed: each reads only inputs, parameters and what stands before it.
  public package(set) var operations: [Operation] = []
  /// What a run gives back, in the order in which it was declared.
  public package(set) var outputs: [Output] = []
  /// What parameters become at the end of a run. Empty but in a graph for training.
  public package(set) var parameterUpdates: [ParameterUpdate] = []

  /// A graph without values, to which inputs, parameters and operations are added.
  public init(name: String) {
    self.name = name
  }

  /// The value that an identifier of this graph stands for. One of another graph stops the program or gives another value.
  public subscript(id: ValueID) -> Value {
    get { values[id.index] }
    set { values[id.index] = newValue }
  }

  /// The identifiers of all values, in order.
  public var valueIDs: [ValueID] { values.indices.map(ValueID.init) }

  /// The values that are given at every run, in the order in which they were added.
  public var inputs: [ValueID] { valueIDs.filter { self[$0].source == .input } }

  /// The learned values and moving averages, in the order in which they were added.
  public var parameters: [ValueID] { valueIDs.filter { self[$0].parameterKind != nil } }

  /// The value of that name, `nil` where there is none. The graph is searched from its beginning.
  public func value(named name: String) -> ValueID? {
    values.firstIndex { $0.name == name }.map(ValueID.init)
  }

  /// The operation that computes each value; `nil` for inputs and parameters.
  package var producers: [ValueID: Int] {
    var producers: [ValueID: Int] = [:]
    for (index, operation) in operations.enumerated() {
      for output in operation.outputs { producers[output] = index }
    }
    return producers
  }

  /// The operations that read each value, in order; one entry a reading.
  package var consumers: [ValueID: [Int]] {
    var consumers: [ValueID: [Int]] = [:]
    for (index, operation) in operations.enumerated() {
      for input in operation.inputs { consumers[input, default: []].append(index) }
    }
    return consumers
  }

  /// The operations that some values need, by their places.
  package func ancestorOperations(of values: [ValueID]) -> Set<Int> {
    let producers = producers
    var found: Set<Int> = []
    var waiting = values
    while let value = waiting.popLast() {
      guard let index = producers[value], found.insert(index).inserted else { continue }
      waiting += operations[index].inputs
    }
    return found
  }

  /// Values that must be there when a run ends.
  package var results: Set<ValueID> {
    Set(outputs.map(\.value) + parameterUpdates.map(\.value))
  }
}

// MARK: - Building

extension Graph {
  /// Adds a value that is given at every run.
  public mutating func addInput(_ name: String, _ type: ValueType) -> ValueID {
    append(Value(name: name, type: type, source: .input))
  }

  /// Adds a parameter of 32-bit floats. Its numbers are not in the graph; a model holds them under the same name.
  public mutating func addParameter(_ name: String, _ shape: Shape, _ kind: ParameterKind)
    -> ValueID
  {
    append(Value(name: name, type: ValueType(shape), source: .parameter(kind)))
  }

  /// Appends an operation and infers its outputs.
  ///
  /// - Throws: ``GraphError`` with the operation's name where the inputs do not fit.
  public mutating func append(
    _ attributes: some OperationAttributes, to inputs: [ValueID], name: String
  ) throws(GraphError) -> [ValueID] {
    try append(attributes, to: inputs, name: name, role: .forward)
  }

  /// The same of an operation that is known better than by its name.
  package mutating func append(
    _ attributes: some OperationAttributes, to inputs: [ValueID], name: String,
    role: Operation.Role = .forward, tablePlace: TablePlace = TablePlace()
  ) throws(GraphError) -> [ValueID] {
    let types = try inferredTypes(attributes, inputs: inputs, name: name)
    let outputs = types.enumerated().map { index, type in
      append(
        Value(name: index == 0 ? name : "\(name):\(index)", type: type, source: .operation))
    }
    operations.append(
      Operation(
        name: name, kind: attributes.kind, inputs: inputs, outputs: outputs, role: role,
        tablePlace: tablePlace))
    return outputs
  }

  /// Appends an operation of one output.
  public mutating func append(
    _ attributes: some OperationAttributes, to inputs: ValueID..., name: String
  ) throws(GraphError) -> ValueID {
    try append(attributes, to: inputs, name: name)[0]
  }

  /// Makes a value a result of a run.
  ///
  /// - Parameter auxiliaryWeight: for the classifier at the side of a network, the weight of its loss in training.
  public mutating func addOutput(
    _ name: String, _ value: ValueID, auxiliaryWeight: Float? = nil
  ) {
    outputs.append(Output(name: name, value: value, auxiliaryWeight: auxiliaryWeight))
  }

  package mutating func append(_ value: Value) -> ValueID {
    values.append(value)
    return ValueID(values.count - 1)
  }
}

// MARK: - Rewriting

extension Graph {
  /// Makes every output and update that reads a value read the one that it is replaced by.
  package mutating func replaceResults(_ replaced: [ValueID: ValueID]) {
    for index in outputs.indices {
      outputs[index].value = replaced[outputs[index].value] ?? outputs[index].value
    }
    for index in parameterUpdates.indices {
      let value = parameterUpdates[index].value
      parameterUpdates[index].value = replaced[value] ?? value
    }
  }

  /// The same graph for other inputs: every shape is inferred anew.
  ///
  /// - Throws: ``GraphError`` where an operation does not take the shapes that result.
  public func reshaped(inputs shapes: [String: Shape]) throws(GraphError) -> Graph {
    var graph = self
    for (name, shape) in shapes {
      guard let input = graph.inputs.first(where: { graph[$0].name == name }) else {
        throw GraphError(subject: self.name, problem: .invariant("has no input \(name)"))
      }
      graph[input].type.shape = shape
    }
    for operation in graph.operations {
      let types = try graph.inferredTypes(
        operation.kind.attributes, inputs: operation.inputs, name: operation.name)
      guard types.count == operation.outputs.count else {
        throw GraphError(
          subject: operation.name,
          problem: .invariant("makes \(types.count) values, names \(operation.outputs.count)"))
      }
      for (output, type) in zip(operation.outputs, types) { graph[output].type = type }
    }
    return graph
  }

  /// The same graph for another number of examples at once: the first dimension of every input.
  public func batched(_ batch: Int) throws(GraphError) -> Graph {
    var shapes: [String: Shape] = [:]
    for input in inputs {
      let name = self[input].name
      let shape = self[input].shape
      guard shape.rank > 0, 1...extentLimit ~= batch,
        let batched = Shape(checking: shape.dimensions(replacing: 0, with: batch))
      else {
        throw GraphError(
          subject: name,
          problem: .attribute(
            name: "batch", value: "\(batch)", requirement: "from 1 to what memory can hold"))
      }
      shapes[name] = batched
    }
    return try reshaped(inputs: shapes)
  }
}

extension Graph: Codable {
  private enum CodingKeys: CodingKey {
    case name, values, operations, outputs, parameterUpdates
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    values = try container.decode([Value].self, forKey: .values)
    operations = try container.decode([Operation].self, forKey: .operations)
    outputs = try container.decode([Output].self, forKey: .outputs)
    parameterUpdates = try container.decode([ParameterUpdate].self, forKey: .parameterUpdates)
    for text in [name] + values.map(\.name) + operations.map(\.name) + outputs.map(\.name)
    where text.utf8.count > nameLimit {
      throw GraphError(
        subject: String(text.prefix(40)),
        problem: .invariant(
          "is the beginning of a name of \(text.utf8.count) bytes; there may be \(nameLimit)"))
    }
    try verify()
  }
}
