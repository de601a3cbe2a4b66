package import ConvNetTensors

extension Operation {
  /// Products of matrices, which the last two axes of each input are:
  ///
  ///     y[..., i, j] = sum over k of a[..., i, k] b[..., k, j]
  ///
  /// Where an input has extent 1 along one of the axes before, its one matrix is multiplied with all of the other's. A matrix may
  /// be read transposed. ``Dense`` is the operation for weights. Sums are in double precision.
  ///
  /// Inputs: `a` and `b`, of three dimensions or more, equally many. Output: the larger of the extents before, then rows of `a`
  /// and columns of `b`.
  public struct MatrixProduct: OperationAttributes {
    public static let name = "matrixProduct"

    /// Whether `a` has its axes i and k in the other order.
    public var transposesFirst: Bool
    /// Whether `b` has its axes k and j in the other order.
    public var transposesSecond: Bool

    /// A product of matrices as they are, or transposed.
    public init(transposesFirst: Bool = false, transposesSecond: Bool = false) {
      self.transposesFirst = transposesFirst
      self.transposesSecond = transposesSecond
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0, 1])), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    /// Rows, terms of a sum, and columns.
    package func extents(_ a: Shape, _ b: Shape) -> (rows: Int, terms: Int, columns: Int) {
      let (first, second) = (a.dimensions.suffix(2), b.dimensions.suffix(2))
      let (rows, terms) = (first[first.startIndex], first[first.startIndex + 1])
      let columns = transposesSecond ? second[second.startIndex] : second[second.startIndex + 1]
      return transposesFirst ? (terms, rows, columns) : (rows, terms, columns)
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      let (a, b) = (inputs[0].shape, inputs[1].shape)
      try requireRank(inputs, 0, 3...Int.max)
      try requireRank(inputs, 1, a.rank...a.rank)
      let (rows, terms, columns) = extents(a, b)
      var expected = b.dimensions
      expected[b.rank - (transposesSecond ? 1 : 2)] = terms
      var result = a.dimensions
      for axis in 0..<a.rank - 2 {
        if a[axis] != 1, b[axis] != 1 { expected[axis] = a[axis] }
        result[axis] = max(a[axis], b[axis])
      }
      try requireShape(inputs, 1, expected)
      result[a.rank - 2] = rows
      result[a.rank - 1] = columns
      return [ValueType(try resultShape(result))]
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int {
      saturatingProduct([
        outputs[0].shape.count, extents(inputs[0].shape, inputs[1].shape).terms,
      ])
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil, nil] }
      let (a, b) = (operation.inputs[0], operation.inputs[1])
      var gradients: [ValueID?] = [nil, nil]
      if builder.needsGradient(a) {
        // dA = dY B^T, and of a transposed A the transposed of that.
        let product =
          transposesFirst
          ? MatrixProduct(transposesFirst: transposesSecond, transposesSecond: true)
          : MatrixProduct(transposesSecond: !transposesSecond)
        let value = try builder.append(
          product, to: transposesFirst ? [b, gradient] : [gradient, b], of: operation,
          role: "first gradient")[0]
        gradients[0] = try builder.appendSum(
          of: value, to: builder.type(of: a).shape, of: operation)
      }
      if builder.needsGradient(b) {
        // dB = A^T dY, and of a transposed B the transposed of that.
        let product =
          transposesSecond
          ? MatrixProduct(transposesFirst: true, transposesSecond: transposesFirst)
          : MatrixProduct(transposesFirst: !transposesFirst)
        let value = try builder.append(
          product, to: transposesSecond ? [gradient, a] : [a, gradient], of: operation,
          role: "second gradient")[0]
        gradients[1] = try builder.appendSum(
          of: value, to: builder.type(of: b).shape, of: operation)
      }
      return gradients
    }
  }
}
