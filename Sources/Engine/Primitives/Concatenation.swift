import CKernels
import COneDNN
import ConvNetGraphs
import ConvNetTensors

extension Operation.Concatenate: LoweredOperation {
  static let lowering = LoweringTraits(kind: .concatenation, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Lowering {
  /// The place of a value within the concatenated value that it is a part of; `nil` where it must lie elsewhere.
  mutating func placeInConcatenation(
    of value: ValueID, _ layout: Layout, acceptsStride: Bool
  ) -> Place? {
    guard let slice = concatenations.slices[value], layout == slice.dense else { return nil }
    if shape(value)[0] == 1 {
      return Place(
        buffer: memory(ofConcatenated: slice.whole), layout: layout, offset: slice.offset)
    }
    guard acceptsStride, let gapped = slice.gapped else { return nil }
    let buffer = memory(ofConcatenated: slice.whole)
    concatenations.strides[value] = (buffer, exampleCount(of: slice.whole))
    return Place(buffer: buffer, layout: gapped, offset: slice.offset)
  }

  /// Floats of an example.
  private func exampleCount(of value: ValueID) -> Int { shape(value).count / shape(value)[0] }

  /// Floats from one example of a value, which lies there in blocks, to the next.
  func exampleStride(of value: ValueID, at place: Place) -> Int {
    strideInConcatenation(of: value, at: place) ?? exampleCount(of: value)
  }

  /// The same where a concatenation has its channels beside others.
  func strideInConcatenation(of value: ValueID, at place: Place) -> Int? {
    guard let stride = concatenations.strides[value], stride.buffer == place.buffer else {
      return nil
    }
    return stride.floats
  }

  /// The value in blocks of channels, perhaps with gaps between its examples.
  mutating func readBlocks(_ value: ValueID) throws -> Place {
    if concatenations.strides[value] != nil { return read(value) }
    return try read(value, as: .blocked(shape(value)))
  }

  private mutating func memory(ofConcatenated value: ValueID) -> Int {
    if let buffer = concatenations.buffers[value] { return buffer }
    // Whole blocks: no padding.
    let buffer = addBuffer(.arena, shape(value).count * MemoryLayout<Float>.stride)
    concatenations.buffers[value] = buffer
    return buffer
  }

  mutating func lower(_ concatenate: Operation.Concatenate, _ operation: Operation) throws {
    guard ConcatenationPlan.joinsBlocks(concatenate, operation.inputs.map(shape)) else {
      // Of more the library knows nothing.
      return options.usesLibrary && operation.inputs.count <= 1024
        ? try lowerInLibrary(concatenate, operation) : try lowerByCopies(concatenate, operation)
    }
    let output = operation.outputs[0]
    let whole = shape(output)
    let result = Place(buffer: memory(ofConcatenated: output), layout: try .blocked(whole))
    settle(output, result)
    var channel = 0
    for input in operation.inputs {
      let part = shape(input)
      let offset = ConcatenationPlan.offset(ofChannel: channel, in: whole)
      let isThere = places[input]?.contains { $0.buffer == result.buffer && $0.offset == offset }
      if isThere != true {
        emitBlockCopy(
          from: try read(input, as: .blocked(part)), stride: part.count / part[0],
          to: Place(
            buffer: result.buffer, layout: try .blocked(part, within: whole), offset: offset),
          stride: whole.count / whole[0], part, for: operation)
      }
      channel += part[1]
    }
  }

  /// Copies every part to its place.
  private mutating func lowerByCopies(
    _ concatenate: Operation.Concatenate, _ operation: Operation
  ) throws {
    let sources = operation.inputs.map { read($0) }
    let whole = shape(operation.outputs[0])
    var starts: [Int] = []
    var end = 0
    for source in sources {
      starts.append(end)
      end += source.layout.shape[concatenate.axis]
    }
    func parts(of layout: Layout) throws -> [Layout] {
      try zip(sources, starts).map { source, start in
        var offsets = whole.dimensions.map { _ in 0 }
        offsets[concatenate.axis] = start
        return try layout.part(source.layout.shape, at: offsets)
      }
    }
    // The order of most of the elements, where it can be cut so.
    let largest = sources.max { $0.layout.shape.count < $1.layout.shape.count }
    var layout = try Layout.rowMajor(whole)
    var places = try parts(of: layout)
    if let order = try? largest?.layout.applied(to: whole), let cut = try? parts(of: order),
      cut.allSatisfy({ ElementOrder($0) != nil })
    {
      (layout, places) = (order, cut)
    }
    let result = make(operation.outputs[0], layout)
    for (source, part) in zip(sources, places) {
      append(
        try ownReorder(
          from: source, to: result.viewed(as: part), name: operation.name,
          implementation: "copy of parts", kind: .concatenation))
    }
  }

  private mutating func lowerInLibrary(
    _ concatenate: Operation.Concatenate, _ operation: Operation
  ) throws {
    let sources = operation.inputs.map { read($0) }
    let whole = shape(operation.outputs[0])
    // The order of most of the elements. Left to the library it is the first source's, and an order that nothing else knows
    // where an extent of one lets that be many.
    let largest = sources.max { $0.layout.shape.count < $1.layout.shape.count }
    func join(_ layout: Layout) throws -> Primitive {
      try Primitive {
        cdnn_concat(
          &$0, layout.handle, Int32(sources.count), Int32(concatenate.axis),
          sources.map { $0.layout.handle })
      }
    }
    var layout = try Layout.rowMajor(whole)
    var primitive: Primitive?
    if let order = try? largest?.layout.applied(to: whole), let joining = try? join(order) {
      (layout, primitive) = (order, joining)
    }
    let joining = try primitive ?? join(layout)
    let arguments = sources.enumerated().map { index, source in
      (cdnn_argument(CDNN_SOURCE_0.rawValue + UInt32(index)), source)
    }
    try emit(
      joining, arguments + [(CDNN_DST, make(operation.outputs[0], layout))], for: operation)
  }

  /// Takes whole blocks of channels out of a value: where they lie, or by copying for readers that take no gaps between
  /// examples.
  ///
  /// - Returns: whether it did.
  mutating func lowerByBlocks(_ slice: Operation.Slice, _ operation: Operation) throws -> Bool {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    let (whole, part) = (shape(input), shape(output))
    guard slice.axis == 1, whole.rank == 4,
      [slice.start, part[1], whole[1]].allSatisfy({ $0 % Processor.channelBlock == 0 }),
      nativeLayout(input) == (try Layout.blocked(whole))
    else { return false }
    var source = read(input)
    source.offset += ConcatenationPlan.offset(ofChannel: slice.start, in: whole)
    let layout = try Layout.blocked(part)
    let stride = whole.count / whole[0]
    if whole[0] == 1 {
      alias(output, source.viewed(as: layout))
    } else if areConvolutions(readersOf: output) {
      alias(output, try source.viewed(as: .blocked(part, within: whole)))
      concatenations.strides[output] = (source.buffer, stride)
    } else {
      emitBlockCopy(
        from: try source.viewed(as: .blocked(part, within: whole)), stride: stride,
        to: make(output, layout),
        stride: part.count / part[0], part, for: operation)
    }
    return true
  }

  /// Convolutions say in which layout they read.
  private func areConvolutions(readersOf value: ValueID) -> Bool {
    consumers[value, default: []].allSatisfy { index in
      let operation = graph.operations[index]
      return operation.attributes is Operation.Convolution && operation.inputs.first == value
    }
  }

  /// Copies a value with gaps between its examples to memory without them.
  mutating func emitCopyWithoutGaps(
    of value: ValueID, from source: Place, to destination: Place, for operation: Operation
  ) {
    let part = shape(value)
    emitBlockCopy(
      from: source, stride: exampleStride(of: value, at: source), to: destination,
      stride: part.count / part[0], part, for: operation, kind: .reorder)
  }

  /// Copies the examples of a part, which lie so many floats apart here and there.
  private mutating func emitBlockCopy(
    from source: Place, stride sourceStride: Int, to destination: Place,
    stride destinationStride: Int, _ part: Shape, for operation: Operation, kind: StepKind? = nil
  ) {
    let threads = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let (to, from) = (places.writes(destination), places.reads(source))
    emitKernel("copy of blocks", places, for: operation, kind: kind) { memory, _ in
      ck_copy_rows(
        memory[to], destinationStride, memory[from], sourceStride, part[0],
        part.count / part[0], threads)
    }
  }
}
