import ConvNetFiles
import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  static let products: [String: Reader] = ["Gemm": gemm, "MatMul": matMul]

  /// The known numbers of a matrix, transposed.
  static func transposed(_ matrix: Tensor) throws -> Tensor {
    try Memory.require(matrix.byteCount, for: "a transposed matrix")
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    return Tensor(shape: [columns, rows]) { target in
      matrix.withSpan { source in
        for row in 0..<rows {
          for column in 0..<columns { target[column * rows + row] = source[row * columns + column] }
        }
      }
    }
  }

  private static func known(_ operand: ONNXOperand, _ call: ONNXCall) throws -> Tensor? {
    guard !operand.isInput, operand.value == nil else { return nil }
    return try operand.constant.map(call.importer.floats)
  }

  private static func scaled(_ tensor: Tensor, by factor: Float) -> Tensor {
    guard factor != 1 else { return tensor }
    var tensor = tensor
    tensor.withMutableSpan { for index in $0.indices { $0[index] *= factor } }
    return tensor
  }

  /// alpha A B + beta C, of matrices that may be transposed.
  private static func gemm(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (a, b) = (try call.operand(0), try call.operand(1))
    let (alpha, beta) = (try call.float("alpha", or: 1), try call.float("beta", or: 1))
    let (transposesA, transposesB) = (try call.flag("transA"), try call.flag("transB"))
    guard a.rank == 2, b.rank == 2 else {
      throw call.problem("its inputs have the shapes \(a.shape) and \(b.shape)")
    }
    let addend = beta == 0 ? nil : call.optional(2)
    if !transposesA, b.count > 0, let matrix = try known(b, call) {
      let kernel = try scaled(transposesB ? matrix : transposed(matrix), by: alpha)
      var values = [
        try call.value(a), call.importer.parameter(kernel, name: b.name, as: .kernel),
      ]
      var rest = addend
      if let addend, addend.count == kernel.shape[0], addend.shape.last == addend.count,
        let bias = try known(addend, call)
      {
        values.append(
          call.importer.parameter(
            scaled(bias.reshaped(to: [addend.count]), by: beta), name: addend.name, as: .bias))
        rest = nil
      }
      let product = try call.append(Operation.Dense(hasBias: values.count > 2), values)
      return [try sum(product, rest, beta, call)]
    }
    // Weights that are one number many times.
    if !transposesA, alpha == 1, let matrix = b.value,
      call.importer.producer(of: matrix)?.attributes is Operation.Constant
    {
      let kernel = transposesB ? matrix : try call.transposed(matrix, [1, 0], "kernel")
      let product = try call.append(Operation.Dense(hasBias: false), [call.value(a), kernel])
      return [try sum(product, addend, beta, call)]
    }
    let product = try call.reshaped(
      call.append(
        Operation.MatrixProduct(transposesFirst: transposesA, transposesSecond: transposesB),
        [
          call.reshaped(call.value(a), to: [1] + a.shape, "first"),
          call.reshaped(call.value(b, as: .kernel), to: [1] + b.shape, "second"),
        ]),
      to: [a.shape[transposesA ? 1 : 0], b.shape[transposesB ? 0 : 1]], "product")
    return [try sum(call.scaled(product, by: alpha, "scaled product"), addend, beta, call)]
  }

  private static func sum(
    _ product: ValueID, _ addend: ONNXOperand?, _ beta: Float, _ call: ONNXCall
  ) throws -> ONNXOperand {
    guard let addend else { return try call.result(product) }
    let term = try call.scaled(call.aligned(addend, rank: 2, as: .shift), by: beta, "scaled addend")
    return try call.result(call.apply(.add, product, term, part: "sum"))
  }

  private static func matMul(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (a, b) = (try call.operand(0), try call.operand(1))
    guard a.rank > 0, b.rank > 0 else { throw call.problem("an input is a scalar") }
    if b.rank == 2, 2...4 ~= a.rank, a.shape.last == b.shape[0], b.count > 0,
      let matrix = try known(b, call)
    {
      return [try layer(call, a, transposed(matrix), name: b.name)]
    }
    // A row before, a column behind: what a vector is beside a matrix.
    let first = a.rank == 1 ? [1] + a.shape : a.shape
    let second = b.rank == 1 ? b.shape + [1] : b.shape
    let rank = max(3, first.count, second.count)
    func extended(_ extents: [Int]) -> [Int] {
      [Int](repeating: 1, count: rank - extents.count) + extents
    }
    let product = try call.append(
      Operation.MatrixProduct(),
      [
        call.reshaped(call.value(a, as: .kernel), to: extended(first), "first"),
        call.reshaped(call.value(b, as: .kernel), to: extended(second), "second"),
      ])
    var extents = Array(call.shape(product).dimensions.suffix(max(first.count, second.count)))
    if b.rank == 1 { extents.removeLast() }
    if a.rank == 1 { extents.remove(at: extents.count - (b.rank == 1 ? 1 : 2)) }
    return [
      try call.result(call.reshaped(product, to: extents, "result"), shape: extents)
    ]
  }

  /// Weights along the last axis: a dense layer, or at each position a convolution of one element.
  private static func layer(
    _ call: ONNXCall, _ input: ONNXOperand, _ kernel: Tensor, name: String
  ) throws -> ONNXOperand {
    let value = try call.value(input)
    guard input.rank > 2 else {
      let weights = call.importer.parameter(kernel, name: name, as: .kernel)
      return try call.result(call.append(Operation.Dense(hasBias: false), [value, weights]))
    }
    let ones = [Int](repeating: 1, count: input.rank - 2)
    let weights = call.importer.parameter(
      kernel.reshaped(to: Shape(kernel.shape.dimensions + ones)), name: name, as: .kernel)
    let axes = Array(0..<input.rank)
    let channelsFirst = [0, input.rank - 1] + axes[1..<input.rank - 1]
    let channelsLast = [0] + axes[2...] + [1]
    let result = try call.append(
      Operation.Convolution(strides: ones, hasBias: false),
      [call.transposed(value, channelsFirst, "channels first"), weights])
    return try call.result(call.transposed(result, channelsLast, "channels last"))
  }
}
