import CKernels
import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors

/// Convolutions with windows of one element whose results one depthwise convolution reads and nothing else, as inverted
/// residual blocks begin. They have several times the channels of what they read: rather than being written to memory, they
/// are computed by the depthwise convolution, plane by plane, while they are near.
struct ExpansionPlan {
  /// The places of such convolutions among the operations, by those of their readers.
  private(set) var expansionsByReader: [Int: Int] = [:]
  private var expansions: Set<Int> = []

  init(_ graph: Graph, _ options: CompilationOptions) throws {
    guard options.mode == .inference, options.compute.kernels != .library else { return }
    let (results, consumers, producers) = (graph.results, graph.consumers, graph.producers)
    for (index, operation) in graph.operations.enumerated() where operation.phase == .run {
      guard try Self.isDepthwise(operation, in: graph), let value = operation.inputs.first,
        consumers[value]?.count == 1, !results.contains(value), let producer = producers[value],
        graph.operations[producer].phase == .run,
        Self.isExpansion(graph.operations[producer], in: graph)
      else { continue }
      expansionsByReader[index] = producer
      expansions.insert(producer)
    }
  }

  /// Whether an operation's result is computed by the operation that reads it.
  func contains(_ operation: Int) -> Bool { expansions.contains(operation) }

  private static func isExpansion(_ operation: Operation, in graph: Graph) -> Bool {
    guard let convolution = operation.attributes as? Operation.Convolution,
      convolution.groups == 1, convolution.strides == [1, 1],
      convolution.expandedActivation != nil
    else { return false }
    let (input, kernel) = (graph[operation.inputs[0]].shape, graph[operation.inputs[1]].shape)
    // Pictures of fewer channels may lie in planes, not in blocks. Extents that stay leave no room for padding.
    return input.rank == 4 && input[1] >= Processor.channelBlock && kernel.spatial == [1, 1]
      && input.spatial == graph[operation.outputs[0]].shape.spatial
  }

  private static func isDepthwise(_ operation: Operation, in graph: Graph) throws -> Bool {
    guard let convolution = operation.attributes as? Operation.Convolution,
      convolution.groups > 1, convolution.expandedActivation != nil
    else { return false }
    let geometry = try ck_direct(
      convolution, input: graph[operation.inputs[0]].shape,
      kernel: graph[operation.inputs[1]].shape, output: graph[operation.outputs[0]].shape)
    return withUnsafePointer(to: geometry) { ck_depthwise_can_compute($0, false) }
  }
}
