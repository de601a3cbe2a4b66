import ConvNetCompiler
import ConvNetFiles
public import ConvNetGraphs

/// What an executable takes of memory, told without making it: no weight is packed, and none is needed.
public struct ExecutableMemory: Hashable, Sendable {
  /// Bytes of packed weights and of parameters that are used as they are: ``Executable/weightByteCount``.
  public var weightByteCount: Int
  /// Bytes of inputs, outputs and every intermediate value: ``Executable/activationByteCount``.
  public var activationByteCount: Int

  /// Of a graph compiled with these options, in whose mode.
  ///
  /// - Throws: as compiling it: ``GraphError`` where the graph is not well formed, ``EngineError`` where the library refuses an
  ///   operation or there is no memory for the activations.
  public init(of graph: Graph, options: CompilationOptions) throws {
    try Executable.requireThreads(options, graph)
    let sharding = try graph.sharding(for: options)
    let shardOptions = sharding == nil ? options : options.ofShard
    let arithmetic = Executable.beginComputing(threads: shardOptions.threads)
    defer { Executable.endComputing(arithmetic) }
    let layout = try PlanLayout(sharding?.graph ?? graph, options: shardOptions)
    let weights = layout.constantByteCount
    weightByteCount =
      options.mode == .training ? weights + graph.parameterByteCount : weights
    activationByteCount =
      layout.inputs.values.reduce(0) { $0 + (sharding?.count ?? 1) * $1.byteCount }
      + (sharding?.lanes ?? 1) * layout.arenaByteCount
      + (sharding.map { layout.gatheredByteCount($0.roles, graph) } ?? 0)
    guard Memory.has(activationByteCount) else {
      throw EngineError(
        subject: graph.name, problem: .outOfMemory(byteCount: activationByteCount))
    }
  }
}

extension PlanLayout {
  /// Bytes of the outputs of the whole batch that are made of those of its shards. Two outputs may be one value.
  fileprivate func gatheredByteCount(_ roles: [String: BatchRole], _ whole: Graph) -> Int {
    var byteCounts: [Int: Int] = [:]
    for output in whole.outputs {
      guard var port = outputs[output.name], let role = roles[output.name], role != .fixed else {
        continue
      }
      port.shape = whole[output.value].shape
      byteCounts[port.buffer] = port.byteCount
    }
    return byteCounts.values.reduce(0, +)
  }
}
