import COneDNN
import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors

extension Operation.Convolution: LoweredOperation {
  static let lowering = LoweringTraits(kind: .direct, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.ConvolutionInputGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .direct, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.ConvolutionParameterGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .direct, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.TransposedConvolution: LoweredOperation {
  static let lowering = LoweringTraits(kind: .direct, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Lowering {
  mutating func lower(_ convolution: Operation.Convolution, _ operation: Operation) throws {
    let (input, kernel, output) = (operation.inputs[0], operation.inputs[1], operation.outputs[0])
    if let planes = try PlaneConvolution(
      convolution, input: shape(input), kernel: shape(kernel), output: shape(output))
    {
      return try lowerInPlanes(convolution, planes, operation)
    }
    let chosen = try algorithms.kernel(
      for: problem(
        .forward, convolution, input: shape(input), kernel: shape(kernel), output: shape(output)))
    let primitive: Primitive
    switch chosen {
    case .library(let library): primitive = library
    case .own(let direct as DirectConvolution) where direct.readsPlain:
      let (source, kernels) = try readPlain(input, for: direct)
      return try lower(by: kernels, convolution, operation, source: source)
    case .own(let kernels):
      return try lower(by: kernels, convolution, operation, source: readBlocks(input))
    case .sums: return try lowerAsSums(convolution, operation)
    }
    var arguments = [
      (CDNN_SRC, try read(input, as: primitive.requiredLayout(of: CDNN_SRC, shape: shape(input)))),
      (CDNN_WEIGHTS, try readKernel(kernel, convolution, primitive)),
    ]
    if convolution.hasBias { arguments.append((CDNN_BIAS, read(operation.inputs[2]))) }
    let layout = try primitive.requiredLayout(of: CDNN_DST, shape: shape(output))
    let result = try placeResult(
      operation, layout, adds: convolution.fused.contains(.addition), reading: arguments.map(\.1))
    try emit(primitive, arguments + [(CDNN_DST, result)], for: operation)
    try emitActivation(leftOutOf: convolution.fused, result, for: operation)
  }

  mutating func lower(
    _ gradient: Operation.ConvolutionInputGradient, _ operation: Operation
  ) throws {
    let convolution = gradient.convolution
    let (outputGradient, kernel) = (operation.inputs[0], operation.inputs[1])
    let inputGradient = operation.outputs[0]
    if let planes = try PlaneConvolution(
      convolution, input: shape(inputGradient), kernel: shape(kernel),
      output: shape(outputGradient))
    {
      return try lowerInPlanes(planes, inputGradient: operation)
    }
    let chosen = try algorithms.kernel(
      for: problem(
        .inputGradient, convolution, input: shape(inputGradient), kernel: shape(kernel),
        output: shape(outputGradient)))
    let primitive: Primitive
    switch chosen {
    case .library(let library): primitive = library
    case .own(let kernels): return try lower(by: kernels, inputGradient: operation)
    case .sums: return try lowerAsSums(convolution, inputGradient: operation)
    }
    let arguments = [
      (
        CDNN_DIFF_DST,
        try read(
          outputGradient,
          as: primitive.requiredLayout(of: CDNN_DIFF_DST, shape: shape(outputGradient)))
      ),
      (CDNN_WEIGHTS, try readKernel(kernel, convolution, primitive)),
      (
        CDNN_DIFF_SRC,
        make(
          inputGradient,
          try primitive.requiredLayout(of: CDNN_DIFF_SRC, shape: shape(inputGradient)))
      ),
    ]
    try emit(primitive, arguments, for: operation)
  }

  mutating func lower(
    _ gradient: Operation.ConvolutionParameterGradient, _ operation: Operation
  ) throws {
    let convolution = gradient.convolution
    let (input, outputGradient) = (operation.inputs[0], operation.inputs[1])
    let kernel = gradient.kernelShape
    if let planes = try PlaneConvolution(
      convolution, input: shape(input), kernel: kernel, output: shape(outputGradient))
    {
      return try lowerInPlanes(planes, parameterGradient: operation)
    }
    let chosen = try algorithms.kernel(
      for: problem(
        .parameterGradient, convolution, input: shape(input), kernel: kernel,
        output: shape(outputGradient)))
    let primitive: Primitive
    switch chosen {
    case .library(let library): primitive = library
    case .own(let direct as DirectConvolution) where direct.readsPlain:
      let (source, kernels) = try readPlain(input, for: direct)
      return try lower(by: kernels, parameterGradient: operation, source: source)
    case .own(let kernels as any ParameterGradientKernels):
      let source = try read(input, as: .blocked(shape(input)))
      return try lower(by: kernels, parameterGradient: operation, source: source)
    case .own: throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED))
    case .sums: return try lowerAsSums(gradient, operation)
    }
    if convolution.hasBias {
      let result = make(operation.outputs[1], try .rowMajor([kernel[0]]))
      try emitChannelSums(of: outputGradient, to: result, for: operation)
    }
    if try !lowerInParts(convolution, kernel, operation, unlike: primitive) {
      try lowerAsWhole(convolution, kernel, operation, primitive)
    }
    try restoreKernelShape(operation.outputs[0], convolution, kernel)
  }

  /// Has the library sum up few terms at a time.
  ///
  /// - Returns: false where that is not needed: of few terms, or by an algorithm that adds sums of few.
  private mutating func lowerInParts(
    _ convolution: Operation.Convolution, _ kernel: Shape, _ operation: Operation,
    unlike whole: Primitive
  ) throws -> Bool {
    let (input, output) = (shape(operation.inputs[0]), shape(operation.inputs[1]))
    let window = try convolution.paddedWindow(input: input, kernel: kernel)
    guard !whole.implementation.isWinograd,
      let parts = BatchParts(window, input: input, output: output, .init(whole))
    else { return false }
    var unpadded = convolution
    unpadded.padding = .valid
    unpadded.hasBias = false
    let primitive = try problem(
      .parameterGradient, unpadded, input: parts.input, kernel: kernel, output: parts.output
    ).primitive(.libraryDirect)
    return try emit(
      primitive, of: parts, kernel: convolution.libraryKernel(kernel), for: operation)
  }

  private mutating func lowerAsWhole(
    _ convolution: Operation.Convolution, _ kernel: Shape, _ operation: Operation,
    _ primitive: Primitive
  ) throws {
    let (input, outputGradient) = (operation.inputs[0], operation.inputs[1])
    var arguments = [
      (CDNN_SRC, try read(input, as: primitive.requiredLayout(of: CDNN_SRC, shape: shape(input)))),
      (
        CDNN_DIFF_DST,
        try read(
          outputGradient,
          as: primitive.requiredLayout(of: CDNN_DIFF_DST, shape: shape(outputGradient)))
      ),
    ]
    let kernelLayout = try primitive.requiredLayout(
      of: CDNN_DIFF_WEIGHTS, shape: convolution.libraryKernel(kernel))
    arguments.append((CDNN_DIFF_WEIGHTS, make(operation.outputs[0], kernelLayout)))
    try emit(primitive, arguments, for: operation)
  }

  mutating func lower(
    _ convolution: Operation.TransposedConvolution, _ operation: Operation
  ) throws {
    // The library's backward convolution by data is this operation; the bias is added afterwards.
    let (input, kernel, output) = (operation.inputs[0], operation.inputs[1], operation.outputs[0])
    let forward = try convolution.convolution()
    let problem = problem(
      .inputGradient, forward, input: shape(output), kernel: shape(kernel), output: shape(input))
    guard options.usesLibrary else {
      switch try algorithms.kernel(for: problem) {
      case .own(let kernels): try lower(by: kernels, inputGradient: operation)
      case .sums: try lowerAsSums(forward, inputGradient: operation)
      case .library: throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED))
      }
      if convolution.hasBias { try emitChannelShift(operation) }
      return
    }
    let primitive = try problem.primitive(.libraryDirect)
    let source = try read(
      input, as: primitive.requiredLayout(of: CDNN_DIFF_DST, shape: shape(input)))
    let weights = try readKernel(kernel, forward, primitive)
    let layout = try primitive.requiredLayout(of: CDNN_DIFF_SRC, shape: shape(output))
    let result = make(output, layout)
    try emit(
      primitive,
      [(CDNN_DIFF_DST, source), (CDNN_WEIGHTS, weights), (CDNN_DIFF_SRC, result)], for: operation)
    guard convolution.hasBias else { return }
    let channels = shape(output)[1]
    let broadcast = try Layout.rowMajor(
      Shape([1, channels] + shape(output).dimensions.dropFirst(2).map { _ in 1 }))
    let add = try Primitive {
      cdnn_binary(&$0, CDNN_BINARY_ADD, layout.handle, broadcast.handle, layout.handle)
    }
    let bias = read(operation.inputs[2]).viewed(as: broadcast)
    try emit(add, [(CDNN_SRC, result), (CDNN_SRC_1, bias), (CDNN_DST, result)], for: operation)
  }

  private func problem(
    _ direction: ConvolutionProblem.Direction, _ convolution: Operation.Convolution, input: Shape,
    kernel: Shape, output: Shape
  ) -> ConvolutionProblem {
    ConvolutionProblem(
      direction: direction, convolution: convolution, input: input, kernel: kernel, output: output,
      isTraining: options.mode == .training)
  }

  /// The kernel in the layout that the primitive chose.
  private mutating func readKernel(
    _ kernel: ValueID, _ convolution: Operation.Convolution, _ primitive: Primitive
  ) throws -> Place {
    let grouped = convolution.libraryKernel(shape(kernel))
    let layout = try primitive.requiredLayout(of: CDNN_WEIGHTS, shape: grouped)
    return try read(kernel, viewedAs: grouped, as: layout)
  }

  /// Gives a gradient made with an axis for the groups the shape of the parameter.
  private mutating func restoreKernelShape(
    _ value: ValueID, _ convolution: Operation.Convolution, _ kernel: Shape
  ) throws {
    guard convolution.groups > 1 else { return }
    let grouped = convolution.libraryKernel(kernel)
    let place = try read(value, as: .rowMajor(grouped))
    alias(value, try place.viewed(as: .rowMajor(kernel)))
  }

  /// Memory for a result; where a fused addition accumulates into it, the memory of the addend, or a copy of it where that is
  /// still needed.
  ///
  /// - Parameter sources: what the layer reads while it writes the result.
  mutating func placeResult(
    _ operation: Operation, _ layout: Layout, adds: Bool, reading sources: [Place]
  ) throws -> Place {
    guard adds, let addend = operation.inputs.last else {
      return make(operation.outputs[0], layout)
    }
    let source = try read(addend, as: layout)
    let result =
      sources.contains { $0.buffer == source.buffer }
      ? make(operation.outputs[0], layout)
      : make(operation.outputs[0], over: source, of: addend)
    if result.buffer != source.buffer {
      try emitReorder(from: source, to: result, name: operation.name)
    }
    return result
  }
}

/// What the library does to a result while it is in registers; what it cannot is left out.
final class PostOperations {
  let handle: OpaquePointer?

  init(_ fused: [Operation.Convolution.FusedOperation]) throws {
    var handle: OpaquePointer?
    var status = cdnn_attributes_create(&handle)
    for operation in fused where status == 0 {
      switch operation {
      case .addition:
        status = cdnn_attributes_append_sum(handle)
      case .activation(let function):
        guard let (algorithm, alpha, beta) = function.postOperation else { continue }
        status = cdnn_attributes_append_eltwise(handle, algorithm, alpha, beta)
      }
    }
    self.handle = handle
    guard status == 0 else { throw LibraryFailure(status: status) }
  }

  deinit {
    cdnn_attributes_destroy(handle)
  }
}
