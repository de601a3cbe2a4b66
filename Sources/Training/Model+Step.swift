public import ConvNetCompiler
public import ConvNetEngine
public import ConvNetGraphs
import ConvNetInference
public import ConvNetLayers

extension Model {
  /// The graph of one step: of inference, the network itself; of training, with loss and backward
  /// pass.
  public func stepGraph(batch: Int, mode: Mode) throws(GraphError) -> Graph {
    let graph = try graph.batched(batch)
    return switch mode {
    case .inference: graph
    case .training: try TrainingGraph(graph).graph
    }
  }

  /// What ``executable(batch:mode:compute:)`` would take of memory. Needs no parameters, and packs none.
  ///
  /// - Throws: ``GraphError`` where the network does not take so many examples; ``EngineError``, also where the machine has no
  ///   memory for the activations.
  public func memory(
    batch: Int, mode: Mode, compute: ComputeOptions = .init()
  ) throws -> ExecutableMemory {
    let graph = try stepGraph(batch: batch, mode: mode)
    let options = CompilationOptions(mode: mode, inputFormat: dataFormat, compute: compute)
    return try ExecutableMemory(
      of: graph, options: mode == .inference ? options.suited(to: graph) : options)
  }

  /// The step compiled with this model's parameters. Training changes a copy of them.
  public func executable(
    batch: Int, mode: Mode, compute: ComputeOptions = .init()
  ) throws -> Executable {
    switch mode {
    case .inference: try executable(batch: batch, compute: compute)
    case .training:
      try Executable(
        stepGraph(batch: batch, mode: mode), training: ParameterStore(parameters),
        options: CompilationOptions(mode: mode, inputFormat: dataFormat, compute: compute))
    }
  }
}
