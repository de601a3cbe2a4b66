import CKernels
import COneDNN
import ConvNetGraphs
import ConvNetTensors

extension Lowering {
  mutating func lower(_ normalization: Operation.BatchNormalization, _ operation: Operation) throws
  {
    let input = operation.inputs[0]
    let source = try readForNormalization(input)
    let isTraining = [.training, .rectifiedTraining].contains(normalization.form)
    let isRectified = [.rectifiedTraining, .rectifiedInference].contains(normalization.form)
    var flags = CDNN_NORMALIZATION_SCALE_SHIFT
    if !isTraining { flags |= CDNN_NORMALIZATION_GLOBAL_STATISTICS }
    if isRectified { flags |= CDNN_NORMALIZATION_FUSE_RELU }
    let primitive = try Primitive {
      cdnn_normalization_forward(
        &$0, isTraining, source.view.handle, normalization.epsilon, Int32(flags))
    }
    let result = make(operation.outputs[0], over: source.place, of: input)
    let channels = try Layout.rowMajor([shape(input)[1]])
    let (mean, variance) =
      isTraining
      ? (make(operation.outputs[1], channels), make(operation.outputs[2], channels))
      : (read(operation.inputs[3]), read(operation.inputs[4]))
    var arguments = [
      (CDNN_SRC, source.viewed), (CDNN_DST, result.viewed(as: source.view)),
      (CDNN_SCALE, read(operation.inputs[1])), (CDNN_SHIFT, read(operation.inputs[2])),
      (CDNN_MEAN, mean), (CDNN_VARIANCE, variance),
    ]
    if isRectified, isTraining {
      // Which elements are positive, a bit or a byte each, as the primitive likes.
      let layout = try primitive.requiredLayout(of: CDNN_WORKSPACE, shape: shape(input))
      arguments.append((CDNN_WORKSPACE, make(operation.outputs[3], layout)))
    }
    try emit(primitive, arguments, for: operation)
  }

  mutating func lower(
    _ gradient: Operation.BatchNormalizationGradient, _ operation: Operation
  ) throws {
    let (input, outputGradient) = (operation.inputs[0], operation.inputs[1])
    let source = try readForNormalization(input)
    let incoming = try read(outputGradient, as: source.place.layout)
    var flags = CDNN_NORMALIZATION_SCALE_SHIFT
    if gradient.isRectified { flags |= CDNN_NORMALIZATION_FUSE_RELU }
    let primitive = try Primitive {
      cdnn_normalization_backward(
        &$0, source.view.handle, source.view.handle, gradient.epsilon, Int32(flags))
    }
    let result = make(operation.outputs[0], over: incoming, of: outputGradient)
    let channels = try Layout.rowMajor([shape(input)[1]])
    var arguments = [
      (CDNN_SRC, source.viewed),
      (CDNN_DIFF_DST, incoming.viewed(as: source.view)),
      (CDNN_MEAN, read(operation.inputs[2])), (CDNN_VARIANCE, read(operation.inputs[3])),
      (CDNN_SCALE, read(operation.inputs[4])),
      (CDNN_SHIFT, read(operation.inputs[4])),
      (CDNN_DIFF_SRC, result.viewed(as: source.view)),
      (CDNN_DIFF_SCALE, make(operation.outputs[1], channels)),
      (CDNN_DIFF_SHIFT, make(operation.outputs[2], channels)),
    ]
    if gradient.isRectified { arguments.append((CDNN_WORKSPACE, read(operation.inputs[5]))) }
    try emit(primitive, arguments, for: operation)
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
    let (momentum, freshWeight) =
      (average.momentum, (1 - average.momentum) * average.correction)
    emitKernel("moving average", [result, old, fresh], for: operation) { memory, _ in
      ck_moving_average(
        memory.floats(0), memory.floats(1), memory.floats(2), count, momentum, freshWeight)
    }
  }

  mutating func lower(
    _ folded: Operation.FoldedBatchNormalization, _ operation: Operation
  ) throws {
    let kernel = try readRowMajor(operation.inputs[0])
    let vectors = operation.inputs.dropFirst().map { read($0) }
    let kernelShape = shape(operation.inputs[0])
    let outputs = [
      make(operation.outputs[0], try .rowMajor(kernelShape)),
      make(operation.outputs[1], try .rowMajor([kernelShape[0]])),
    ]
    let epsilon = Double(folded.epsilon)
    let hasBias = folded.hasBias
    let (channels, perChannel) = (kernelShape[0], kernelShape.count / max(1, kernelShape[0]))
    emitKernel("fold", outputs + [kernel] + vectors, for: operation) { memory, _ in
      let (foldedKernel, foldedBias) = (memory.floats(0), memory.floats(1))
      let kernel = memory.floats(2)
      let bias = hasBias ? memory.floats(3) : nil
      let first = hasBias ? 4 : 3
      let (scale, shift) = (memory.floats(first), memory.floats(first + 1))
      let (mean, variance) = (memory.floats(first + 2), memory.floats(first + 3))
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

  /// A value as the library normalizes it: four dimensions, channels second. `place` is the value in its own extents, `view` the
  /// same memory in four.
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

  mutating func lower(
    _ normalization: Operation.LocalResponseNormalization, _ operation: Operation
  ) throws {
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

extension Operation.LocalResponseNormalization {
  var libraryAlgorithm: cdnn_algorithm {
    switch region {
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
