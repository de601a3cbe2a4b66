import CKernels
import COneDNN
import ConvNetGraphs
import ConvNetTensors

extension Operation.BatchNormalization: LoweredOperation {
  static let lowering = LoweringTraits(kind: .normalization, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.BatchNormalizationGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .normalization, combinesInputs: true)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.MovingAverage: LoweredOperation {
  static let lowering = LoweringTraits(kind: .normalization, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.FoldedBatchNormalization: LoweredOperation {
  static let lowering = LoweringTraits(kind: .normalization, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.LocalResponseNormalization: LoweredOperation {
  static let lowering = LoweringTraits(kind: .normalization, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.LocalResponseNormalizationGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .normalization, combinesInputs: true)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Lowering {
  mutating func lower(_ normalization: Operation.BatchNormalization, _ operation: Operation) throws
  {
    let input = operation.inputs[0]
    let (source, channels) = try readByChannels(input)
    let isRectified = [.rectifiedTraining, .rectifiedInference].contains(normalization.form)
    let negativeSlope = isRectified ? normalization.negativeSlope : 1
    let (epsilon, tasks) = (normalization.epsilon, Int32(clamping: options.parts))
    let result = make(operation.outputs[0], over: source, of: input)
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    let scale = places.reads(read(operation.inputs[1]))
    let shift = places.reads(read(operation.inputs[2]))
    switch normalization.form {
    case .inference, .frozen, .rectifiedInference:
      let mean = places.reads(read(operation.inputs[3]))
      let variance = places.reads(read(operation.inputs[4]))
      emitKernel("normalization", places, for: operation) { memory, _ in
        withUnsafePointer(to: channels) {
          ck_normalization_by(
            $0, memory[to], memory[from], memory[scale], memory[shift], memory[mean],
            memory[variance], epsilon, negativeSlope, tasks)
        }
      }
    case .training, .rectifiedTraining:
      let vector = try Layout.rowMajor([shape(input)[1]])
      let mean = places.writes(make(operation.outputs[1], vector))
      let variance = places.writes(make(operation.outputs[2], vector))
      let work = places.scratch(try scratch(floats: normalizationScratch(channels)))
      emitKernel("normalization", places, for: operation) { memory, context in
        withUnsafePointer(to: channels) { channels in
          context.withJoint {
            ck_normalization(
              channels, memory[to], memory[from], memory[scale], memory[shift], memory[mean],
              memory[variance], epsilon, negativeSlope, memory[work], tasks, $0)
          }
        }
      }
    }
  }

  mutating func lower(
    _ gradient: Operation.BatchNormalizationGradient, _ operation: Operation
  ) throws {
    let (input, outputGradient) = (operation.inputs[0], operation.inputs[1])
    let (source, channels) = try readByChannels(input)
    let incoming = try read(outputGradient, as: source.layout)
    let result = make(operation.outputs[0], over: incoming, of: outputGradient)
    let vector = try Layout.rowMajor([shape(input)[1]])
    var places = KernelPlaces()
    let byInput = places.writes(result)
    let byScale = places.writes(make(operation.outputs[1], vector))
    let byShift = places.writes(make(operation.outputs[2], vector))
    let work = places.scratch(try scratch(floats: normalizationScratch(channels)))
    let (from, byOutput) = (places.reads(source), places.reads(incoming))
    let mean = places.reads(read(operation.inputs[2]))
    let variance = places.reads(read(operation.inputs[3]))
    let scale = places.reads(read(operation.inputs[4]))
    let shift = places.reads(ifAny: gradient.isRectified ? read(operation.inputs[5]) : nil)
    let (epsilon, tasks) = (gradient.epsilon, Int32(clamping: options.parts))
    let negativeSlope = gradient.isRectified ? gradient.negativeSlope : 1
    emitKernel("normalization gradient", places, for: operation) { memory, context in
      withUnsafePointer(to: channels) { channels in
        context.withJoint {
          ck_normalization_gradient(
            channels, memory[byInput], memory[byScale], memory[byShift], memory[from],
            memory[byOutput], memory[mean], memory[variance], memory[scale],
            memory[ifAny: shift], epsilon, negativeSlope, memory[work], tasks, $0)
        }
      }
    }
  }

  func normalizationScratch(_ channels: ck_channels) -> Int {
    withUnsafePointer(to: channels) {
      ck_normalization_scratch($0, Int32(clamping: options.parts))
    }
  }

  /// A value as its producer made it, where its channels lie so that our kernels know them; else in row-major order.
  mutating func readByChannels(_ value: ValueID) throws -> (Place, ck_channels) {
    let native = read(value)
    if let channels = native.layout.channels { return (native, channels) }
    let place = try readRowMajor(value)
    guard let channels = place.layout.channels else {
      fatalError("a row-major \(place.layout.shape) has its channels in runs")
    }
    return (place, channels)
  }

  mutating func lower(_ average: Operation.MovingAverage, _ operation: Operation) throws {
    let old = read(operation.inputs[0])
    let fresh = read(operation.inputs[1])
    let output = operation.outputs[0]
    let isUpdate = graph.parameterUpdates.contains {
      $0.parameter == operation.inputs[0] && $0.value == output
    }
    // An update is written where the parameter lies; nobody reads the old average in training.
    if isUpdate { alias(output, old) }
    let result = isUpdate ? old : make(output, old.layout)
    let count = shape(output).count
    let (momentum, correction) = (average.momentum, average.correction)
    var places = KernelPlaces()
    let to = places.writes(result)
    let (before, seen) = (places.reads(old), places.reads(fresh))
    emitKernel("moving average", places, for: operation) { memory, context in
      let whole = context.joint?.correction(correction) ?? correction
      ck_moving_average(
        memory[to], memory[before], memory[seen], count, momentum, (1 - momentum) * whole)
    }
  }

  mutating func lower(
    _ folded: Operation.FoldedBatchNormalization, _ operation: Operation
  ) throws {
    let kernelShape = shape(operation.inputs[0])
    let kernel = try readRowMajor(operation.inputs[0])
    let vectors = operation.inputs.dropFirst(folded.hasBias ? 2 : 1).map { read($0) }
    var places = KernelPlaces()
    let foldedKernel = places.writes(make(operation.outputs[0], try .rowMajor(kernelShape)))
    let foldedBias = places.writes(make(operation.outputs[1], try .rowMajor([kernelShape[0]])))
    let weights = places.reads(kernel)
    let bias = places.reads(ifAny: folded.hasBias ? read(operation.inputs[1]) : nil)
    let (scale, shift) = (places.reads(vectors[0]), places.reads(vectors[1]))
    let (mean, variance) = (places.reads(vectors[2]), places.reads(vectors[3]))
    let epsilon = Double(folded.epsilon)
    let (channels, perChannel) = (kernelShape[0], kernelShape.count / max(1, kernelShape[0]))
    emitKernel("fold", places, for: operation) { memory, _ in
      let (foldedKernel, foldedBias) = (memory[foldedKernel], memory[foldedBias])
      let (kernel, bias) = (memory[weights], memory[ifAny: bias])
      let (scale, shift) = (memory[scale], memory[shift])
      let (mean, variance) = (memory[mean], memory[variance])
      for channel in 0..<channels {
        let factor = Double(scale[channel]) / (Double(variance[channel]) + epsilon).squareRoot()
        for index in channel * perChannel..<(channel + 1) * perChannel {
          foldedKernel[index] = Float(Double(kernel[index]) * factor)
        }
        let offset = Double(bias?[channel] ?? 0) - Double(mean[channel])
        foldedBias[channel] = Float(offset * factor + Double(shift[channel]))
      }
    }
  }

  /// A value as the library normalizes its neighbourhoods: four dimensions, channels second. `place` is the value in its own
  /// extents, `view` the same memory in four.
  private struct NormalizationSource {
    var place: Place
    var view: Layout
    var viewed: Place { place.viewed(as: view) }
  }

  private mutating func readForNormalization(_ value: ValueID) throws -> NormalizationSource {
    let shape = shape(value)
    switch shape.rank {
    case 2:
      // Features without positions: the same as channels innermost over one position.
      return NormalizationSource(
        place: try readRowMajor(value), view: try .channelsLast([shape[0], shape[1], 1, 1]))
    case 3:
      let native = read(value)
      return NormalizationSource(
        place: native, view: try native.layout.reshaped([shape[0], shape[1], 1, shape[2]]))
    default:
      let native = read(value)
      return NormalizationSource(place: native, view: native.layout)
    }
  }

  /// The library has kernels for response normalization with AVX-512; with less it computes at a hundredth of the memory's rate.
  private var isResponseOfLibrary: Bool {
    options.usesLibrary && Processor.current.sharesBlocks
  }

  mutating func lower(
    _ normalization: Operation.LocalResponseNormalization, _ operation: Operation
  ) throws {
    guard isResponseOfLibrary else { return try lowerResponse(normalization, operation) }
    let source = try readForNormalization(operation.inputs[0])
    let keepsWorkspace = normalization.keepsWorkspace
    let primitive = try Primitive {
      cdnn_lrn_forward(
        &$0, keepsWorkspace, normalization.libraryAlgorithm, source.view.handle,
        Int64(normalization.size),
        normalization.libraryAlpha(rank: shape(operation.inputs[0]).rank), normalization.beta,
        normalization.bias)
    }
    let result = make(operation.outputs[0], source.place.layout)
    var arguments = [
      (CDNN_SRC, source.viewed), (CDNN_DST, result.viewed(as: source.view)),
    ]
    if keepsWorkspace {
      let workspace = operation.outputs[1]
      let layout = try primitive.layout(of: CDNN_WORKSPACE, shape: shape(workspace))
      let place = make(workspace, try layout ?? .rowMajor([1]))
      if layout != nil { arguments.append((CDNN_WORKSPACE, place)) }
    }
    try emit(primitive, arguments, for: operation)
  }

  mutating func lower(
    _ gradient: Operation.LocalResponseNormalizationGradient, _ operation: Operation
  ) throws {
    let normalization = gradient.forward
    guard isResponseOfLibrary else { return try lowerResponse(normalization, operation) }
    let source = try readForNormalization(operation.inputs[0])
    let incoming = try read(operation.inputs[1], as: source.place.layout)
    let primitive = try Primitive {
      cdnn_lrn_backward(
        &$0, normalization.libraryAlgorithm, source.view.handle, source.view.handle,
        Int64(normalization.size),
        normalization.libraryAlpha(rank: shape(operation.inputs[0]).rank), normalization.beta,
        normalization.bias)
    }
    let result = make(operation.outputs[0], source.place.layout)
    var arguments = [
      (CDNN_SRC, source.viewed),
      (CDNN_DIFF_DST, incoming.viewed(as: source.view)),
      (CDNN_DIFF_SRC, result.viewed(as: source.view)),
    ]
    if primitive.byteCount(of: CDNN_WORKSPACE) > 0 {
      arguments.append((CDNN_WORKSPACE, read(operation.inputs[2])))
    }
    try emit(primitive, arguments, for: operation)
  }
}

extension Layout {
  /// Where the channels, axis 1, lie; `nil` where the positions of a channel, or of a block of channels, do not lie side by side.
  var channels: ck_channels? {
    guard shape.rank > 1, !shape.dimensions.contains(0) else { return nil }
    var strides = [Int64](repeating: 0, count: shape.rank)
    var block: Int64 = 1
    guard cdnn_desc_channel_strides(handle, Int32(shape.rank), &strides, &block) else { return nil }
    let (count, channels) = (shape[0], shape[1])
    let positions = shape.count / (count * channels)
    // What a position is apart from the next. Strides of axes of one element mean nothing.
    var apart = Int(block)
    let spatial = zip(shape.dimensions, strides).dropFirst(2).filter { $0.0 > 1 }
    if block == 1, channels > 1, strides[1] == 1 { apart = channels }
    var expected = apart
    for (extent, stride) in spatial.reversed() {
      guard stride == expected else { return nil }
      expected *= extent
    }
    let areInnermost = block == 1 && (channels == 1 || apart == channels && strides[1] == 1)
    var runs = ck_channels(
      channels: channels, examples: count, example_stride: Int(strides[0]), runs: 1, run_stride: 0,
      length: positions * apart, period: apart)
    if !areInnermost {
      runs.runs = (channels + Int(block) - 1) / Int(block)
      runs.run_stride = Int(strides[1])
    }
    if runs.runs == 1, runs.examples > 1, runs.example_stride == runs.length {
      // All of it is one run.
      runs.length *= count
      runs.examples = 1
    }
    return runs
  }
}

extension Operation.LocalResponseNormalization {
  var libraryAlgorithm: cdnn_algorithm {
    switch region {
    // A neighbourhood of one element is the same in both, and the library's generator of the gradient with channels innermost
    // fails on it: version 2.6 reads a null pointer.
    case .acrossChannels where size == 1: CDNN_LRN_WITHIN_CHANNEL
    case .acrossChannels: CDNN_LRN_ACROSS_CHANNELS
    case .withinChannel: CDNN_LRN_WITHIN_CHANNEL
    }
  }

  /// The library divides alpha by the elements of an uncut neighbourhood, which it takes to be a square within a channel.
  func libraryAlpha(rank: Int) -> Float {
    let summed =
      switch region {
      case .acrossChannels: size
      case .withinChannel: size * size
      }
    return sumCoefficient(rank: rank) * Float(summed)
  }
}
