import ConvNetCompiler
public import ConvNetEngine
import ConvNetFiles
package import ConvNetGraphs
public import ConvNetLayers
public import ConvNetTensors

extension Model {
  /// The network compiled for inference with this model's parameters, for so many pictures at once.
  ///
  /// Its first input takes pictures in ``dataFormat``, and its outputs have the names of the graph's.
  ///
  /// - Parameter outputs: values inside that are outputs as well, by the names that ``Graph/value(meantBy:)`` knows.
  /// - Throws: ``GraphError`` where the network does not take so many pictures;
  ///   ``InferenceError/unknownValue(name:model:nearest:)``; ``EngineError``.
  public func executable(
    batch: Int, outputs: [String] = [], compute: ComputeOptions = .init()
  ) throws -> Executable {
    let graph = try graph(batch: batch, outputs: outputs)
    return try Executable(
      graph, parameters: parameters,
      options: CompilationOptions(inputFormat: dataFormat, compute: compute).suited(to: graph))
  }

  /// The network for so many pictures, with values inside as outputs of their own.
  package func graph(batch: Int, outputs: [String] = []) throws -> Graph {
    var graph = try graph.batched(batch)
    for name in outputs where !graph.outputs.contains(where: { $0.name == name }) {
      guard let value = graph.value(meantBy: name) else {
        throw InferenceError.unknownValue(
          name: name, model: graph.name, nearest: nearestNames(to: name, among: graph.valueNames))
      }
      graph.addOutput(name, value)
    }
    return graph
  }

  /// Pushes a raw tensor through the network: nothing is prepared or normalized.
  ///
  /// Every call compiles the network anew, which takes longer than the run itself. Who runs often keeps what
  /// ``executable(batch:outputs:compute:)`` gives, a ``Classifier`` or a ``Predictor``.
  ///
  /// - Parameter input: in logical order: batch, channels, height, width.
  /// - Returns: the network's own result, in logical order.
  /// - Throws: ``GraphError`` where the network does not take the input's shape.
  public func run(_ input: Tensor, compute: ComputeOptions = .init()) throws -> Tensor {
    let (graph, name, output) = try fitted(to: input)
    var executable = try Executable(
      graph, parameters: parameters,
      options: CompilationOptions(inputFormat: .channelsFirst, compute: compute)
        .suited(to: graph))
    try executable.write(input, to: name)
    try executable.run()
    return try executable.output(output.name)
  }

  /// The graph for an input of this shape, the input's name, and the network's own output.
  package func fitted(
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
