public import ConvNetCompiler
public import ConvNetEngine
public import ConvNetGraphs
public import ConvNetLayers
public import ConvNetTensors

extension Model {
  /// The graph of one step: of inference, the network itself; of training, with loss and backward
  /// pass.
  public func stepGraph(batch: Int, mode: Mode) throws(GraphError) -> Graph {
    let graph = try graph.batched(batch)
    return switch mode {
    case .inference: graph
    case .training: try TrainingGraph(graph, labelSmoothing: 0).graph
    }
  }

  /// The step compiled with this model's parameters. Training changes a copy of them.
  public func executable(
    batch: Int, mode: Mode = .inference, compute: ComputeOptions = .init()
  ) throws -> Executable {
    let options = CompilationOptions(
      mode: mode, inputFormat: dataFormat, compute: compute)
    let graph = try stepGraph(batch: batch, mode: mode)
    return switch mode {
    case .inference: try Executable(graph, parameters: parameters, options: options)
    case .training:
      try Executable(graph, training: ParameterStore(parameters), options: options)
    }
  }

  /// Pushes a raw tensor through the network: nothing is prepared or normalized.
  ///
  /// - Parameter input: in logical order: batch, channels, height, width.
  /// - Returns: the network's own result, in logical order.
  /// - Throws: ``GraphError`` where the network does not take the input's shape.
  public func run(_ input: Tensor, compute: ComputeOptions = .init()) throws -> Tensor {
    let (graph, name, output) = try fitted(to: input)
    var executable = try Executable(
      graph, parameters: parameters,
      options: CompilationOptions(inputFormat: .channelsFirst, compute: compute))
    try executable.write(input, to: name)
    try executable.run()
    return try executable.output(output.name)
  }

  /// The graph for an input of this shape, the input's name, and the network's own output.
  func fitted(
    to input: Tensor
  ) throws(GraphError) -> (graph: Graph, input: String, output: Graph.Output) {
    guard let name = graph.inputs.first.map({ graph[$0].name }), let output = mainOutput
    else {
      throw GraphError(subject: graph.name, problem: .invariant("has no input or no output"))
    }
    guard input.elementType == .float32 else {
      throw GraphError(
        subject: graph.name,
        problem: .elementType(input: 0, expected: .float32, actual: input.elementType))
    }
    let own = graph.inputs.first.map { graph[$0].shape.dimensions } ?? []
    guard input.shape.rank == own.count, input.shape[1] == own[1] else {
      let expected = own.dropFirst().map { "x\($0)" }.joined()
      throw GraphError(
        subject: graph.name,
        problem: .shape(input: 0, expected: "N\(expected)", actual: input.shape))
    }
    return (try graph.reshaped(inputs: [name: input.shape]), name, output)
  }
}
