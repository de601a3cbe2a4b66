import CKernels
import ConvNetGraphs
import ConvNetTensors

// Local response normalization and its gradient by our own kernels, `CKernels/responses.c`, where the library has none or is not
// to compute.

extension Lowering {
  /// - Parameter operation: the normalization, or its gradient, whose second input is that by the output.
  mutating func lowerResponse(
    _ normalization: Operation.LocalResponseNormalization, _ operation: Operation
  ) throws {
    let input = operation.inputs[0]
    let response = ck_response(
      alpha: normalization.sumCoefficient(rank: shape(input).rank), beta: normalization.beta,
      bias: normalization.bias, size: normalization.size)
    // What the library keeps for the gradient is computed anew.
    if let workspace = operation.outputs.dropFirst().first {
      _ = make(workspace, try .rowMajor([1]))
    }
    switch normalization.region {
    case .acrossChannels: try lowerAcrossChannels(response, operation)
    case .withinChannel: try lowerWithinChannels(response, operation)
    }
  }

  private func incomingGradient(of operation: Operation) -> ValueID? {
    operation.attributes is Operation.LocalResponseNormalizationGradient
      ? operation.inputs[1] : nil
  }

  private mutating func lowerAcrossChannels(
    _ response: ck_response, _ operation: Operation
  ) throws {
    let (source, pixels) = try readByPositions(operation.inputs[0])
    let incoming = try incomingGradient(of: operation).map { try read($0, as: source.layout) }
    let result = make(operation.outputs[0], source.layout)
    let floats = withUnsafePointer(to: pixels) { pixels in
      withUnsafePointer(to: response) { ck_response_scratch(pixels, $0) }
    }
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    let byOutput = places.reads(ifAny: incoming)
    let work = places.scratch(try scratch(floats: floats * options.threads))
    emitKernel("response across channels", places, for: operation) { memory, _ in
      withUnsafePointer(to: pixels) { pixels in
        withUnsafePointer(to: response) {
          ck_response_across(
            pixels, $0, memory[to], memory[from], memory[ifAny: byOutput], memory[work], tasks)
        }
      }
    }
  }

  private mutating func lowerWithinChannels(
    _ response: ck_response, _ operation: Operation
  ) throws {
    let extents = shape(operation.inputs[0])
    let source = try readRowMajor(operation.inputs[0])
    let incoming = try incomingGradient(of: operation).map { try readRowMajor($0) }
    let result = make(operation.outputs[0], source.layout)
    let (planes, width) = (extents[0] * extents[1], extents.spatial.last ?? 1)
    let height = extents.spatial.reduce(1, *) / max(1, width)
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    let byOutput = places.reads(ifAny: incoming)
    let work = places.scratch(
      try scratch(floats: ck_response_within_scratch(height, width) * options.threads))
    emitKernel("response within channels", places, for: operation) { memory, _ in
      withUnsafePointer(to: response) {
        ck_response_within(
          planes, height, width, $0, memory[to], memory[from], memory[ifAny: byOutput],
          memory[work], tasks)
      }
    }
  }
}
