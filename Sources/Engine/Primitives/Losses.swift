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

extension Operation.BinaryCrossEntropy: LoweredOperation {
  static let lowering = LoweringTraits(kind: .loss, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.BinaryCrossEntropyGradient: LoweredOperation {
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
    guard options.usesLibrary else { return emitSoftmax(softmax, source, operation) }
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
    var places = KernelPlaces()
    let corrected = isLong ? places.changes(result, as: Float.self) : places.corrects(result)
    let from = places.reads(source)
    emitKernel("softmax of no numbers", places, for: operation) { memory, _ in
      if isLong {
        ck_softmax_of_many(memory[corrected], rows, classes, positions, isLogarithmic)
      }
      ck_softmax_of_no_numbers(memory[corrected], memory[from], rows, classes, positions)
    }
  }

  private mutating func emitSoftmax(
    _ softmax: Operation.Softmax, _ source: Place, _ operation: Operation
  ) {
    let result = make(operation.outputs[0], source.layout)
    let input = shape(operation.inputs[0])
    let (rows, classes) = (input[0], input[1])
    let positions = input.count / max(1, rows * classes)
    let (isLogarithmic, tasks) = (softmax.isLogarithmic, Int32(clamping: options.threads))
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    emitKernel("softmax", places, for: operation) { memory, _ in
      ck_softmax(memory[to], memory[from], rows, classes, positions, isLogarithmic, tasks)
    }
  }

  mutating func lower(_ gradient: Operation.SoftmaxGradient, _ operation: Operation) throws {
    let extents = shape(operation.inputs[0])
    if !options.usesLibrary || extents[1] > BatchParts.Summation.mostTerms {
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
    var places = KernelPlaces()
    let to = places.writes(result)
    let (probabilities, outputGradient) = (places.reads(kept), places.reads(incoming))
    emitKernel("softmax gradient", places, for: operation) { memory, _ in
      ck_softmax_gradient(
        memory[to], memory[probabilities], memory[outputGradient], rows, classes, positions,
        isLogarithmic)
    }
  }

  mutating func lower(_ loss: Operation.CrossEntropy, _ operation: Operation) throws {
    let logits = try readRowMajor(operation.inputs[0])
    let targets = try readTargets(operation.inputs[1])
    let result = make(operation.outputs[0], try .rowMajor([1]))
    let probabilities = make(operation.outputs[1], logits.layout)
    let (rows, classes) = (shape(operation.inputs[0])[0], shape(operation.inputs[0])[1])
    let (smoothing, weights) = (loss.labelSmoothing, loss.classWeights)
    var places = KernelPlaces()
    let (mean, shares) = (places.writes(result), places.writes(probabilities))
    let from = places.reads(logits)
    let (labels, distributions) = declare(targets, operation.inputs[1], in: &places)
    emitKernel("cross entropy", places, for: operation) { memory, _ in
      let sum = ck_cross_entropy(
        memory[shares], memory[from], memory[ifAny: labels], memory[ifAny: distributions], rows,
        classes, smoothing)
      guard let weights else {
        memory[mean][0] = Float(sum / Double(rows))
        return
      }
      let weighted = ck_weighted_cross_entropy(
        memory[from], memory[ifAny: labels], memory[ifAny: distributions], weights, rows, classes,
        smoothing)
      let weight = ck_label_weight(
        memory[ifAny: labels], memory[ifAny: distributions], weights, rows, classes)
      // A label that is no class made the sum no number.
      memory[mean][0] = sum.isNaN ? .nan : Float(weighted / weight)
    }
  }

  mutating func lower(_ gradient: Operation.CrossEntropyGradient, _ operation: Operation) throws {
    let probabilities = try readRowMajor(operation.inputs[0])
    let targets = try readTargets(operation.inputs[1])
    let incoming = read(operation.inputs[2])
    let result = make(operation.outputs[0], probabilities.layout)
    let (rows, classes) = (shape(operation.inputs[0])[0], shape(operation.inputs[0])[1])
    let (smoothing, weights) = (gradient.labelSmoothing, gradient.classWeights)
    var places = KernelPlaces()
    let (to, shares) = (places.writes(result), places.reads(probabilities))
    let (labels, distributions) = declare(targets, operation.inputs[1], in: &places)
    let factor = places.reads(incoming)
    emitKernel("cross entropy gradient", places, for: operation) { memory, _ in
      if let weights {
        let weight = ck_label_weight(
          memory[ifAny: labels], memory[ifAny: distributions], weights, rows, classes)
        return ck_weighted_cross_entropy_gradient(
          memory[to], memory[shares], memory[ifAny: labels], memory[ifAny: distributions], weights,
          rows, classes, smoothing, Double(memory[factor][0]) / weight)
      }
      ck_cross_entropy_gradient(
        memory[to], memory[shares], memory[ifAny: labels], memory[ifAny: distributions], rows,
        classes, smoothing, memory[factor][0] / Float(rows))
    }
  }

  /// Class indices, or distributions over the classes in row-major order.
  private mutating func readTargets(_ value: ValueID) throws -> Place {
    graph[value].type.elementType == .int32 ? read(value) : try readRowMajor(value)
  }

  /// The targets as one of the two.
  private func declare(
    _ targets: Place, _ value: ValueID, in places: inout KernelPlaces
  ) -> (labels: ReadPlace<Int32>?, distributions: ReadPlace<Float>?) {
    graph[value].type.elementType == .int32
      ? (places.reads(targets, as: Int32.self), nil) : (nil, places.reads(targets, as: Float.self))
  }

  mutating func lower(_ loss: Operation.BinaryCrossEntropy, _ operation: Operation) throws {
    let sources = try readAlike(operation.inputs[...])
    let result = make(operation.outputs[0], try .rowMajor([1]))
    let probabilities = make(operation.outputs[1], sources[0].layout)
    let (rows, labels) = (shape(operation.inputs[0])[0], shape(operation.inputs[0])[1])
    let weights = loss.positiveWeights
    var places = KernelPlaces()
    let (mean, shares) = (places.writes(result), places.writes(probabilities))
    let (logits, targets) = (places.reads(sources[0]), places.reads(sources[1]))
    emitKernel("binary cross entropy", places, for: operation) { memory, _ in
      let sum = ck_binary_cross_entropy(
        memory[shares], memory[logits], memory[targets], weights, rows, labels)
      memory[mean][0] = Float(sum / Double(rows * labels))
    }
  }

  mutating func lower(
    _ gradient: Operation.BinaryCrossEntropyGradient, _ operation: Operation
  ) throws {
    let sources = try readAlike(operation.inputs.dropLast())
    guard let last = operation.inputs.last else { return }
    let incoming = read(last)
    let result = make(operation.outputs[0], sources[0].layout)
    let (rows, labels) = (shape(operation.inputs[0])[0], shape(operation.inputs[0])[1])
    let weights = gradient.positiveWeights
    var places = KernelPlaces()
    let (to, factor) = (places.writes(result), places.reads(incoming))
    let (probabilities, targets) = (places.reads(sources[0]), places.reads(sources[1]))
    emitKernel("binary cross entropy gradient", places, for: operation) { memory, _ in
      ck_binary_cross_entropy_gradient(
        memory[to], memory[probabilities], memory[targets], weights, rows, labels,
        memory[factor][0] / Float(rows * labels))
    }
  }

  mutating func lower(_ loss: Operation.MeanSquaredError, _ operation: Operation) throws {
    let sources = try readAlike(operation.inputs[...])
    let result = make(operation.outputs[0], try .rowMajor([1]))
    let count = shape(operation.inputs[0]).count
    var places = KernelPlaces()
    let mean = places.writes(result)
    let (prediction, target) = (places.reads(sources[0]), places.reads(sources[1]))
    let mask = places.reads(ifAny: loss.hasMask ? sources[2] : nil)
    emitKernel("squared error", places, for: operation) { memory, _ in
      let sum = ck_squared_error(memory[prediction], memory[target], memory[ifAny: mask], count)
      memory[mean][0] = Float(sum / Double(count))
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
    var places = KernelPlaces()
    let (to, factor) = (places.writes(result), places.reads(incoming))
    let (prediction, target) = (places.reads(sources[0]), places.reads(sources[1]))
    let mask = places.reads(ifAny: gradient.hasMask ? sources[2] : nil)
    emitKernel("squared error gradient", places, for: operation) { memory, _ in
      ck_squared_error_gradient(
        memory[to], memory[prediction], memory[target], memory[ifAny: mask], count,
        2 * memory[factor][0] / Float(count))
    }
  }

  private mutating func readAlike(_ values: ArraySlice<ValueID>) throws -> [Place] {
    try values.map { try readRowMajor($0) }
  }
}
