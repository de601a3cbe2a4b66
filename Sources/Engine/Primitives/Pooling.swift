import CKernels
import COneDNN
import ConvNetGraphs
import ConvNetTensors

// Pooling by our own kernels, `CKernels/pooling*.c`. The places of maxima lie in memory as the maxima do, by construction: the
// gradient takes the order of both gradients from them.

/// What the kernels must know of a pooling but for where its values lie.
private struct PoolingGeometry {
  var pooling: ck_pooling

  /// - Parameters:
  ///   - input, output: with batch and channels.
  init(
    _ window: SlidingWindow, _ padding: Padding, countsPadding: Bool = false, input: Shape,
    output: Shape
  ) throws {
    let sides = try padding.sides(window: window, input: input.spatial)
    var axes = sides.indices.map { axis in
      ck_pooling_axis(
        in: input.spatial[axis], out: output.spatial[axis], window: window.kernel[axis],
        stride: window.strides[axis], before: sides[axis].before, after: sides[axis].after)
    }
    if axes.count == 1 {
      axes.insert(
        ck_pooling_axis(in: 1, out: 1, window: 1, stride: 1, before: 0, after: 0), at: 0)
    }
    pooling = ck_pooling()
    (pooling.batch, pooling.channels) = (input[0], input[1])
    (pooling.down, pooling.along) = (axes[0], axes[1])
    pooling.counts_padding = countsPadding
  }

  /// The pooling of values that lie so.
  func placed(
    input: ck_picture_strides, output: ck_picture_strides, places: ck_picture_strides? = nil,
    countsTaps: Bool = false
  ) -> ck_pooling {
    var pooling = pooling
    (pooling.in, pooling.out, pooling.places) = (input, output, places ?? output)
    pooling.counts_taps = countsTaps
    return pooling
  }
}

extension Layout {
  /// Where the elements of pictures or signals lie, in the kernels' words; `nil` where those do not know the order.
  fileprivate var pictureStrides: ck_picture_strides? {
    let rank = shape.rank
    var strides = [Int64](repeating: 0, count: max(1, rank))
    var block: Int64 = 1
    guard 3...4 ~= rank, cdnn_desc_channel_strides(handle, Int32(rank), &strides, &block),
      [1, 8, Int64(Processor.channelBlock)].contains(block)
    else { return nil }
    return ck_picture_strides(
      example: Int(strides[0]), channel: Int(strides[1]),
      row: rank == 4 ? Int(strides[2]) : 0, column: Int(strides[rank - 1]),
      block: Int(block))
  }
}

/// A value in an order that the pooling kernels know.
private struct PooledPlace {
  var place: Place
  var strides: ck_picture_strides

  init(_ place: Place) throws {
    guard let strides = place.layout.pictureStrides else {
      throw LibraryFailure(status: Int32(CDNN_UNIMPLEMENTED))
    }
    (self.place, self.strides) = (place, strides)
  }
}

extension Operation.MaxPooling: LoweredOperation {
  static let lowering = LoweringTraits(kind: .pooling, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.AveragePooling: LoweredOperation {
  static let lowering = LoweringTraits(kind: .pooling, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.GlobalPooling: LoweredOperation {
  static let lowering = LoweringTraits(kind: .pooling, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.MaxPoolingGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .pooling, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.AveragePoolingGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .pooling, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Lowering {
  mutating func lower(_ pooling: Operation.MaxPooling, _ operation: Operation) throws {
    try lowerMaxima(
      PoolingGeometry(
        pooling.slidingWindow, pooling.padding, input: shape(operation.inputs[0]),
        output: shape(operation.outputs[0])), operation)
  }

  mutating func lower(_ pooling: Operation.AveragePooling, _ operation: Operation) throws {
    let input = operation.inputs[0]
    if try isMeanOfTwoByTwo(pooling, nativeLayout(input)) {
      return try lowerMeanOfTwoByTwo(operation)
    }
    try lowerMeans(
      PoolingGeometry(
        pooling.slidingWindow, pooling.padding, countsPadding: pooling.countIncludesPadding,
        input: shape(input), output: shape(operation.outputs[0])), operation)
  }

  mutating func lower(_ pooling: Operation.GlobalPooling, _ operation: Operation) throws {
    let extents = shape(operation.inputs[0]).spatial
    let window = SlidingWindow(
      kernel: extents, strides: extents, dilations: extents.map { _ in 1 })
    let geometry = try PoolingGeometry(
      window, .valid, input: shape(operation.inputs[0]), output: shape(operation.outputs[0]))
    switch pooling.reduction {
    case .max: try lowerMaxima(geometry, operation)
    case .average: try lowerMeans(geometry, operation)
    }
  }

  mutating func lower(_ gradient: Operation.MaxPoolingGradient, _ operation: Operation) throws {
    let pooling = gradient.pooling
    let input = operation.outputs[0]
    let places = try PooledPlace(read(operation.inputs[1]))
    let outputGradient = try readForPooling(
      operation.inputs[0], inBlocksOf: places.strides.block,
      or: places.place.layout.applied(to: shape(operation.inputs[0])))
    let inputGradient = try makeGradient(of: input, like: places)
    let geometry = try PoolingGeometry(
      pooling.slidingWindow, pooling.padding, input: shape(input),
      output: shape(operation.inputs[0])
    ).placed(
      input: inputGradient.strides, output: outputGradient.strides, places: places.strides,
      countsTaps: areBytes(operation.inputs[1]))
    var used = KernelPlaces()
    let (to, from) = (used.writes(inputGradient.place), used.reads(outputGradient.place))
    let maxima = used.reads(places.place, as: UInt8.self)
    let work = used.scratch(try poolingScratch(geometry))
    let tasks = Int32(clamping: options.threads)
    emitKernel("max pooling gradient", used, for: operation) { memory, _ in
      withUnsafePointer(to: geometry) {
        ck_max_pool_gradient(
          $0, memory[to], memory[from], memory[maxima], memory[work], tasks)
      }
    }
  }

  mutating func lower(
    _ gradient: Operation.AveragePoolingGradient, _ operation: Operation
  ) throws {
    let (input, output) = (operation.outputs[0], operation.inputs[0])
    let pooling = gradient.pooling
    if let wanted = layoutWanted(by: input), try isMeanOfTwoByTwo(pooling, wanted) {
      return try lowerMeanOfTwoByTwoGradient(operation)
    }
    // The order that the reader of the result wants is best: it costs less to reorder before the gradient grows.
    let wanted = layoutWanted(by: input).flatMap { try? $0.applied(to: shape(output)) }
    let outputGradient = try readForPooling(
      output, inBlocksOf: wanted?.pictureStrides?.block, or: wanted ?? .rowMajor(shape(output)))
    let inputGradient = try makeGradient(of: input, like: outputGradient)
    let geometry = try PoolingGeometry(
      pooling.slidingWindow, pooling.padding, countsPadding: pooling.countIncludesPadding,
      input: shape(input), output: shape(output)
    ).placed(input: inputGradient.strides, output: outputGradient.strides)
    var places = KernelPlaces()
    let (to, from) = (places.writes(inputGradient.place), places.reads(outputGradient.place))
    let work = places.scratch(try poolingScratch(geometry))
    let tasks = Int32(clamping: options.threads)
    emitKernel("mean pooling gradient", places, for: operation) { memory, _ in
      withUnsafePointer(to: geometry) {
        ck_mean_pool_gradient($0, memory[to], memory[from], memory[work], tasks)
      }
    }
  }

  /// The largest elements, and their places where these are a second output.
  private mutating func lowerMaxima(_ geometry: PoolingGeometry, _ operation: Operation) throws {
    let source = try readForPooling(operation.inputs[0])
    let (layout, result) = try makePooled(operation.outputs[0], from: source)
    let indices = operation.outputs.dropFirst().first
    let places = try indices.map { indices in
      try PooledPlace(
        make(
          indices, layout.applied(to: shape(indices), areBytes(indices) ? CDNN_U8 : CDNN_S32)))
    }
    let geometry = geometry.placed(
      input: source.strides, output: result.strides, places: places?.strides,
      countsTaps: indices.map(areBytes) ?? false)
    var used = KernelPlaces()
    let (to, from) = (used.writes(result.place), used.reads(source.place))
    let work = used.scratch(try poolingScratch(geometry))
    let maxima = used.writes(ifAny: places?.place, as: UInt8.self)
    let tasks = Int32(clamping: options.threads)
    emitKernel("max pooling", used, for: operation) { memory, _ in
      withUnsafePointer(to: geometry) {
        ck_max_pool($0, memory[to], memory[ifAny: maxima], memory[from], memory[work], tasks)
      }
    }
  }

  private mutating func lowerMeans(_ geometry: PoolingGeometry, _ operation: Operation) throws {
    let source = try readForPooling(operation.inputs[0])
    let (_, result) = try makePooled(operation.outputs[0], from: source)
    let geometry = geometry.placed(input: source.strides, output: result.strides)
    var places = KernelPlaces()
    let (to, from) = (places.writes(result.place), places.reads(source.place))
    let work = places.scratch(try poolingScratch(geometry))
    let tasks = Int32(clamping: options.threads)
    emitKernel("mean pooling", places, for: operation) { memory, _ in
      withUnsafePointer(to: geometry) {
        ck_mean_pool($0, memory[to], memory[from], memory[work], tasks)
      }
    }
  }

  /// The value as it is, where the kernels know that order, and in blocks as long as they must be; else in the given layout, or
  /// row-major.
  private mutating func readForPooling(
    _ value: ValueID, inBlocksOf block: Int? = nil, or layout: Layout? = nil
  ) throws -> PooledPlace {
    if let native = try? PooledPlace(read(value)),
      block ?? native.strides.block == native.strides.block
    {
      return native
    }
    return try PooledPlace(read(value, as: layout ?? .rowMajor(shape(value))))
  }

  /// Memory for a result in the order of its source; that order, without the gaps that a concatenation may leave, is told too.
  private mutating func makePooled(
    _ value: ValueID, from source: PooledPlace
  ) throws -> (Layout, PooledPlace) {
    let layout =
      try (try? source.place.layout.applied(to: shape(value))) ?? .rowMajor(shape(value))
    return (layout, try PooledPlace(make(value, layout, acceptsStride: true)))
  }

  /// Memory for a gradient in blocks as long as those of `other`: as its reader wants it, or as `other` lies.
  private mutating func makeGradient(
    of value: ValueID, like other: PooledPlace
  ) throws -> PooledPlace {
    let orders = [layoutWanted(by: value), other.place.layout].compactMap { $0 }
    let shape = shape(value)
    let layout = orders.compactMap { try? $0.applied(to: shape) }
      .first { $0.pictureStrides?.block == other.strides.block }
    return try PooledPlace(make(value, layout ?? .rowMajor(shape)))
  }

  private func areBytes(_ indices: ValueID) -> Bool { graph[indices].type.elementType == .uint8 }

  private mutating func poolingScratch(_ geometry: ck_pooling) throws -> Place {
    let floats = withUnsafePointer(to: geometry) { ck_pooling_scratch($0) }
    return try scratch(floats: max(1, floats * options.threads))
  }
}
