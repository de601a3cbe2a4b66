import CKernels
import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors

/// Convolutions with windows of one element whose results one depthwise convolution reads and nothing else, as inverted residual
/// blocks begin. They have several times the channels of what they read: rather than writing that to memory, the depthwise
/// convolution computes the rows that it reads on the way, while they are near.
struct ExpansionPlan {
  /// The places of such convolutions among the operations, by those of their readers.
  private(set) var expansions: [Int: Int] = [:]
  private var expanding: Set<Int> = []

  init(_ graph: Graph, _ options: CompilationOptions) throws {
    guard options.mode == .inference, options.compute.kernels != .library,
      Self.isFaster(on: .current)
    else { return }
    let (results, consumers, producers) = (graph.results, graph.consumers, graph.producers)
    for (index, operation) in graph.operations.enumerated() where operation.phase == .run {
      guard try Self.isDepthwise(operation, in: graph), let value = operation.inputs.first,
        consumers[value]?.count == 1, !results.contains(value), let producer = producers[value],
        graph.operations[producer].phase == .run,
        Self.isExpansion(graph.operations[producer], in: graph)
      else { continue }
      expansions[index] = producer
      expanding.insert(producer)
    }
  }

  /// Whether an operation's result is computed by the operation that reads it.
  func contains(_ operation: Int) -> Bool { expanding.contains(operation) }

  /// Whether that is faster than one after the other, as measured: with AVX-512 it was not tried.
  private static func isFaster(on processor: Processor) -> Bool { !processor.sharesBlocks }

  private static func isExpansion(_ operation: Operation, in graph: Graph) -> Bool {
    guard let convolution = operation.attributes as? Operation.Convolution,
      convolution.groups == 1, convolution.expandedActivation != nil
    else { return false }
    let (input, kernel) = (graph[operation.inputs[0]].shape, graph[operation.inputs[1]].shape)
    // Fewer are read in another order.
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

extension Operation.Convolution {
  /// The activation, where nothing else is fused and the kernels know it.
  fileprivate var expandedActivation: ck_activation? {
    guard let (adds, activation, leaves) = additionAndActivation, !adds, !leaves else {
      return nil
    }
    return activation
  }
}

extension Lowering {
  /// A depthwise convolution of what another computes from its input.
  ///
  /// - Parameter first: that other convolution.
  mutating func lower(_ operation: Operation, expanding first: Operation) throws {
    guard let depthwise = operation.attributes as? Operation.Convolution,
      let expansion = first.attributes as? Operation.Convolution,
      let expanded = expansion.expandedActivation, let activation = depthwise.expandedActivation
    else { fatalError("\(first.name) is planned as an expansion, and is none") }
    let (input, value, output) = (first.inputs[0], operation.inputs[0], operation.outputs[0])
    let kernel = shape(operation.inputs[1])
    var geometry = try ck_direct(
      depthwise, input: shape(value), kernel: kernel, output: shape(output))
    let threads = options.threads
    let channels = shape(input)[1]
    let source = try readBlocks(input)
    let given = geometry
    let expansionWeights = derive(
      "expansion weights",
      try .rowMajor([
        withUnsafePointer(to: given) { ck_expansion_weights_size($0, channels) }
      ]), from: try readRowMajor(first.inputs[1]), for: first
    ) { packed, weights in
      withUnsafePointer(to: given) {
        ck_expansion_pack($0, channels, packed.assumingMemoryBound(to: Float.self), weights)
      }
    }
    let weights = derive(
      "depthwise weights",
      try .rowMajor([withUnsafePointer(to: given) { ck_depthwise_weights_size($0, false) }]),
      from: try readRowMajor(operation.inputs[1]), for: operation
    ) { packed, weights in
      withUnsafePointer(to: given) {
        ck_depthwise_pack($0, packed.assumingMemoryBound(to: Float.self), weights, false)
      }
    }
    let memory = try scratch(
      floats: withUnsafePointer(to: given) { ck_expanded_depthwise_scratch($0, Int32(threads)) })
    let result = make(output, try .blocked(shape(output)), acceptsStride: true)
    if let stride = strideInConcatenation(of: output, at: result) { geometry.out_stride = stride }
    let stride =
      strideInConcatenation(of: input, at: source)
      ?? Processor.wholeBlocks(channels) * shape(input).spatial.reduce(1, *)
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    let (packed, packedExpansion) = (places.reads(weights), places.reads(expansionWeights))
    let work = places.scratch(memory)
    let bias = places.reads(ifAny: depthwise.hasBias ? read(operation.inputs[2]) : nil)
    let expansionBias = places.reads(ifAny: expansion.hasBias ? read(first.inputs[2]) : nil)
    let shared = geometry
    emitKernel(
      "expanded depthwise", places, for: operation, kind: .pointwise,
      multiplyAdds: multiplyAdds(of: first) + multiplyAdds(of: operation)
    ) { memory, _ in
      let expansion = ck_expansion(
        in_channels: channels, in_stride: stride, x: memory[from],
        packed: memory[packedExpansion], bias: memory[ifAny: expansionBias],
        activation: expanded)
      withUnsafePointer(to: shared) { geometry in
        withUnsafePointer(to: expansion) {
          ck_expanded_depthwise_forward(
            geometry, $0, memory[to], memory[packed], memory[ifAny: bias], activation,
            memory[work], Int32(threads))
        }
      }
    }
  }
}
