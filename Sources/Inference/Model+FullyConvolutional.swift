import ConvNetCompiler
public import ConvNetFiles
import ConvNetGraphs
public import ConvNetLayers
import ConvNetTensors

/// Why a network cannot be applied to pictures of any size.
public struct FullyConvolutionalError: ReadableError, Hashable, Sendable {
  /// The network.
  public var model: String
  /// What stands in the way.
  public var reason: String

  public var description: String {
    "\(model) cannot be applied to whole pictures: \(reason); use crops"
  }
}

extension Model {
  /// The same function as a network for pictures of any size that is large enough: fully connected layers become convolutions,
  /// the first of the extents that it flattens, the others of 1x1, and the class maps that result are averaged over their
  /// positions, before softmax (P. Sermanet et al., "OverFeat", 2014; K. Simonyan and A. Zisserman, 2015, section 3.2). Of a
  /// picture of the network's own size it says what the network says. A network that ends in global pooling is one already, and
  /// stays as it is.
  ///
  /// Classifiers at the side are left out: it is for inference.
  ///
  /// - Throws: ``FullyConvolutionalError`` where something stands between the fully connected layers that mixes positions;
  ///   ``GraphError``.
  public func fullyConvolutional() throws -> Model {
    var result = self
    result.graph = graph.withoutAuxiliaries
    let extents = inputExtents
    guard extents.count == 3 else {
      throw FullyConvolutionalError(
        model: graph.name, reason: "its input has no height and width")
    }
    let larger = [1, extents[0], 2 * extents[1] + 32, 2 * extents[2] + 64]
    if (try? result.graph.reshaped(inputs: [inputName: Shape(larger)])) == nil {
      var rewriting = DenseRewriting(result)
      (result.graph, result.parameters) = try rewriting.run()
      result.parameters = result.parameters.filter { name, _ in
        result.graph.value(named: name) != nil
      }
    } else {
      let kept = Set(result.graph.parameters.map { result.graph[$0].name })
      result.parameters = result.parameters.filter { kept.contains($0.key) }
    }
    return result
  }
}

extension Model {
  /// Multiplications, each with its addition, of one picture of these extents in inference.
  package func multiplyAdds(height: Int, width: Int) throws -> Int {
    try graph.withoutAuxiliaries.reshaped(
      inputs: [inputName: [1, inputExtents.first ?? 0, height, width]]
    ).cost.multiplyAdds
  }
}

/// Visits the operations in order. What was flattened stays a map.
private struct DenseRewriting {
  private enum State {
    /// As in the network.
    case same
    /// A map whose rows the network would have, in that order.
    case flattened(DataFormat)
    /// One number a channel and position, which the network has once.
    case map
  }

  private let model: Model
  private let source: Graph
  private var graph: Graph
  private var parameters: [String: Tensor]
  private var values: [ValueID: ValueID] = [:]
  private var states: [ValueID: State] = [:]

  init(_ model: Model) {
    self.model = model
    source = model.graph
    graph = Graph(name: model.graph.name)
    parameters = model.parameters
  }

  mutating func run() throws -> (Graph, [String: Tensor]) {
    for id in source.inputs { values[id] = graph.addInput(source[id].name, source[id].type) }
    for operation in source.operations { try rewrite(operation) }
    for output in source.outputs {
      var value = try value(output.value, nil)
      if case .map = states[output.value] ?? .same {
        let name = source[output.value].name
        value = try graph.append(
          Operation.GlobalPooling(kind: .average), to: value, name: "\(name).mean")
        value = try graph.append(
          Operation.Flatten(order: .channelsFirst), to: value, name: "\(name).row")
      }
      graph.addOutput(output.name, value, auxiliaryWeight: output.auxiliaryWeight)
    }
    return (graph, parameters)
  }

  /// What a value of the network has become; a parameter is taken over where it is first read.
  private mutating func value(_ id: ValueID, _ shape: Shape?) throws -> ValueID {
    if let value = values[id] { return value }
    let old = source[id]
    guard let kind = old.parameterKind else {
      throw refusal("\(old.name) is read before it is made")
    }
    let value = graph.addParameter(old.name, shape ?? old.shape, kind)
    values[id] = value
    return value
  }

  private mutating func rewrite(_ operation: ConvNetGraphs.Operation) throws {
    let state = states[operation.inputs.first ?? operation.outputs[0]] ?? .same
    let changed = operation.inputs.contains { id in
      if case .same = states[id] ?? .same { false } else { true }
    }
    if let flatten = operation.attributes as? Operation.Flatten, !changed {
      let input = operation.inputs[0]
      let isPooled =
        source.producers[input].map { source.operations[$0].attributes is Operation.GlobalPooling }
        ?? false
      if source[input].shape.rank == 4, !isPooled {
        values[operation.outputs[0]] = try value(input, nil)
        states[operation.outputs[0]] = .flattened(flatten.order)
        return
      }
    }
    guard changed else { return try copy(operation) }
    switch operation.attributes {
    case let dense as Operation.Dense where dense.fused.isEmpty:
      try rewrite(operation, dense, state)
    case is Operation.Activation, is Operation.Dropout, is Operation.StochasticDepth,
      is Operation.Clip:
      try copy(operation)
      states[operation.outputs[0]] = state
    case is Operation.BatchNormalization:
      guard case .map = state else { fallthrough }
      try copy(operation)
      states[operation.outputs[0]] = .map
    default:
      throw refusal(
        "\(operation.name) (\(type(of: operation.attributes).words)) stands behind the grid that is flattened"
      )
    }
  }

  private mutating func copy(_ operation: ConvNetGraphs.Operation) throws {
    let inputs = try operation.inputs.map { try value($0, nil) }
    let outputs = try graph.append(
      operation.attributes, to: inputs, name: operation.name, role: operation.role,
      tablePlace: operation.tablePlace)
    for (old, new) in zip(operation.outputs, outputs) { values[old] = new }
  }

  private mutating func rewrite(
    _ operation: ConvNetGraphs.Operation, _ dense: Operation.Dense, _ state: State
  ) throws {
    let input = try value(operation.inputs[0], nil)
    let kernel = source[operation.inputs[1]]
    guard values[operation.inputs[1]] == nil, let weights = parameters[kernel.name] else {
      throw refusal("the weights of \(operation.name) are shared")
    }
    var extents = [1, 1]
    if case .flattened(let order) = state {
      let map = graph[input].shape
      extents = [map[2], map[3]]
      if order == .channelsLast {
        parameters[kernel.name] = weights.channelsFirst(
          outputs: kernel.shape[0], height: map[2], width: map[3], channels: map[1])
      }
    }
    let channels = kernel.shape[1] / (extents[0] * extents[1])
    let shape = Shape([kernel.shape[0], channels] + extents)
    parameters[kernel.name] = parameters[kernel.name]?.reshaped(to: shape)
    var inputs = [input, try value(operation.inputs[1], shape)]
    for parameter in operation.inputs.dropFirst(2) { inputs.append(try value(parameter, nil)) }
    let outputs = try graph.append(
      Operation.Convolution(strides: [1, 1], hasBias: dense.hasBias), to: inputs,
      name: operation.name, role: operation.role, tablePlace: operation.tablePlace)
    values[operation.outputs[0]] = outputs[0]
    states[operation.outputs[0]] = .map
  }

  private func refusal(_ reason: String) -> FullyConvolutionalError {
    FullyConvolutionalError(model: model.graph.name, reason: reason)
  }
}

extension Tensor {
  /// Rows of weights for positions with their channels as rows for channels with their positions.
  fileprivate func channelsFirst(
    outputs: Int, height: Int, width: Int, channels: Int
  ) -> Tensor {
    let old = elements
    let positions = height * width
    return Tensor(shape: shape) { new in
      for output in 0..<outputs {
        let row = output * positions * channels
        for channel in 0..<channels {
          for position in 0..<positions {
            new[row + channel * positions + position] = old[row + position * channels + channel]
          }
        }
      }
    }
  }
}
