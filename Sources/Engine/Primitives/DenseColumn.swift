import CKernels
import ConvNetGraphs
import ConvNetTensors

// Dense layers of larger batches where the library is not to compute: convolutions by a kernel of one element over a picture of
// one column, whose positions are the examples. Direct kernels have all three directions.

/// A dense layer as a convolution over the examples.
private struct DenseColumn {
  let kernels: DirectConvolution
  private let examples: Int

  init(_ operation: Operation.Dense, input: Shape, kernel: Shape) throws {
    var convolution = Operation.Convolution(strides: [1, 1], hasBias: operation.hasBias)
    convolution.fused = operation.fused
    examples = input[0]
    let kernels = try DirectConvolution(
      convolution, input: [1, input[1], examples, 1], kernel: [kernel[0], kernel[1], 1, 1],
      output: [1, kernel[0], examples, 1])
    guard let kernels else {
      fatalError("direct kernels compute every convolution by one element")
    }
    // The features of an example lie side by side.
    self.kernels = kernels.readsPlain ? kernels.interleaved : kernels
  }

  /// Features as the kernels have them: in blocks of 16, one example after the other.
  func layout(features: Int) throws -> Layout { try .blocked([1, features, examples, 1]) }

  /// The same as they lie outside, an example's features side by side.
  func order(features: Int) -> ElementOrder {
    ElementOrder(
      extents: [1, features, examples, 1],
      strides: [examples * features, 1, features, features])
  }
}

extension Lowering {
  mutating func lowerAsColumn(_ dense: Operation.Dense, _ operation: Operation) throws {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    let column = try DenseColumn(dense, input: shape(input), kernel: shape(operation.inputs[1]))
    let (kernels, threads) = (column.kernels, options.threads)
    let source = try readColumn(input, column, for: operation)
    let packed = try pack(operation.inputs[1], for: kernels, operation)
    let features = shape(output)[1]
    let columnResult = try scratch(column.layout(features: features))
    if kernels.adds, let addend = operation.inputs.last {
      try emitColumn(
        from: readRowMajor(addend), column.order(features: features), to: columnResult,
        ElementOrder(columnResult.layout), for: operation)
    }
    var places = KernelPlaces()
    let to =
      kernels.adds ? places.changes(columnResult, as: Float.self) : places.writes(columnResult)
    let (from, weights) = (places.reads(source), places.reads(packed))
    let work = places.scratch(try scratch(floats: kernels.scratchCount(threads: threads)))
    let bias = places.reads(ifAny: dense.hasBias ? read(operation.inputs[2]) : nil)
    emitKernel(
      "dense direct", places, for: operation, multiplyAdds: multiplyAdds(of: operation)
    ) { memory, _ in
      kernels.run(
        memory[to], source: memory[from], packed: memory[weights], bias: memory[ifAny: bias],
        addend: kernels.adds ? UnsafePointer(memory[to]) : nil, scratch: memory[work],
        threads: threads)
    }
    let result = make(output, try .rowMajor(shape(output)))
    try emitColumn(
      from: columnResult, ElementOrder(columnResult.layout), to: result,
      column.order(features: features), for: operation)
    if kernels.leavesActivation, case .activation(let function) = dense.fused.last {
      try emitActivation(function, result, for: operation)
    }
  }

  mutating func lowerAsColumn(
    _ gradient: Operation.DenseInputGradient, _ operation: Operation
  ) throws {
    let (incoming, output) = (operation.inputs[0], operation.outputs[0])
    let column = try DenseColumn(
      Operation.Dense(hasBias: false), input: shape(output), kernel: shape(operation.inputs[1]))
    guard let kernels = column.kernels.transposed else {
      fatalError("direct kernels compute the gradient of every convolution by one element")
    }
    let threads = options.threads
    let source = try copyOfColumn(incoming, column, for: operation)
    let packed = try pack(operation.inputs[1], for: kernels, operation)
    let features = shape(output)[1]
    let columnResult = try scratch(column.layout(features: features))
    var places = KernelPlaces()
    let (to, from) = (places.writes(columnResult), places.reads(source))
    let weights = places.reads(packed)
    let work = places.scratch(try scratch(floats: kernels.scratchCount(threads: threads)))
    emitKernel(
      "dense direct input gradient", places, for: operation,
      multiplyAdds: multiplyAdds(of: operation)
    ) { memory, _ in
      kernels.run(
        memory[to], source: memory[from], packed: memory[weights], bias: nil, addend: nil,
        scratch: memory[work], threads: threads)
    }
    try emitColumn(
      from: columnResult, ElementOrder(columnResult.layout),
      to: make(output, try .rowMajor(shape(output))), column.order(features: features),
      for: operation)
  }

  /// The gradient by the weights; that by the bias is a sum of its own.
  mutating func lowerAsColumn(
    _ gradient: Operation.DenseParameterGradient, _ operation: Operation
  ) throws {
    let (input, incoming) = (operation.inputs[0], operation.inputs[1])
    let kernel = shape(operation.outputs[0])
    let column = try DenseColumn(
      Operation.Dense(hasBias: false), input: shape(input), kernel: kernel)
    let (kernels, parts) = (column.kernels, options.parts)
    let source = try readColumn(input, column, for: operation)
    let outputGradient = try copyOfColumn(incoming, column, for: operation)
    let result = make(operation.outputs[0], try .rowMajor(kernel))
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    let byOutput = places.reads(outputGradient)
    let work = places.scratch(try scratch(floats: kernels.gradientScratchCount(threads: parts)))
    emitKernel(
      "dense direct gradient", places, for: operation, multiplyAdds: multiplyAdds(of: operation)
    ) { memory, _ in
      kernels.runGradient(
        weights: memory[to], bias: nil, source: memory[from], outputGradient: memory[byOutput],
        scratch: memory[work], threads: parts)
    }
  }

  /// Features as the kernels of the layer read them.
  private mutating func readColumn(
    _ value: ValueID, _ column: DenseColumn, for operation: Operation
  ) throws -> Place {
    column.kernels.readsPlain
      ? try readRowMajor(value) : try copyOfColumn(value, column, for: operation)
  }

  private mutating func copyOfColumn(
    _ value: ValueID, _ column: DenseColumn, for operation: Operation
  ) throws -> Place {
    let features = shape(value)[1]
    let copy = try scratch(column.layout(features: features))
    try emitColumn(
      from: readRowMajor(value), column.order(features: features), to: copy,
      ElementOrder(copy.layout), for: operation)
    return copy
  }

  private mutating func emitColumn(
    from source: Place, _ from: ElementOrder?, to result: Place, _ to: ElementOrder?,
    for operation: Operation
  ) throws {
    guard let from, let to,
      let step = copyStep(
        from: source, from, to: result, to, name: operation.name,
        implementation: "reorder of features", kind: .reorder)
    else { fatalError("blocks of features have an order") }
    append(step)
  }

  /// Memory for what steps of one operation hand on to one another.
  private mutating func scratch(_ layout: Layout) throws -> Place {
    Place(buffer: scratch(byteCount: layout.byteCount), layout: layout)
  }
}
