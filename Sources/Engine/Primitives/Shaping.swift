import CKernels
import COneDNN
import ConvNetGraphs
import ConvNetTensors

extension Operation.Slice: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.SliceGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.Flatten: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.Unflatten: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.Reshape: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.Transpose: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.Upsample: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.UpsampleGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.Pad: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.PadGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Lowering {
  mutating func lower(_ slice: Operation.Slice, _ operation: Operation) throws {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    if try lowerByBlocks(slice, operation) { return }
    var offsets = [Int](repeating: 0, count: shape(input).rank)
    offsets[slice.axis] = slice.start
    var source = read(input)
    // A part of a blocked layout must begin and end on a block; where it does not, the plain order serves.
    let part: Layout
    if let native = try? source.layout.part(shape(output), at: offsets) {
      part = native
    } else {
      source = try readRowMajor(input)
      part = try source.layout.part(shape(output), at: offsets)
    }
    let result = make(output, try .rowMajor(shape(output)))
    try emitReorder(
      from: source.viewed(as: part), to: result, name: operation.name)
  }

  mutating func lower(_ gradient: Operation.SliceGradient, _ operation: Operation) throws {
    let output = operation.outputs[0]
    let source = read(operation.inputs[0])
    let result = make(output, try .rowMajor(shape(output)))
    var offsets = [Int](repeating: 0, count: shape(output).rank)
    offsets[gradient.slice.axis] = gradient.slice.start
    let part = try result.layout.part(shape(operation.inputs[0]), at: offsets)
    emitFill(result, with: 0, count: shape(output).count, for: operation)
    try emitReorder(
      from: source, to: result.viewed(as: part), name: operation.name)
  }

  mutating func lower(_ flatten: Operation.Flatten, _ operation: Operation) throws {
    let input = operation.inputs[0]
    let layout: Layout =
      switch flatten.order {
      case .channelsLast: try .channelsLast(shape(input))
      case .channelsFirst: try .rowMajor(shape(input))
      }
    let source = try read(input, as: layout)
    alias(operation.outputs[0], try source.viewed(as: .rowMajor(shape(operation.outputs[0]))))
  }

  mutating func lower(_ unflatten: Operation.Unflatten, _ operation: Operation) throws {
    let source = try readRowMajor(operation.inputs[0])
    let output = operation.outputs[0]
    let layout: Layout =
      switch unflatten.order {
      case .channelsLast: try .channelsLast(shape(output))
      case .channelsFirst: try .rowMajor(shape(output))
      }
    alias(output, source.viewed(as: layout))
  }

  mutating func lower(_ reshape: Operation.Reshape, _ operation: Operation) throws {
    let source = try readRowMajor(operation.inputs[0])
    let output = operation.outputs[0]
    alias(output, try source.viewed(as: .rowMajor(shape(output))))
  }

  mutating func lower(_ transpose: Operation.Transpose, _ operation: Operation) throws {
    let source = try readRowMajor(operation.inputs[0])
    alias(
      operation.outputs[0],
      try source.viewed(as: source.layout.transposed(transpose.permutation)))
  }

  mutating func lower(_ upsample: Operation.Upsample, _ operation: Operation) throws {
    let input = operation.inputs[0]
    let isOurs = isResampledByUs(input)
    if try isBlocked(input) || isOurs && shape(input).rank == 4 {
      let extents = shape(input).spatial
      return try combineBlocks(
        "upsampling", down: upsample.combination(axis: 0, extent: extents[0]),
        along: upsample.combination(axis: 1, extent: extents[1]), for: operation)
    }
    guard !isOurs else { return try lowerSignal(upsample, operation) }
    let source = read(input)
    let destination = try Layout.any(shape(operation.outputs[0]))
    let primitive = try Primitive {
      cdnn_resampling_forward(
        &$0, upsample.libraryAlgorithm, source.layout.handle, destination.handle)
    }
    let layout = try primitive.requiredLayout(of: CDNN_DST, shape: destination.shape)
    try emit(
      primitive, [(CDNN_SRC, source), (CDNN_DST, make(operation.outputs[0], layout))],
      for: operation)
  }

  /// Whether the library does not enlarge a value: where there is none, and where the value has one position, which lies alike in
  /// every order. From version 3.7 on the library takes that for channels last, where those are, and then for channels first.
  private func isResampledByUs(_ value: ValueID) -> Bool {
    !options.usesLibrary || shape(value).spatial.reduce(1, *) == 1
  }

  mutating func lower(_ gradient: Operation.UpsampleGradient, _ operation: Operation) throws {
    let isOurs = isResampledByUs(operation.outputs[0])
    if gradient.upsample.mostTerms > BatchParts.Summation.mostTerms
      || isOurs && shape(operation.inputs[0]).rank != 4
    {
      return try lowerInDoublePrecision(gradient.upsample, operation)
    }
    if try isBlocked(operation.inputs[0]) || isOurs {
      let extents = shape(operation.outputs[0]).spatial
      return try combineBlocks(
        "upsampling gradient",
        down: gradient.upsample.combination(axis: 0, extent: extents[0]).transposed,
        along: gradient.upsample.combination(axis: 1, extent: extents[1]).transposed,
        for: operation)
    }
    // The library does not choose a layout here.
    let (output, input) = (operation.inputs[0], operation.outputs[0])
    let native = try? nativeLayout(output).applied(to: shape(input))
    let inputLayout = try native ?? .rowMajor(shape(input))
    let incoming = try read(output, as: inputLayout.applied(to: shape(output)))
    let primitive = try Primitive {
      cdnn_resampling_backward(
        &$0, gradient.upsample.libraryAlgorithm, inputLayout.handle, incoming.layout.handle)
    }
    try emit(
      primitive, [(CDNN_DIFF_DST, incoming), (CDNN_DIFF_SRC, make(input, inputLayout))],
      for: operation)
  }

  /// Enlarges what has one spatial axis.
  private mutating func lowerSignal(
    _ upsample: Operation.Upsample, _ operation: Operation
  ) throws {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    let source = try readRowMajor(input)
    let result = make(output, try .rowMajor(shape(output)))
    let taps = upsample.taps(extent: shape(input)[2], factor: upsample.factors[0])
    let sources = taps.flatMap { [$0.first, $0.second] }
    let weights = taps.flatMap { [Float(1 - $0.share), Float($0.share)] }
    let map = ck_axis_map(
      outer: shape(input)[0] * shape(input)[1], in_extent: shape(input)[2],
      out_extent: taps.count, inner: 1, terms: 2, fill: 0)
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    emitKernel("upsampling", places, for: operation) { memory, _ in
      var map = map
      ck_map_axis(memory[to], memory[from], sources, weights, &map, tasks)
    }
  }

  /// Sums that single precision, which the library has, does not bear.
  private mutating func lowerInDoublePrecision(
    _ upsample: Operation.Upsample, _ operation: Operation
  ) throws {
    let (incoming, output) = (operation.inputs[0], operation.outputs[0])
    let source = try readRowMajor(incoming)
    let result = make(output, try .rowMajor(shape(output)))
    // A signal is a picture of one row.
    let signal = shape(output).rank == 3
    let extents = (signal ? [1] : []) + shape(output).spatial
    let factors = (signal ? [1] : []) + upsample.factors
    let taps = zip(extents, factors).map { upsample.taps(extent: $0, factor: $1) }
    let planes = shape(output)[0] * shape(output)[1]
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    let sums = places.scratch(
      try scratch(floats: 2 * (extents[0] + 1) * extents[1]), as: Double.self)
    emitKernel("upsampling gradient", places, for: operation) { memory, _ in
      ck_upsample_gradient(
        memory[to], memory[from], planes, taps[0], taps[1], extents[0], extents[1],
        taps[0].count, taps[1].count, memory[sums])
    }
  }

  mutating func lower(_ pad: Operation.Pad, _ operation: Operation) throws {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    if try padsBlocks(pad, from: input, to: output) {
      let extents = shape(input).spatial
      return try combineBlocks(
        "pad", down: pad.combination(axis: 0, extent: extents[0]),
        along: pad.combination(axis: 1, extent: extents[1]), to: pad.channels.before,
        for: operation)
    }
    let source = try readRowMajor(input)
    let result = make(output, try .rowMajor(shape(output)))
    let geometry = PadGeometry(pad, input: shape(input), output: shape(output))
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    emitKernel("pad", places, for: operation) { memory, _ in
      for example in 0..<geometry.batch {
        let planes = memory[to] + example * geometry.outputStride
        planes.update(repeating: 0, count: geometry.start)
        ck_pad(
          planes + geometry.start, memory[from] + example * geometry.inputStride,
          geometry.channels, geometry.rows, geometry.columns, geometry.inputHeight,
          geometry.inputWidth, geometry.rows.count, geometry.columns.count)
        (planes + geometry.end).update(
          repeating: 0, count: geometry.outputStride - geometry.end)
      }
    }
  }

  /// Whether the input lies in blocks of channels, or its result is wanted so by a concatenation.
  private func padsBlocks(
    _ pad: Operation.Pad, from input: ValueID, to output: ValueID
  ) throws -> Bool {
    guard shape(input).rank == 4, pad.channels.before % 16 == 0 else { return false }
    return try concatenations.slices[output] != nil || isBlocked(input)
  }

  mutating func lower(_ gradient: Operation.PadGradient, _ operation: Operation) throws {
    let (incoming, output) = (operation.inputs[0], operation.outputs[0])
    if gradient.pad.channels.before % 16 == 0, try isBlocked(incoming) {
      let extents = shape(output).spatial
      let down = gradient.pad.combination(axis: 0, extent: extents[0]).transposed
      let along = gradient.pad.combination(axis: 1, extent: extents[1]).transposed
      // An edge may be repeated more often than single precision bears.
      if down.mostTerms * along.mostTerms <= BatchParts.Summation.mostTerms {
        return try combineBlocks(
          "pad gradient", down: down, along: along, from: gradient.pad.channels.before,
          for: operation)
      }
    }
    let source = try readRowMajor(incoming)
    let result = make(output, try .rowMajor(shape(output)))
    let geometry = PadGeometry(gradient.pad, input: shape(output), output: shape(incoming))
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    let line = places.scratch(try scratch(floats: 2 * geometry.inputWidth), as: Double.self)
    emitKernel("pad gradient", places, for: operation) { memory, _ in
      for example in 0..<geometry.batch {
        ck_pad_gradient(
          memory[to] + example * geometry.inputStride,
          memory[from] + example * geometry.outputStride + geometry.start,
          geometry.channels, geometry.rows, geometry.columns, geometry.inputHeight,
          geometry.inputWidth, geometry.rows.count, geometry.columns.count,
          memory[line])
      }
    }
  }
}

extension Operation.Upsample {
  var libraryAlgorithm: cdnn_algorithm {
    switch mode {
    case .nearest: CDNN_RESAMPLING_NEAREST
    case .bilinear: CDNN_RESAMPLING_LINEAR
    }
  }

  /// Outputs that an element goes into.
  fileprivate var mostTerms: Int {
    factors.reduce(1) { $0 * $1 * (mode == .bilinear ? 2 : 1) }
  }

  /// What each output position along an axis is made of.
  func taps(extent: Int, factor: Int) -> [ck_tap] {
    (0..<extent * factor).map { position in
      switch mode {
      case .nearest:
        let place = Int32(position / factor)
        return ck_tap(first: place, second: place, share: 0)
      case .bilinear:
        let place = (Double(position) + 0.5) / Double(factor) - 0.5
        let (first, last) = (place.rounded(.down), extent - 1)
        return ck_tap(
          first: Int32(max(0, Int(first))), second: Int32(min(last, Int(first) + 1)),
          share: place - first)
      }
    }
  }
}

/// Where every output row and column of a padding comes from; -1 for zeros.
private struct PadGeometry: Sendable {
  var batch: Int
  /// Of the input.
  var channels: Int
  /// Elements of an example.
  var inputStride: Int
  var outputStride: Int
  /// Where the input's channels lie within an example of the output.
  var start: Int
  var end: Int
  var rows: [Int32]
  var columns: [Int32]
  var inputHeight: Int
  var inputWidth: Int

  init(_ pad: Operation.Pad, input: Shape, output: Shape) {
    batch = input[0]
    channels = input[1]
    inputStride = input.count / batch
    outputStride = output.count / batch
    let plane = outputStride / output[1]
    start = pad.channels.before * plane
    end = start + channels * plane
    let extents = Array(input.dimensions.dropFirst(2))
    let maps = extents.indices.map { axis in
      (0..<output[axis + 2]).map { position in
        pad.source(of: position, axis: axis, extent: extents[axis]).map(Int32.init) ?? -1
      }
    }
    // A signal is a picture of one row.
    rows = maps.count > 1 ? maps[0] : [0]
    columns = maps[maps.count - 1]
    inputHeight = maps.count > 1 ? extents[0] : 1
    inputWidth = extents[extents.count - 1]
  }
}
