import ConvNetTensors

extension Graph {
  /// The graph with the backward operations appended: a step of training is an ordinary graph.
  ///
  /// - Parameters:
  ///   - loss: a scalar value of this graph.
  ///   - isIncluded: by which trainable parameters: what only the others need is not computed.
  ///   - inputs: further values to differentiate by.
  /// - Returns: the longer graph, and the gradient of the loss by each trainable parameter (and by
  ///   `inputs`, where asked for) that the loss depends on.
  /// - Throws: ``GraphError`` where an operation on the way from a parameter to the loss has no
  ///   gradient.
  public func differentiated(
    loss: ValueID, byParameters isIncluded: (Value) -> Bool = { _ in true },
    byInputs inputs: [ValueID] = []
  ) throws(GraphError) -> (graph: Graph, gradients: [ValueID: ValueID]) {
    guard self[loss].shape.count == 1 else {
      throw GraphError(
        subject: name,
        problem: .invariant("the loss \(self[loss].name) is not a scalar: \(self[loss].shape)"))
    }
    let variables =
      inputs
      + parameters.filter {
        self[$0].parameterKind?.isTrainable == true && isIncluded(self[$0])
      }
    var builder = GradientBuilder(graph: self, variables: variables)
    let one = try builder.one(for: loss)
    let gradients = try builder.differentiate([loss: one], by: variables)
    return (builder.graph, gradients)
  }

  /// The graph with the backward operations of a weighted sum of some of its values appended,
  ///
  ///     s = sum over values v and their elements i of weight[v, i] v[i],
  ///
  /// so that one graph gives the gradient of any class, channel or position: the weights say which, at every run. The weights of
  /// each example stand beside it, and a batch gives the gradient of every example by itself.
  ///
  /// - Parameters:
  ///   - weights: for each value one of this graph of the same shape, as a rule an input.
  ///   - variables: what to differentiate by: inputs, parameters, values inside.
  /// - Returns: the longer graph, and ds/dv of each variable that the sum depends on.
  /// - Throws: ``GraphError`` where an operation on the way has no gradient, or weights have another shape.
  public func differentiated(
    weightedSumOf weights: [ValueID: ValueID], by variables: [ValueID]
  ) throws(GraphError) -> (graph: Graph, gradients: [ValueID: ValueID]) {
    for (value, weight) in weights where self[value].type != self[weight].type {
      throw GraphError(
        subject: self[value].name,
        problem: .invariant(
          "of shape \(self[value].shape) is weighted by \(self[weight].name) of shape \(self[weight].shape)"
        ))
    }
    var builder = GradientBuilder(graph: self, variables: variables)
    let gradients = try builder.differentiate(weights, by: variables)
    return (builder.graph, gradients)
  }
}

/// Appends backward operations to a graph, for
/// ``OperationAttributes/appendGradient(of:outputGradients:to:)``.
public struct GradientBuilder {
  /// The graph so far: the forward operations, and behind them the backward ones that were appended.
  public private(set) var graph: Graph
  /// The values that depend on a variable.
  private var dependents: Set<ValueID>
  /// The operations of the graph that was given.
  private let forward: Range<Int>
  /// The operation whose gradient is being appended.
  private var current = 0

  fileprivate init(graph: Graph, variables: [ValueID]) {
    self.graph = graph
    forward = graph.operations.indices
    dependents = Set(variables)
    for operation in graph.operations where operation.inputs.contains(where: dependents.contains) {
      dependents.formUnion(operation.outputs)
    }
  }

  /// Whether the gradient by this value leads to a variable.
  public func needsGradient(_ value: ValueID) -> Bool { dependents.contains(value) }

  /// The shape and element type of a value of the graph.
  public func type(of value: ValueID) -> ValueType { graph[value].type }

  /// Appends an operation of the backward pass, named after the forward one: `conv1/weight
  /// gradient`.
  public mutating func append(
    _ attributes: some OperationAttributes, to inputs: [ValueID], of operation: Operation,
    role: String = "gradient"
  ) throws(GraphError) -> [ValueID] {
    try graph.append(
      attributes, to: inputs, name: "\(operation.name)/\(role)", role: .gradient(of: operation.name)
    )
  }

  /// Gives the forward operation whose gradient is being appended other attributes that make more
  /// outputs: what the backward pass needs kept. Returns all its outputs.
  public mutating func extendForward(
    _ operation: Operation, to attributes: some OperationAttributes
  ) throws(GraphError) -> [ValueID] {
    let types = try graph.inferredTypes(
      attributes, inputs: operation.inputs, name: operation.name)
    let added = types.indices.dropFirst(operation.outputs.count).map { index in
      graph.append(
        Value(name: "\(operation.name):\(index)", type: types[index], source: .operation))
    }
    graph.operations[current].kind = attributes.kind
    graph.operations[current].outputs += added
    return graph.operations[current].outputs
  }

  /// The gradient of a loss by itself.
  fileprivate mutating func one(for loss: ValueID) throws(GraphError) -> ValueID {
    try graph.append(
      Operation.Constant(1, shape: graph[loss].shape), to: [],
      name: "\(graph[loss].name)/gradient", role: .gradient(of: graph[loss].name))[0]
  }

  /// Reverse accumulation: visits the forward operations from the last back, and sums the contributions to each value.
  ///
  /// - Parameter seeds: the gradients that are given, by the values that they are the gradients by.
  fileprivate mutating func differentiate(
    _ seeds: [ValueID: ValueID], by variables: [ValueID]
  ) throws(GraphError) -> [ValueID: ValueID] {
    var contributions = seeds.mapValues { [$0] }
    for index in forward.reversed() {
      let operation = graph.operations[index]
      guard operation.outputs.contains(where: needsGradient),
        operation.outputs.contains(where: { contributions[$0] != nil })
      else { continue }
      current = index
      var outputGradients: [ValueID?] = []
      for output in operation.outputs {
        outputGradients.append(try sum(contributions[output], of: output))
      }
      let inputGradients = try operation.kind.attributes.appendGradient(
        of: operation, outputGradients: outputGradients, to: &self)
      for (input, gradient) in zip(operation.inputs, inputGradients) {
        if let gradient, needsGradient(input) {
          contributions[input, default: []].append(gradient)
        }
      }
    }
    var gradients: [ValueID: ValueID] = [:]
    for variable in variables {
      gradients[variable] = try sum(contributions[variable], of: variable)
    }
    return gradients
  }

  private mutating func sum(
    _ contributions: [ValueID]?, of value: ValueID
  ) throws(GraphError) -> ValueID? {
    guard let contributions, contributions.count > 1 else { return contributions?.first }
    return try graph.append(
      Operation.Add(), to: contributions, name: "\(graph[value].name)/gradient sum",
      role: .gradient(of: graph[value].name))[0]
  }
}
