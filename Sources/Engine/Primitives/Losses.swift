import CKernels
import COneDNN
import ConvNetGraphs
import ConvNetTensors

extension Operation.Softmax: LoweredOperation {
  static let lowering = LoweringTraits(kind: .loss, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.SoftmaxGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .loss, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.CrossEntropy: LoweredOperation {
  static let lowering = LoweringTraits(kind: .loss, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.CrossEntropyGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .loss, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.MeanSquaredError: LoweredOperation {
  static let lowering = LoweringTraits(kind: .loss, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.MeanSquaredErrorGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .loss, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Lowering {
  mutating func lower(_ softmax: Operation.Softmax, _ operation: Operation) throws {
    let source = try readRowMajor(operation.inputs[0])
    let algorithm = softmax.isLogarithmic ? CDNN_LOG_SOFTMAX : CDNN_SOFTMAX
    let primitive = try Primitive {
      cdnn_softmax_forward(&$0, algorithm, source.layout.handle, 1)
    }
    let result = make(operation.outputs[0], source.layout)
    try emit(primitive, [(CDNN_SRC, source), (CDNN_DST, result)], for: operation)
    // The library's exponential has limits, which what is not a number does not survive.
    let input = shape(operation.inputs[0])
    let (rows, classes) = (input[0], input[1])
    let positions = input.count / max(1, rows * classes)
    let (isLogarithmic, isLong) = (softmax.isLogarithmic, classes > BatchParts.Summation.mostTerms)
    emitKernel("softmax of no numbers", [result, source], for: operation) { memory, _ in
      if isLong {
        ck_softmax_of_many(memory.floats(0), rows, classes, positions, isLogarithmic)
      }
      ck_softmax_of_no_numbers(memory.floats(0), memory.floats(1), rows, classes, positions)
    }
  }

  mutating func lower(_ gradient: Operation.SoftmaxGradient, _ operation: Operation) throws {
    let extents = shape(operation.inputs[0])
    if extents[1] > BatchParts.Summation.mostTerms {
      return try lowerOfManyClasses(gradient, operation)
    }
    let kept = read(operation.inputs[0])
    let incoming = try read(operation.inputs[1], as: kept.layout)
    let algorithm = gradient.isLogarithmic ? CDNN_LOG_SOFTMAX : CDNN_SOFTMAX
    let primitive = try Primitive {
      cdnn_softmax_backward(&$0, algorithm, kept.layout.handle, kept.layout.handle, 1)
    }
    let result = make(operation.outputs[0], kept.layout)
    try emit(
      primitive, [(CDNN_DST, kept), (CDNN_DIFF_DST, incoming), (CDNN_DIFF_SRC, result)],
      for: operation)
  }

  /// The library's sum over the classes is in single precision.
  private mutating func lowerOfManyClasses(
    _ gradient: Operation.SoftmaxGradient, _ operation: Operation
  ) throws {
    let kept = try readRowMajor(operation.inputs[0])
    let incoming = try readRowMajor(operation.inputs[1])
    let result = make(operation.outputs[0], kept.layout)
    let extents = shape(operation.inputs[0])
    let (rows, classes) = (extents[0], extents[1])
    let positions = extents.count / max(1, rows * classes)
    let isLogarithmic = gradient.isLogarithmic
    emitKernel("softmax gradient", [result, kept, incoming], for: operation) { memory, _ in
      ck_softmax_gradient(
        memory.floats(0), memory.floats(1), memory.floats(2), rows, classes, positions,
        isLogarithmic)
    }
  }

  mutating func lower(_ loss: Operation.CrossEntropy, _ operation: Operation) throws {
    let logits = try readRowMajor(operation.inputs[0])
    let targets = try readTargets(operation.inputs[1])
    let result = make(operation.outputs[0], try .rowMajor([1]))
    let probabilities = make(operation.outputs[1], logits.layout)
    let (rows, classes) = (shape(operation.inputs[0])[0], shape(operation.inputs[0])[1])
    let smoothing = loss.labelSmoothing
    let areIndices = graph[operation.inputs[1]].type.elementType == .int32
    emitKernel("cross entropy", [result, probabilities, logits, targets], for: operation) {
      memory, _ in
      let sum = ck_cross_entropy(
        memory.floats(1), memory.floats(2),
        areIndices ? memory[3].assumingMemoryBound(to: Int32.self) : nil,
        areIndices ? nil : memory.floats(3), rows, classes, smoothing)
      memory.floats(0)[0] = Float(sum / Double(rows))
    }
  }

  mutating func lower(_ gradient: Operation.CrossEntropyGradient, _ operation: Operation) throws {
    let probabilities = try readRowMajor(operation.inputs[0])
    let targets = try readTargets(operation.inputs[1])
    let incoming = read(operation.inputs[2])
    let result = make(operation.outputs[0], probabilities.layout)
    let (rows, classes) = (shape(operation.inputs[0])[0], shape(operation.inputs[0])[1])
    let smoothing = gradient.labelSmoothing
    let areIndices = graph[operation.inputs[1]].type.elementType == .int32
    emitKernel(
      "cross entropy gradient", [result, probabilities, targets, incoming], for: operation
    ) { memory, _ in
      ck_cross_entropy_gradient(
        memory.floats(0), memory.floats(1),
        areIndices ? memory[2].assumingMemoryBound(to: Int32.self) : nil,
        areIndices ? nil : memory.floats(2), rows, classes, smoothing,
        memory.floats(3)[0] / Float(rows))
    }
  }

  /// Class indices, or distributions over the classes in row-major order.
  private mutating func readTargets(_ value: ValueID) throws -> Place {
    graph[value].type.elementType == .int32 ? read(value) : try readRowMajor(value)
  }

  mutating func lower(_ loss: Operation.MeanSquaredError, _ operation: Operation) throws {
    let sources = try readAlike(operation.inputs[...])
    let result = make(operation.outputs[0], try .rowMajor([1]))
    let count = shape(operation.inputs[0]).count
    let hasMask = loss.hasMask
    emitKernel("squared error", [result] + sources, for: operation) { memory, _ in
      let sum = ck_squared_error(
        memory.floats(1), memory.floats(2), hasMask ? memory.floats(3) : nil, count)
      memory.floats(0)[0] = Float(sum / Double(count))
    }
  }

  mutating func lower(
    _ gradient: Operation.MeanSquaredErrorGradient, _ operation: Operation
  ) throws {
    let sources = try readAlike(operation.inputs.dropLast())
    guard let last = operation.inputs.last else { return }
    let incoming = read(last)
    let result = make(operation.outputs[0], sources[0].layout)
    let count = shape(operation.inputs[0]).count
    let hasMask = gradient.hasMask
    emitKernel(
      "squared error gradient", [result, incoming] + sources, for: operation
    ) { memory, _ in
      ck_squared_error_gradient(
        memory.floats(0), memory.floats(2), memory.floats(3), hasMask ? memory.floats(4) : nil,
        count, 2 * memory.floats(1)[0] / Float(count))
    }
  }

  private mutating func readAlike(_ values: ArraySlice<ValueID>) throws -> [Place] {
    try values.map { try readRowMajor($0) }
  }
}
