import CKernels
import COneDNN
import ConvNetGraphs
import ConvNetTensors

extension Operation.Add: LoweredOperation {
  static let lowering = LoweringTraits(kind: .elementwise, combinesInputs: true)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.ChannelSum: LoweredOperation {
  static let lowering = LoweringTraits(kind: .elementwise, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.Multiply: LoweredOperation {
  static let lowering = LoweringTraits(kind: .elementwise, combinesInputs: true)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.Dropout: LoweredOperation {
  static let lowering = LoweringTraits(kind: .elementwise, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.StochasticDepth: LoweredOperation {
  static let lowering = LoweringTraits(kind: .elementwise, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Operation.Constant: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    try lowering.lower(self, operation)
  }
}

extension Lowering {
  mutating func lower(_ add: Operation.Add, _ operation: Operation) throws {
    let layout = nativeLayout(operation.inputs[0])
    let sources = try operation.inputs.map { try read($0, as: layout) }
    let coefficients = add.coefficients ?? sources.map { _ in 1 }
    // Whatever stands between the elements of a part of other memory is not ours to write.
    guard options.usesLibrary, layout.byteCount != layout.contentByteCount else {
      return emitSum(of: sources, coefficients, for: operation)
    }
    let primitive = try Primitive {
      cdnn_sum(
        &$0, layout.handle, Int32(sources.count), coefficients, sources.map { $0.layout.handle })
    }
    // The library accumulates into the result, which may be the first source but no other.
    let result =
      sources.dropFirst().contains { $0.buffer == sources[0].buffer }
      ? make(operation.outputs[0], layout)
      : make(operation.outputs[0], over: sources[0], of: operation.inputs[0])
    let arguments = sources.enumerated().map { index, source in
      (cdnn_argument(CDNN_SOURCE_0.rawValue + UInt32(index)), source)
    }
    try emit(primitive, arguments + [(CDNN_DST, result)], for: operation)
  }

  private mutating func emitSum(
    of sources: [Place], _ coefficients: [Float], for operation: Operation
  ) {
    let result =
      sources.dropFirst().contains { $0.buffer == sources[0].buffer }
      ? make(operation.outputs[0], sources[0].layout)
      : make(operation.outputs[0], over: sources[0], of: operation.inputs[0])
    let count = sources[0].layout.byteCount / MemoryLayout<Float>.stride
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let to = places.writes(result)
    let from = places.reads(all: sources)
    emitKernel("sum", places, for: operation) { memory, _ in
      withUnsafeTemporaryAllocation(
        of: UnsafePointer<Float>?.self, capacity: coefficients.count
      ) { parts in
        for (index, address) in memory[from].enumerated() {
          parts.initializeElement(
            at: index, to: UnsafePointer(address.assumingMemoryBound(to: Float.self)))
        }
        ck_weighted_sum(
          memory[to], parts.baseAddress, coefficients, Int32(coefficients.count), count, tasks)
      }
    }
  }

  mutating func lower(_ sum: Operation.ChannelSum, _ operation: Operation) throws {
    let result = make(operation.outputs[0], try .rowMajor(shape(operation.outputs[0])))
    try emitChannelSums(of: operation.inputs[0], to: result, for: operation)
  }

  mutating func lower(_ multiply: Operation.Multiply, _ operation: Operation) throws {
    let first = read(operation.inputs[0])
    let second = try read(operation.inputs[1], as: first.layout)
    guard options.usesLibrary else { return emitProduct(first, second, for: operation) }
    let primitive = try Primitive {
      cdnn_binary(
        &$0, CDNN_BINARY_MULTIPLY, first.layout.handle, second.layout.handle, first.layout.handle)
    }
    let result = make(operation.outputs[0], over: first, of: operation.inputs[0])
    try emit(
      primitive, [(CDNN_SRC, first), (CDNN_SRC_1, second), (CDNN_DST, result)], for: operation)
  }

  private mutating func emitProduct(_ first: Place, _ second: Place, for operation: Operation) {
    let result = make(operation.outputs[0], over: first, of: operation.inputs[0])
    let count = first.layout.byteCount / MemoryLayout<Float>.stride
    let tasks = Int32(clamping: options.threads)
    var places = KernelPlaces()
    let to = places.writes(result)
    let (left, right) = (places.reads(first), places.reads(second))
    emitKernel("product", places, for: operation) { memory, _ in
      ck_multiply(memory[to], memory[left], memory[right], count, tasks)
    }
  }

  mutating func lower(_ dropout: Operation.Dropout, _ operation: Operation) throws {
    // The mask is a function of the logical element, so the layout must be the logical order.
    let source = try readRowMajor(operation.inputs[0])
    let result = make(operation.outputs[0], over: source, of: operation.inputs[0])
    let count = shape(operation.inputs[0]).count
    let threshold = UInt32((Double(dropout.rate) * 0x1p32).rounded())
    let scale = 1 / (1 - dropout.rate)
    let index = UInt32(truncatingIfNeeded: dropout.index)
    let perExample = count / max(1, shape(operation.inputs[0])[0])
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    emitKernel("dropout", places, for: operation) { memory, context in
      var key = (
        UInt32(truncatingIfNeeded: context.seed), UInt32(truncatingIfNeeded: context.seed >> 32)
      )
      var counter = (index, context.step, RandomPurpose.dropout.rawValue)
      withUnsafeBytes(of: &key) { key in
        withUnsafeBytes(of: &counter) { counter in
          ck_dropout(
            memory[to], memory[from], context.firstExample * perExample, count,
            threshold, scale,
            key.assumingMemoryBound(to: UInt32.self).baseAddress,
            counter.assumingMemoryBound(to: UInt32.self).baseAddress)
        }
      }
    }
  }

  mutating func lower(_ depth: Operation.StochasticDepth, _ operation: Operation) throws {
    let shape = shape(operation.inputs[0])
    // As it lies, where an example's numbers lie together.
    let native = nativeLayout(operation.inputs[0])
    let known =
      try [Layout.rowMajor(shape), .channelsLast(shape)]
      + (shape.rank == 4 ? [.blocked(shape)] : [])
    let source =
      known.contains(native) ? read(operation.inputs[0]) : try readRowMajor(operation.inputs[0])
    let result = make(operation.outputs[0], over: source, of: operation.inputs[0])
    let examples = max(1, shape.rank == 0 ? 1 : shape[0])
    let count = source.layout.contentByteCount / MemoryLayout<Float>.size / examples
    let threshold = UInt32((Double(depth.rate) * 0x1p32).rounded())
    let scale = 1 / (1 - depth.rate)
    let index = UInt32(truncatingIfNeeded: depth.index)
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    emitKernel("stochastic depth", places, for: operation) { memory, context in
      let key = [
        UInt32(truncatingIfNeeded: context.seed), UInt32(truncatingIfNeeded: context.seed >> 32),
      ]
      let counter = [index, context.step, RandomPurpose.dropout.rawValue]
      ck_stochastic_depth(
        memory[to], memory[from], context.firstExample, examples, count, threshold, scale, key,
        counter)
    }
  }

  mutating func lower(_ constant: Operation.Constant, _ operation: Operation) throws {
    let result = make(operation.outputs[0], try .rowMajor(constant.shape))
    emitFill(result, with: constant.value, count: constant.shape.count, for: operation)
  }

  /// Writes one number to every element of a dense value.
  mutating func emitFill(
    _ result: Place, with number: Float, count: Int, for operation: Operation
  ) {
    var places = KernelPlaces()
    let to = places.writes(result)
    emitKernel("fill", places, for: operation) { memory, _ in
      memory[to].update(repeating: number, count: count)
    }
  }
}
