import CKernels
import ConvNetGraphs
import ConvNetTensors

extension Operation.Convolution {
  /// The activation, where nothing else is fused and the kernels know it.
  var expandedActivation: ck_activation? {
    guard let (adds, activation, leaves) = additionAndActivation, !adds, !leaves else {
      return nil
    }
    return activation
  }
}

extension Lowering {
  /// A depthwise convolution, and on the way the 1x1 convolution whose result it reads.
  ///
  /// - Parameter first: the latter.
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
