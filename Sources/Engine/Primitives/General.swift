import CKernels
import ConvNetGraphs
import ConvNetTensors

// Operations on values of any shape, which kernels of our own compute in row-major order.

extension Operation.Elementwise: LoweredOperation {
  static let lowering = LoweringTraits(kind: .elementwise, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    let output = operation.outputs[0]
    let sources = try operation.inputs.map { try lowering.readRowMajor($0) }
    let result = lowering.make(output, try .rowMajor(lowering.shape(output)))
    let broadcast = ck_broadcast(
      output: lowering.shape(output), inputs: operation.inputs.map { lowering.shape($0) })
    let (function, tasks) = (function.ofKernels, Int32(clamping: lowering.options.threads))
    var places = KernelPlaces()
    let to = places.writes(result)
    let from = sources.map { places.reads($0) }
    let (first, second, third) = (from[0], from.dropFirst().first, from.dropFirst(2).first)
    lowering.emitKernel("elementwise", places, for: operation) { memory, _ in
      var broadcast = broadcast
      var inputs = (
        UnsafePointer?(memory[first]), memory[ifAny: second], memory[ifAny: third]
      )
      withUnsafePointer(to: &inputs) { inputs in
        inputs.withMemoryRebound(to: UnsafePointer<Float>?.self, capacity: 3) {
          ck_elementwise(memory[to], $0, function, &broadcast, tasks)
        }
      }
    }
  }
}

extension ck_broadcast {
  /// Neighbouring axes along which all inputs go on alike become one.
  init(output: Shape, inputs: [Shape]) {
    self.init()
    var extents: [Int] = []
    var strides: [[Int]] = []
    let own = inputs.map(\.rowMajorStrides)
    for axis in output.dimensions.indices where output[axis] != 1 {
      let steps = inputs.indices.map { inputs[$0][axis] == 1 ? 0 : own[$0][axis] }
      if let last = extents.last, let before = strides.last,
        zip(before, steps).allSatisfy({ $0 == $1 * output[axis] })
      {
        extents[extents.count - 1] = last * output[axis]
        strides[strides.count - 1] = steps
      } else {
        extents.append(output[axis])
        strides.append(steps)
      }
    }
    if extents.isEmpty {
      extents = [1]
      strides = [inputs.map { _ in 0 }]
    }
    rank = Int32(extents.count)
    fill(&self.extents, with: extents)
    for index in inputs.indices {
      let steps = strides.map { $0[index] }
      switch index {
      case 0: fill(&self.strides.0, with: steps)
      case 1: fill(&self.strides.1, with: steps)
      default: fill(&self.strides.2, with: steps)
      }
    }
  }
}

extension Operation.Elementwise.Function {
  fileprivate var ofKernels: ck_function {
    switch self {
    case .absolute: CK_ABSOLUTE
    case .sign: CK_SIGN
    case .floor: CK_FLOOR
    case .ceiling: CK_CEILING
    case .round: CK_ROUND
    case .truncate: CK_TRUNCATE
    case .reciprocal: CK_RECIPROCAL
    case .squareRoot: CK_SQUARE_ROOT
    case .exponential: CK_EXPONENTIAL
    case .logarithm: CK_LOGARITHM
    case .sine: CK_SINE
    case .cosine: CK_COSINE
    case .tangent: CK_TANGENT
    case .arcsine: CK_ARCSINE
    case .arccosine: CK_ARCCOSINE
    case .arctangent: CK_ARCTANGENT
    case .hyperbolicSine: CK_HYPERBOLIC_SINE
    case .hyperbolicCosine: CK_HYPERBOLIC_COSINE
    case .areaSine: CK_AREA_SINE
    case .areaCosine: CK_AREA_COSINE
    case .areaTangent: CK_AREA_TANGENT
    case .errorFunction: CK_ERROR_FUNCTION
    case .softplus: CK_SOFTPLUS
    case .isNaN: CK_IS_NAN
    case .isInfinite: CK_IS_INFINITE
    case .isPositiveInfinity: CK_IS_POSITIVE_INFINITY
    case .isNegativeInfinity: CK_IS_NEGATIVE_INFINITY
    case .isZero: CK_IS_ZERO
    case .add: CK_ADD
    case .subtract: CK_SUBTRACT
    case .multiply: CK_MULTIPLY
    case .divide: CK_DIVIDE
    case .power: CK_POWER
    case .minimum: CK_MINIMUM
    case .maximum: CK_MAXIMUM
    case .remainder: CK_REMAINDER
    case .modulo: CK_MODULO
    case .equal: CK_EQUAL
    case .less: CK_LESS
    case .lessOrEqual: CK_LESS_OR_EQUAL
    case .and: CK_AND
    case .or: CK_OR
    case .exclusiveOr: CK_EXCLUSIVE_OR
    case .second: CK_SECOND
    case .select: CK_SELECT
    }
  }
}

extension Operation.Reduction: LoweredOperation {
  static let lowering = LoweringTraits(kind: .elementwise, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    let source = try lowering.readRowMajor(input)
    let result = lowering.make(output, try .rowMajor(lowering.shape(output)))
    let plan = ck_axes(of: lowering.shape(input), reduced: axes)
    let tasks = Int32(clamping: lowering.options.threads)
    let reduction =
      switch reduction {
      case .sum: CK_SUM
      case .mean: CK_MEAN
      case .product: CK_PRODUCT
      case .maximum: CK_LARGEST
      case .minimum: CK_SMALLEST
      }
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    lowering.emitKernel("reduction", places, for: operation) { memory, _ in
      var plan = plan
      ck_reduce(memory[to], memory[from], reduction, &plan, tasks)
    }
  }
}

extension ck_axes {
  init(of shape: Shape, reduced axes: [Int]) {
    self.init()
    let strides = shape.rowMajorStrides
    let all = shape.dimensions.indices.filter { shape[$0] != 1 }
    let (gone, staying) = (all.filter(axes.contains), all.filter { !axes.contains($0) })
    (kept_rank, reduced_rank) = (Int32(staying.count), Int32(gone.count))
    fill(&kept, with: staying.map { shape[$0] })
    fill(&kept_strides, with: staying.map { strides[$0] })
    fill(&reduced, with: gone.map { shape[$0] })
    fill(&reduced_strides, with: gone.map { strides[$0] })
  }
}

extension Operation.MatrixProduct: LoweredOperation {
  static let lowering = LoweringTraits(kind: .dense, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    let output = operation.outputs[0]
    let (a, b) = (lowering.shape(operation.inputs[0]), lowering.shape(operation.inputs[1]))
    let sources = try operation.inputs.map { try lowering.readRowMajor($0) }
    let result = lowering.make(output, try .rowMajor(lowering.shape(output)))
    let (rows, terms, columns) = extents(a, b)
    let before = lowering.shape(output).dimensions.dropLast(2)
    let batch = before.reduce(1, *)
    let product = ck_matrix_product(
      batch: batch, rows: rows, terms: terms, columns: columns,
      a_row: transposesFirst ? 1 : terms, a_term: transposesFirst ? rows : 1,
      b_term: transposesSecond ? 1 : columns, b_column: transposesSecond ? terms : 1)
    /// Where the matrix of each of the results' begins.
    func offsets(_ shape: Shape) -> [Int] {
      let strides = shape.rowMajorStrides
      return (0..<batch).map { matrix in
        var (rest, offset) = (matrix, 0)
        for axis in before.indices.reversed() {
          if shape[axis] != 1 { offset += rest % before[axis] * strides[axis] }
          rest /= before[axis]
        }
        return offset
      }
    }
    let (ofA, ofB) = (offsets(a), offsets(b))
    let tasks = Int32(clamping: lowering.options.threads)
    var places = KernelPlaces()
    let (to, first, second) = (
      places.writes(result), places.reads(sources[0]), places.reads(sources[1])
    )
    lowering.emitKernel(
      "matrix product", places, for: operation, multiplyAdds: lowering.multiplyAdds(of: operation)
    ) { memory, _ in
      var product = product
      ck_multiply_matrices(memory[to], memory[first], memory[second], ofA, ofB, &product, tasks)
    }
  }
}

extension Operation.AxisMap: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    let output = operation.outputs[0]
    let shape = lowering.shape(output)
    let source = try lowering.readRowMajor(operation.inputs[0])
    let result = lowering.make(output, try .rowMajor(shape))
    let map = ck_axis_map(
      outer: shape.dimensions[..<axis].reduce(1, *), in_extent: extent, out_extent: shape[axis],
      inner: shape.dimensions[(axis + 1)...].reduce(1, *), terms: termCount, fill: fill)
    let sources = sources.map { Int32($0) }
    let weights = weights.isEmpty ? nil : weights
    let tasks = Int32(clamping: lowering.options.threads)
    var places = KernelPlaces()
    let (to, from) = (places.writes(result), places.reads(source))
    lowering.emitKernel("axis map", places, for: operation) { memory, _ in
      var map = map
      ck_map_axis(memory[to], memory[from], sources, weights, &map, tasks)
    }
  }
}

extension Operation.Top: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    let shape = lowering.shape(operation.inputs[0])
    let source = try lowering.readRowMajor(operation.inputs[0])
    let results = try operation.outputs.map {
      lowering.make($0, try .rowMajor(lowering.shape($0)))
    }
    let top = ck_top(
      of: shape, axis: axis, count: count, is_largest: isLargest, prefers_last: prefersLast)
    let tasks = Int32(clamping: lowering.options.threads)
    var places = KernelPlaces()
    let (values, found) = (places.writes(results[0]), places.writes(results[1]))
    let from = places.reads(source)
    lowering.emitKernel("top", places, for: operation) { memory, _ in
      var top = top
      ck_find_top(memory[values], memory[found], memory[from], &top, tasks)
    }
  }
}

extension Operation.TopGradient: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    let output = operation.outputs[0]
    let sources = try operation.inputs.map { try lowering.readRowMajor($0) }
    let result = lowering.make(output, try .rowMajor(lowering.shape(output)))
    let top = ck_top(
      of: lowering.shape(output), axis: axis, count: lowering.shape(operation.inputs[0])[axis],
      is_largest: true, prefers_last: false)
    var places = KernelPlaces()
    let (to, values, found) = (
      places.writes(result), places.reads(sources[0]), places.reads(sources[1])
    )
    lowering.emitKernel("top gradient", places, for: operation) { memory, _ in
      var top = top
      ck_find_top_gradient(memory[to], memory[values], memory[found], &top)
    }
  }
}

extension ck_top {
  fileprivate init(
    of shape: Shape, axis: Int, count: Int, is_largest: Bool, prefers_last: Bool
  ) {
    self.init(
      outer: shape.dimensions[..<axis].reduce(1, *), extent: shape[axis], count: count,
      inner: shape.dimensions[(axis + 1)...].reduce(1, *), is_largest: is_largest,
      prefers_last: prefers_last)
  }
}

extension Operation.Regroup: LoweredOperation {
  static let lowering = LoweringTraits(kind: .movement, combinesInputs: false)

  func lower(_ operation: Operation, with lowering: inout Lowering) throws {
    let source = try lowering.readRowMajor(operation.inputs[0])
    let output = operation.outputs[0]
    lowering.alias(output, try source.viewed(as: .rowMajor(lowering.shape(output))))
  }
}
