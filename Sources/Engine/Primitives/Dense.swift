import CKernels
import COneDNN
import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors

extension Operation.Dense: LoweredOperation {
  static let lowering = LoweringTraits(kind: .dense, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.DenseInputGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .dense, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.DenseParameterGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .dense, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Lowering {
  mutating func lower(_ dense: Operation.Dense, _ operation: Operation) throws {
    let (input, kernel, output) = (operation.inputs[0], operation.inputs[1], operation.outputs[0])
    if try lowerPacked(dense, operation) { return }
    if try lowerAsStored(dense, operation) { return }
    guard options.usesLibrary else { return try lowerAsColumn(dense, operation) }
    let source = try Layout.any(shape(input))
    let weights = try Layout.any(shape(kernel))
    let bias = dense.hasBias ? try Layout.rowMajor([shape(kernel)[0]]) : nil
    let destination = try Layout.any(shape(output))
    let attributes = try PostOperations(dense.fused)
    let isTraining = options.mode == .training
    let primitive = try Primitive {
      cdnn_inner_product_forward(
        &$0, isTraining, source.handle, weights.handle, bias?.handle, destination.handle,
        attributes.handle)
    }
    var arguments = [
      (CDNN_SRC, try read(input, as: primitive.requiredLayout(of: CDNN_SRC, shape: shape(input)))),
      (
        CDNN_WEIGHTS,
        try read(kernel, as: primitive.requiredLayout(of: CDNN_WEIGHTS, shape: shape(kernel)))
      ),
    ]
    if dense.hasBias { arguments.append((CDNN_BIAS, read(operation.inputs[2]))) }
    let layout = try primitive.requiredLayout(of: CDNN_DST, shape: shape(output))
    let result = try placeResult(
      operation, layout, adds: dense.fused.contains(.addition), reading: arguments.map(\.1))
    try emit(primitive, arguments + [(CDNN_DST, result)], for: operation)
    try emitActivation(leftOutOf: dense.fused, result, for: operation)
  }

  mutating func lower(_ gradient: Operation.DenseInputGradient, _ operation: Operation) throws {
    let (outputGradient, kernel) = (operation.inputs[0], operation.inputs[1])
    let inputGradient = operation.outputs[0]
    guard options.usesLibrary else { return try lowerAsColumn(gradient, operation) }
    let source = try Layout.any(shape(inputGradient))
    // The order of the parameter itself: packing it at every step costs more than it brings.
    let weights = try Layout.rowMajor(shape(kernel))
    let destination = try Layout.any(shape(outputGradient))
    let primitive = try Primitive {
      cdnn_inner_product_backward_data(&$0, source.handle, weights.handle, destination.handle)
    }
    let arguments = [
      (
        CDNN_DIFF_DST,
        try read(
          outputGradient,
          as: primitive.requiredLayout(of: CDNN_DIFF_DST, shape: shape(outputGradient)))
      ),
      (
        CDNN_WEIGHTS,
        try read(kernel, as: primitive.requiredLayout(of: CDNN_WEIGHTS, shape: shape(kernel)))
      ),
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
    _ gradient: Operation.DenseParameterGradient, _ operation: Operation
  ) throws {
    let (input, outputGradient) = (operation.inputs[0], operation.inputs[1])
    let kernel = shape(operation.outputs[0])
    if gradient.hasBias {
      let result = make(operation.outputs[1], try .rowMajor([kernel[0]]))
      try emitChannelSums(of: outputGradient, to: result, for: operation)
    }
    guard options.usesLibrary else { return try lowerAsColumn(gradient, operation) }
    if try lowerInParts(kernel, operation) { return }
    let primitive = try weightGradient(shape(input), kernel, shape(outputGradient))
    var arguments = [
      (CDNN_SRC, try read(input, as: primitive.requiredLayout(of: CDNN_SRC, shape: shape(input)))),
      (
        CDNN_DIFF_DST,
        try read(
          outputGradient,
          as: primitive.requiredLayout(of: CDNN_DIFF_DST, shape: shape(outputGradient)))
      ),
    ]
    let kernelLayout = try primitive.requiredLayout(of: CDNN_DIFF_WEIGHTS, shape: kernel)
    arguments.append((CDNN_DIFF_WEIGHTS, make(operation.outputs[0], kernelLayout)))
    try emit(primitive, arguments, for: operation)
  }

  private func weightGradient(_ input: Shape, _ kernel: Shape, _ output: Shape) throws -> Primitive
  {
    let (source, destination) = (try Layout.any(input), try Layout.any(output))
    let weights = try Layout.rowMajor(kernel)
    return try Primitive {
      cdnn_inner_product_backward_weights(
        &$0, source.handle, weights.handle, nil, destination.handle)
    }
  }

  /// Has the library sum up so many examples at a time as it does well enough.
  private mutating func lowerInParts(_ kernel: Shape, _ operation: Operation) throws -> Bool {
    let (input, output) = (shape(operation.inputs[0]), shape(operation.inputs[1]))
    let window = PaddedWindow(kernel: [], strides: [], dilations: [], sides: [])
    guard input.rank == 2,
      let parts = BatchParts(window, input: input, output: output, .inBlocks)
    else { return false }
    let primitive = try weightGradient(parts.input, kernel, parts.output)
    return try emit(primitive, of: parts, kernel: kernel, for: operation)
  }
}
