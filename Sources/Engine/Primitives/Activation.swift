import CKernels
import COneDNN
import ConvNetGraphs
import ConvNetTensors

extension ActivationFunction {
  /// The library's name of the function, with its two numbers; `nil` where it has none.
  var libraryAlgorithm: (cdnn_algorithm, alpha: Float, beta: Float)? {
    switch self {
    case .relu: (CDNN_ELTWISE_RELU, 0, 0)
    case .relu6: (CDNN_ELTWISE_CLIP, 0, 6)
    case .leakyReLU(let slope): (CDNN_ELTWISE_RELU, slope, 0)
    case .elu(let alpha): (CDNN_ELTWISE_ELU, alpha, 0)
    case .silu: (CDNN_ELTWISE_SWISH, 1, 0)
    case .gelu: (CDNN_ELTWISE_GELU_ERF, 0, 0)
    case .tanh: (CDNN_ELTWISE_TANH, 0, 0)
    case .sigmoid: (CDNN_ELTWISE_LOGISTIC, 0, 0)
    case .hardSigmoid, .hardSwish: nil
    }
  }

  /// The library's name of the derivative, computed from what ``derivativeNeedsOnlyOutput`` says.
  var libraryDerivative: (cdnn_algorithm, alpha: Float, beta: Float)? {
    guard let (algorithm, alpha, beta) = libraryAlgorithm else { return nil }
    guard derivativeNeedsOnlyOutput else { return (algorithm, alpha, beta) }
    switch self {
    case .relu, .leakyReLU: return (CDNN_ELTWISE_RELU_FROM_RESULT, alpha, beta)
    case .relu6: return (CDNN_ELTWISE_CLIP_FROM_RESULT, alpha, beta)
    case .elu: return (CDNN_ELTWISE_ELU_FROM_RESULT, alpha, beta)
    case .tanh: return (CDNN_ELTWISE_TANH_FROM_RESULT, alpha, beta)
    case .sigmoid: return (CDNN_ELTWISE_LOGISTIC_FROM_RESULT, alpha, beta)
    case .silu, .gelu, .hardSigmoid, .hardSwish: return (algorithm, alpha, beta)
    }
  }
}

extension ActivationFunction {
  /// What the library applies to a result in registers; `nil` where it would lose what is not a number.
  ///
  /// Its maximum with zero does. With a slope it selects by comparing, which does not. The slope is the least below zero: where
  /// denormal numbers are taken for zero, as on all of our threads, a negative number times it is zero. (Minus infinity times
  /// it is not a number.) Its sigmoid does in convolutions by matrix products. Its GELU makes none of infinity in version 3.
  var postOperation: (cdnn_algorithm, alpha: Float, beta: Float)? {
    switch self {
    case .relu: (CDNN_ELTWISE_RELU, -Float.leastNonzeroMagnitude, 0)
    case .relu6, .gelu, .sigmoid, .hardSigmoid, .hardSwish: nil
    case .leakyReLU, .elu, .silu, .tanh: libraryAlgorithm
    }
  }

  /// Its name among those that our kernels apply to a result in the nearest cache; `nil` where it is left to the library.
  var ofKernels: ck_activation? {
    switch self {
    case .relu: CK_RELU
    case .relu6: CK_RELU6
    case .tanh: CK_TANH
    case .sigmoid: CK_SIGMOID
    case .silu: CK_SILU
    case .gelu: CK_GELU
    case .hardSigmoid: CK_HARD_SIGMOID
    case .hardSwish: CK_HARD_SWISH
    case .leakyReLU, .elu: nil
    }
  }

  /// The same where the library loses what is not a number, makes none of infinity, or has no such function.
  fileprivate var ofKernelsAlone: ck_activation? {
    switch self {
    case .relu, .relu6, .gelu, .hardSigmoid, .hardSwish: ofKernels
    case .tanh, .leakyReLU, .elu, .silu, .sigmoid: nil
    }
  }

  /// What it makes of numbers below zero, where it leaves others as they are.
  fileprivate var belowZero: ck_below_zero? {
    switch self {
    case .leakyReLU(let slope):
      ck_below_zero(
        factor: slope, is_exponential: false, is_from_result: derivativeNeedsOnlyOutput)
    case .elu(let alpha):
      ck_below_zero(
        factor: alpha, is_exponential: true, is_from_result: derivativeNeedsOnlyOutput)
    case .relu, .relu6, .tanh, .sigmoid, .silu, .gelu, .hardSigmoid, .hardSwish: nil
    }
  }

  /// Whether zero stays zero, as what fills up blocks must.
  fileprivate var keepsZero: Bool {
    switch self {
    case .relu, .relu6, .leakyReLU, .elu, .silu, .gelu, .tanh, .hardSwish: true
    case .sigmoid, .hardSigmoid: false
    }
  }
}

extension Operation.Activation: LoweredOperation {
  static let lowering = LoweringTraits(kind: .activation, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.ActivationGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .activation, combinesInputs: true)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Lowering {
  mutating func lower(_ activation: Operation.Activation, _ operation: Operation) throws {
    let source = read(operation.inputs[0])
    let result = make(operation.outputs[0], over: source, of: operation.inputs[0])
    try emitActivation(activation.function, from: source, result, for: operation)
  }

  /// Applies a function to every element; in place where no source is given.
  mutating func emitActivation(
    _ function: ActivationFunction, from source: Place? = nil, _ result: Place,
    for operation: Operation
  ) throws {
    if let below = function.belowZero, !options.usesLibrary {
      let (count, tasks) = (result.layout.floatCount, Int32(clamping: options.threads))
      var places = KernelPlaces()
      let (to, from) = (places.writes(result), places.reads(source ?? result))
      emitKernel("activation", places, for: operation, kind: .activation) { memory, _ in
        ck_below_zero_forward(memory[to], memory[from], count, below, tasks)
      }
      return
    }
    if let activation = options.usesLibrary ? function.ofKernelsAlone : function.ofKernels {
      let count = result.layout.floatCount
      let tasks = Int32(clamping: options.threads)
      let filled = try function.keepsZero ? nil : result.layout.filledChannels
      var places = KernelPlaces()
      let (to, from) = (places.writes(result), places.reads(source ?? result))
      emitKernel("activation", places, for: operation, kind: .activation) { memory, _ in
        ck_activation_forward(memory[to], memory[from], count, activation, tasks)
        if let filled { withUnsafePointer(to: filled) { ck_clear_filling($0, memory[to]) } }
      }
      return
    }
    guard let (algorithm, alpha, beta) = function.libraryAlgorithm else {
      throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED))
    }
    let primitive = try Primitive {
      cdnn_eltwise_forward(&$0, algorithm, result.layout.handle, alpha, beta)
    }
    try emit(primitive, [(CDNN_SRC, source ?? result), (CDNN_DST, result)], for: operation)
  }

  /// Applies to a result what was fused into its layer and the library does not do there.
  mutating func emitActivation(
    leftOutOf fused: [Operation.Convolution.FusedOperation], _ result: Place,
    for operation: Operation
  ) throws {
    if case .activation(let function) = fused.last, function.postOperation == nil {
      try emitActivation(function, result, for: operation)
    }
  }

  mutating func lower(_ gradient: Operation.ActivationGradient, _ operation: Operation) throws {
    let kept = read(operation.inputs[0])
    let outputGradient = try read(operation.inputs[1], as: kept.layout)
    let function = gradient.function
    if let below = function.belowZero, !options.usesLibrary {
      let result = make(operation.outputs[0], over: outputGradient, of: operation.inputs[1])
      let (count, tasks) = (kept.layout.floatCount, Int32(clamping: options.threads))
      var places = KernelPlaces()
      let to = places.writes(result)
      let (from, incoming) = (places.reads(kept), places.reads(outputGradient))
      emitKernel("activation gradient", places, for: operation) { memory, _ in
        ck_below_zero_gradient(memory[to], memory[from], memory[incoming], count, below, tasks)
      }
      return
    }
    if let activation = options.usesLibrary ? function.ofKernelsAlone : function.ofKernels {
      let result = make(operation.outputs[0], over: outputGradient, of: operation.inputs[1])
      let (count, tasks) = (kept.layout.floatCount, Int32(clamping: options.threads))
      var places = KernelPlaces()
      let to = places.writes(result)
      let (from, incoming) = (places.reads(kept), places.reads(outputGradient))
      emitKernel("activation gradient", places, for: operation) { memory, _ in
        ck_activation_gradient(
          memory[to], memory[from], memory[incoming], count, activation, tasks)
      }
      return
    }
    guard let (algorithm, alpha, beta) = function.libraryDerivative else {
      throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED))
    }
    let primitive = try Primitive {
      cdnn_eltwise_backward(
        &$0, algorithm, kept.layout.handle, kept.layout.handle, alpha, beta)
    }
    let argument = function.derivativeNeedsOnlyOutput ? CDNN_DST : CDNN_SRC
    let result = make(operation.outputs[0], over: outputGradient, of: operation.inputs[1])
    try emit(
      primitive,
      [(argument, kept), (CDNN_DIFF_DST, outputGradient), (CDNN_DIFF_SRC, result)],
      for: operation)
  }
}

extension Operation.Clip: LoweredOperation {
  static let lowering = LoweringTraits(kind: .activation, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    let source = lowering.read(operation.inputs[0])
    let result = lowering.make(operation.outputs[0], over: source, of: operation.inputs[0])
    let (count, tasks) = (result.layout.floatCount, Int32(clamping: lowering.options.threads))
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    lowering.emitKernel("clip", places, for: operation) { memory, _ in
      Clipping(self, count: count, tasks: tasks, result: memory[to], input: memory[from]).run()
    }
  }
}

extension Operation.ClipGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .activation, combinesInputs: true)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    let source = lowering.read(operation.inputs[0])
    let gradient = try lowering.read(operation.inputs[1], as: source.layout)
    let result = lowering.make(operation.outputs[0], over: gradient, of: operation.inputs[1])
    let (count, tasks) = (source.layout.floatCount, Int32(clamping: lowering.options.threads))
    var places = KernelPlaces()
    let to = places.writes(result)
    let (from, incoming) = (places.reads(source), places.reads(gradient))
    lowering.emitKernel("clip gradient", places, for: operation) { memory, _ in
      Clipping(
        clip, count: count, tasks: tasks, result: memory[to], input: memory[from],
        gradient: memory[incoming]
      ).run()
    }
  }
}

/// A run of the kernel that clips, or of its gradient, in shares that the threads take.
private struct Clipping {
  let lower, upper: Float
  let count: Int
  let tasks: Int32
  let result: UnsafeMutablePointer<Float>
  let input: UnsafePointer<Float>
  /// By the output.
  let gradient: UnsafePointer<Float>?

  init(
    _ clip: Operation.Clip, count: Int, tasks: Int32, result: UnsafeMutablePointer<Float>,
    input: UnsafePointer<Float>, gradient: UnsafePointer<Float>? = nil
  ) {
    (lower, upper) = (clip.lower, clip.upper)
    (self.count, self.tasks) = (count, tasks)
    (self.result, self.input, self.gradient) = (result, input, gradient)
  }

  func run() {
    var clipping = self
    ck_parallel(
      tasks,
      { context, task in context?.assumingMemoryBound(to: Clipping.self).pointee.run(task) },
      &clipping)
  }

  private func run(_ task: Int32) {
    let share = ck_share_begin(count, task, tasks)..<ck_share_begin(count, task + 1, tasks)
    if let gradient {
      for index in share {
        let x = input[index]
        result[index] = x < lower || x > upper ? 0 : gradient[index]
      }
    } else {
      for index in share {
        let x = input[index]
        result[index] = x < lower ? lower : x > upper ? upper : x
      }
    }
  }
}

extension Layout {
  /// Floats of memory, those that fill up blocks or lie between included.
  fileprivate var floatCount: Int { byteCount / MemoryLayout<Float>.stride }

  /// Where the channels lie, if zeros fill up blocks of them; `nil` where nothing does.
  fileprivate var filledChannels: ck_channels? {
    get throws {
      guard floatCount != shape.count else { return nil }
      guard let channels else { throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED)) }
      return channels
    }
  }
}
