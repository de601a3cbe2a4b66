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
  /// - Parameters:
  ///   - input: of any height and width that the network takes: [batch, height, width, channels], or one example without the axis
  ///     of the batch; in the order of channels that is given.
  ///   - order: of the input; `nil` for the model's ``dataFormat``, in which ``Preprocessing/prepared(_:)`` gives pictures.
  /// - Returns: the network's own result, [batch, classes]; of one that makes maps [batch, channels, height, width].
  /// - Throws: ``InferenceError`` where the input does not have the network's channels where the order has them; ``GraphError``
  ///   where the network does not take its height and width.
  public func run(
    _ input: Tensor, order: DataFormat? = nil, compute: ComputeOptions = .init()
  ) throws -> Tensor {
    let order = order ?? dataFormat
    let fitted = try fitted(to: input, order: order)
    var executable = try Executable(
      fitted.graph, parameters: parameters,
      options: CompilationOptions(inputFormat: order, compute: compute).suited(to: fitted.graph))
    try executable.write(fitted.batch(input), to: fitted.input)
    try executable.run()
    return try executable.output(fitted.output.name)
  }

  /// The network compiled for inference for so many pictures, with the packed weights of others where they are alike.
  package func executable(
    batch: Int, compute: ComputeOptions, sharing: SharedWeights
  ) throws -> Executable {
    let graph = try graph.batched(batch)
    return try Executable(
      graph, parameters: parameters,
      options: CompilationOptions(inputFormat: dataFormat, compute: compute).suited(to: graph),
      sharing: sharing)
  }

  /// The network compiled for inference for so many pictures of these extents, in ``dataFormat``, with the
  /// packed weights of others
  /// where they are alike.
  package func executable(
    batch: Int, height: Int, width: Int, compute: ComputeOptions, sharing: SharedWeights
  ) throws -> Executable {
    let graph = try graph.reshaped(
      inputs: [inputName: [batch, inputExtents.first ?? 0, height, width]])
    return try Executable(
      graph, parameters: parameters,
      options: CompilationOptions(inputFormat: dataFormat, compute: compute).suited(to: graph),
      sharing: sharing)
  }

  /// The network for an input.
  package func fitted(to input: Tensor, order: DataFormat) throws -> FittedNetwork {
    try fitted(to: input.shape, of: input.elementType, order: order)
  }

  /// The network for an input of this shape, whose elements need not be there yet.
  ///
  /// - Throws: ``InferenceError`` where it is not the network's in this order; ``GraphError``.
  package func fitted(
    to shape: Shape, of elementType: ElementType, order: DataFormat
  ) throws -> FittedNetwork {
    guard elementType == .float32 else {
      throw InferenceError.inputType(model: graph.name, actual: elementType)
    }
    guard let name = graph.inputs.first.map({ graph[$0].name }), let output = mainOutput
    else {
      throw GraphError(subject: graph.name, problem: .invariant("has no input or no output"))
    }
    let own = [1] + inputExtents
    let given = shape.rank == own.count - 1 ? [1] + shape.dimensions : shape.dimensions
    let logical = order.logical(given)
    guard given.count == own.count, own.count < 2 || logical[1] == own[1] else {
      throw InferenceError.inputShape(
        model: graph.name, expected: Shape(Array(order.ordered(own).dropFirst())), actual: shape,
        order: order)
    }
    return FittedNetwork(
      graph: try graph.reshaped(inputs: [name: Shape(logical)]), input: name, output: output,
      shape: Shape(given))
  }
}

/// A network for inputs of one shape.
package struct FittedNetwork {
  package var graph: Graph
  /// The input's name.
  package var input: String
  /// The network's own.
  package var output: Graph.Output
  /// Of the input in its order, with the axis of the batch.
  package var shape: Shape

  /// The input with the axis of the batch.
  package func batch(_ input: Tensor) -> Tensor { input.reshaped(to: shape) }
}
