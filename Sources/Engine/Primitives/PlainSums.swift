import CKernels
import ConvNetGraphs
import ConvNetTensors

// Convolutions that no other kernels of ours compute, where the library is not to: kernels of many taps, and gradients of large
// strides. Of pictures in plain order, by `CKernels/plain_sums.c`.

extension Lowering {
  mutating func lowerAsSums(
    _ convolution: Operation.Convolution, _ operation: Operation
  ) throws {
    let (input, kernel, output) = (operation.inputs[0], operation.inputs[1], operation.outputs[0])
    let geometry = try ck_direct(
      convolution, input: shape(input), kernel: shape(kernel), output: shape(output))
    let (source, weights) = (try readRowMajor(input), try readRowMajor(kernel))
    let adds = convolution.fused.contains(.addition)
    let result = try placeResult(
      operation, .rowMajor(shape(output)), adds: adds, reading: [source])
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let to = adds ? places.changes(result, as: Float.self) : places.writes(result)
    let (from, by) = (places.reads(source), places.reads(weights))
    let bias = places.reads(ifAny: convolution.hasBias ? read(operation.inputs[2]) : nil)
    emitKernel(
      "sums", places, for: operation, multiplyAdds: multiplyAdds(of: operation)
    ) { memory, _ in
      withUnsafePointer(to: geometry) {
        ck_sums_forward(
          $0, memory[to], memory[from], memory[by], memory[ifAny: bias],
          adds ? UnsafePointer(memory[to]) : nil, tasks)
      }
    }
    if case .activation(let function) = convolution.fused.last {
      try emitActivation(function, result, for: operation)
    }
  }

  mutating func lowerAsSums(
    _ convolution: Operation.Convolution, inputGradient operation: Operation
  ) throws {
    let (incoming, kernel, output) = (
      operation.inputs[0], operation.inputs[1], operation.outputs[0]
    )
    let geometry = try ck_direct(
      convolution, input: shape(output), kernel: shape(kernel), output: shape(incoming))
    let (source, weights) = (try readRowMajor(incoming), try readRowMajor(kernel))
    let result = make(output, try .rowMajor(shape(output)))
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let to = places.writes(result)
    let (from, by) = (places.reads(source), places.reads(weights))
    emitKernel(
      "sums input gradient", places, for: operation, multiplyAdds: multiplyAdds(of: operation)
    ) { memory, _ in
      withUnsafePointer(to: geometry) {
        ck_sums_input_gradient($0, memory[to], memory[from], memory[by], tasks)
      }
    }
  }

  mutating func lowerAsSums(
    _ gradient: Operation.ConvolutionParameterGradient, _ operation: Operation
  ) throws {
    let (input, incoming) = (operation.inputs[0], operation.inputs[1])
    let geometry = try ck_direct(
      gradient.convolution, input: shape(input), kernel: gradient.kernelShape,
      output: shape(incoming))
    if gradient.convolution.hasBias {
      let result = make(operation.outputs[1], try .rowMajor([gradient.kernelShape[0]]))
      try emitChannelSums(of: incoming, to: result, for: operation)
    }
    let (source, byOutput) = (try readRowMajor(input), try readRowMajor(incoming))
    let result = make(operation.outputs[0], try .rowMajor(gradient.kernelShape))
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let to = places.writes(result)
    let (from, by) = (places.reads(source), places.reads(byOutput))
    emitKernel(
      "sums gradient", places, for: operation, multiplyAdds: multiplyAdds(of: operation)
    ) { memory, _ in
      withUnsafePointer(to: geometry) {
        ck_sums_gradient($0, memory[to], memory[from], memory[by], tasks)
      }
    }
  }

  /// Adds the bias, the third input, to the channels of a result where it lies.
  mutating func emitChannelShift(_ operation: Operation) throws {
    let output = operation.outputs[0]
    let extents = shape(output)
    let result = read(output)
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let to = places.changes(result, as: Float.self)
    let bias = places.reads(read(operation.inputs[2]))
    if try isBlocked(output) {
      let pixels = ck_pixels(blocksOf: extents)
      emitKernel("bias", places, for: operation, kind: .elementwise) { memory, _ in
        withUnsafePointer(to: pixels) { ck_channel_shift($0, memory[to], memory[bias], tasks) }
      }
      return
    }
    let positions = extents.spatial.reduce(1, *)
    let broadcast = ck_broadcast(
      output: [extents[0], extents[1], positions],
      inputs: [[extents[0], extents[1], positions], [1, extents[1], 1]])
    emitKernel("bias", places, for: operation, kind: .elementwise) { memory, _ in
      var broadcast = broadcast
      var inputs = (
        UnsafePointer?(UnsafePointer(memory[to])), UnsafePointer?(memory[bias]),
        UnsafePointer<Float>?.none
      )
      withUnsafePointer(to: &inputs) { inputs in
        inputs.withMemoryRebound(to: UnsafePointer<Float>?.self, capacity: 3) {
          ck_elementwise(memory[to], $0, CK_ADD, &broadcast, tasks)
        }
      }
    }
  }
}
