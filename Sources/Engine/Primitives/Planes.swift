import CKernels
import ConvNetGraphs
import ConvNetTensors

// Convolutions of few channels by our own kernels: the library's blocks of 16 channels would be mostly padding, in the
// arithmetic and in memory. Measured on LeNet-5's layers, see `docs/performance.md`.

/// A convolution that reads pictures in plain order, a plane a channel.
struct PlaneConvolution: Sendable {
  var planes: ck_planes

  /// Whether a vector holds the 16 output channels of a position, rather than 16 neighbours of a row: then the result has the
  /// library's blocked layout.
  var hasChannelLanes: Bool { planes.out_channels == Processor.channelBlock }

  func resultLayout(_ shape: Shape) throws -> Layout {
    hasChannelLanes ? try .blocked(shape) : try .rowMajor(shape)
  }

  /// How a result is computed.
  enum ForwardAlgorithm: Sendable {
    case planes
    case channelLanes
    case channelLanesByWinograd

    /// What the step is called.
    var name: String {
      switch self {
      case .planes: "planes"
      case .channelLanes: "channel lanes"
      case .channelLanesByWinograd: "channel lanes, Winograd"
      }
    }

    /// Floats of scratch memory, a task.
    var scratch: (UnsafePointer<ck_planes>) -> Int {
      switch self {
      case .planes: ck_planes_forward_scratch
      case .channelLanes: ck_lanes_forward_scratch
      case .channelLanesByWinograd: ck_lanes_winograd_forward_scratch
      }
    }

    /// Of the result, the pictures, the weights, the bias, the activation, scratch memory and tasks.
    var kernel:
      (
        UnsafePointer<ck_planes>, UnsafeMutablePointer<Float>, UnsafePointer<Float>,
        UnsafePointer<Float>, UnsafePointer<Float>?, ck_activation, UnsafeMutablePointer<Float>,
        Int32
      ) -> Void
    {
      switch self {
      case .planes: ck_planes_forward
      case .channelLanes: ck_lanes_forward
      case .channelLanesByWinograd: ck_lanes_winograd_forward
      }
    }
  }

  func forwardAlgorithm(isExact: Bool) -> ForwardAlgorithm {
    guard hasChannelLanes else { return .planes }
    var planes = planes
    return !isExact && ck_lanes_winograd_is_possible(&planes)
      ? .channelLanesByWinograd : .channelLanes
  }

  /// `nil` where the library's kernels are the better choice, or ours cannot do it.
  init?(
    _ convolution: Operation.Convolution, input: Shape, kernel: Shape, output: Shape
  ) throws {
    guard input.rank == 4, convolution.groups == 1, !convolution.fused.contains(.addition),
      convolution.strides == [1, 1], convolution.dilations == [1, 1],
      max(input[1], output[1]) <= Processor.channelBlock,
      min(input[1], output[1]) < Processor.channelBlock
    else { return nil }
    let sides = try convolution.sides(input: input, kernel: kernel)
    planes = ck_planes(
      batch: input[0], in_channels: input[1], height: input[2], width: input[3],
      out_channels: output[1], out_height: output[2], out_width: output[3],
      kernel_height: kernel[2], kernel_width: kernel[3], pad_top: sides[0].before,
      pad_left: sides[1].before)
    // Beyond that, whole rows of the result would be padding alone.
    guard planes.pad_top < planes.kernel_height, planes.pad_left < planes.kernel_width else {
      return nil
    }
  }
}

extension Lowering {
  private var planeTasks: Int { options.threads }

  /// Lowers a convolution of few channels. An activation that our kernels do not know runs over the result in place.
  mutating func lowerInPlanes(
    _ convolution: Operation.Convolution, _ geometry: PlaneConvolution, _ operation: Operation
  ) throws {
    let source = try readRowMajor(operation.inputs[0])
    let kernel = try readRowMajor(operation.inputs[1])
    let bias = convolution.hasBias ? read(operation.inputs[2]) : nil
    let result = make(
      operation.outputs[0], try geometry.resultLayout(shape(operation.outputs[0])))
    let function = convolution.fused.lazy.compactMap(\.activation).first
    try emitForward(
      geometry, result: result, source: source, kernel: kernel, bias: bias,
      activation: function?.ofKernels ?? CK_IDENTITY, for: operation)
    if let function, function.ofKernels == nil {
      try emitActivation(function, result, for: operation)
    }
  }

  mutating func lowerInPlanes(
    _ geometry: PlaneConvolution, inputGradient operation: Operation
  ) throws {
    let source = try readRowMajor(operation.inputs[0])
    let kernel = try readRowMajor(operation.inputs[1])
    let result = make(operation.outputs[0], try .rowMajor(shape(operation.outputs[0])))
    var planes = geometry.planes
    let tasks = planeTasks
    var places = KernelPlaces()
    let (to, from, weights) = (places.writes(result), places.reads(source), places.reads(kernel))
    let work = places.scratch(
      try scratch(floats: ck_planes_input_gradient_scratch(&planes) * tasks))
    let constant = planes
    emitKernel(
      "planes input gradient", places, for: operation, kind: .fewChannels,
      multiplyAdds: multiplyAdds(of: operation)
    ) { memory, _ in
      var planes = constant
      ck_planes_input_gradient(
        &planes, memory[to], memory[from], memory[weights], memory[work], Int32(tasks))
    }
  }

  mutating func lowerInPlanes(
    _ geometry: PlaneConvolution, parameterGradient operation: Operation
  ) throws {
    let source = try readRowMajor(operation.inputs[0])
    let outputGradient = try read(
      operation.inputs[1], as: geometry.resultLayout(shape(operation.inputs[1])))
    let results = try operation.outputs.map { make($0, try .rowMajor(shape($0))) }
    var planes = geometry.planes
    let tasks = options.parts
    let hasChannelLanes = geometry.hasChannelLanes
    let floats =
      hasChannelLanes ? ck_lanes_gradient_scratch(&planes) : ck_planes_gradient_scratch(&planes)
    var places = KernelPlaces()
    let byWeights = places.writes(results[0])
    let byBias = places.writes(ifAny: results.dropFirst().first)
    let (from, byOutput) = (places.reads(source), places.reads(outputGradient))
    let work = places.scratch(try scratch(floats: floats * tasks))
    let constant = planes
    emitKernel(
      hasChannelLanes ? "channel lanes gradient" : "planes gradient", places, for: operation,
      kind: .fewChannels, multiplyAdds: multiplyAdds(of: operation)
    ) { memory, _ in
      var planes = constant
      let kernel = hasChannelLanes ? ck_lanes_gradient : ck_planes_gradient
      kernel(
        &planes, memory[byWeights], memory[ifAny: byBias], memory[from], memory[byOutput],
        memory[work],
        Int32(tasks))
    }
  }

  private mutating func emitForward(
    _ geometry: PlaneConvolution, result: Place, source: Place, kernel: Place, bias: Place?,
    activation: ck_activation, for operation: Operation
  ) throws {
    let algorithm = geometry.forwardAlgorithm(isExact: options.compute.isExact)
    var planes = geometry.planes
    let tasks = planeTasks
    var places = KernelPlaces()
    let (to, from, weights) = (places.writes(result), places.reads(source), places.reads(kernel))
    let work = places.scratch(try scratch(floats: algorithm.scratch(&planes) * tasks))
    let bias = places.reads(ifAny: bias)
    let constant = planes
    emitKernel(
      algorithm.name, places, for: operation, kind: .fewChannels,
      multiplyAdds: multiplyAdds(of: operation),
      performedMultiplyAdds: algorithm == .channelLanesByWinograd
        ? ck_lanes_winograd_multiply_adds(&planes) : nil
    ) { memory, _ in
      var planes = constant
      algorithm.kernel(
        &planes, memory[to], memory[from], memory[weights], memory[ifAny: bias], activation,
        memory[work],
        Int32(tasks))
    }
  }

  // MARK: Mean pooling

  /// Whether a pooling is the mean of two by two of a value in plain order, which our kernels do in one pass.
  func isMeanOfTwoByTwo(_ pooling: Operation.AveragePooling, _ layout: Layout) throws -> Bool {
    let input = layout.shape
    guard input.rank == 4, pooling.window == [2, 2], pooling.strides == [2, 2],
      pooling.padding == .valid, input[2] % 2 == 0, input[3] % 2 == 0
    else { return false }
    return try layout == .rowMajor(input)
  }

  mutating func lowerMeanOfTwoByTwo(_ operation: Operation) throws {
    let source = read(operation.inputs[0])
    let output = shape(operation.outputs[0])
    let result = make(operation.outputs[0], try .rowMajor(output))
    let tasks = Int32(planeTasks)
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    emitKernel("planes mean", places, for: operation) { memory, _ in
      ck_planes_mean_pool(
        memory[to], memory[from], output[0] * output[1], output[2], output[3], tasks)
    }
  }

  mutating func lowerMeanOfTwoByTwoGradient(_ operation: Operation) throws {
    let source = try readRowMajor(operation.inputs[0])
    let output = shape(operation.inputs[0])
    let result = make(operation.outputs[0], try .rowMajor(shape(operation.outputs[0])))
    let tasks = Int32(planeTasks)
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    emitKernel("planes mean gradient", places, for: operation) { memory, _ in
      ck_planes_mean_pool_gradient(
        memory[to], memory[from], output[0] * output[1], output[2], output[3], tasks)
    }
  }
}

extension Operation.Convolution.FusedOperation {
  fileprivate var activation: ActivationFunction? {
    switch self {
    case .activation(let function): function
    case .addition: nil
    }
  }
}
