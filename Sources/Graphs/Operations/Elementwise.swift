import ConvNetTensors

extension Operation {
  /// A function of each element, or of the elements of several values at one place:
  ///
  ///     y[i] = f(a[i], b[i], c[i])
  ///
  /// Where an input has extent 1 along an axis, its one element stands at every position of it, as NumPy, PyTorch and ONNX have
  /// it. What a network does most often has operations of its own, which are fused and keep blocked layouts: ``Activation``,
  /// ``Add``, ``Multiply``, ``Clip``.
  ///
  /// Inputs: one to three, as the function has arguments, of equally many dimensions. Output: the larger of the extents.
  public struct Elementwise: OperationAttributes {
    public static let name = "elementwise"

    /// What becomes of the elements a, b and c. Truth is 1 and 0; all that is not 0 is true.
    public enum Function: String, Hashable, Sendable, Codable, CaseIterable {
      /// |a|
      case absolute
      /// -1, 0 or 1
      case sign
      /// The largest whole number that is not above a.
      case floor
      /// The smallest whole number that is not below a.
      case ceiling
      /// The nearest whole number, of two the even one.
      case round
      /// The whole number next to a on the side of 0.
      case truncate
      /// 1 / a
      case reciprocal
      /// The root of a.
      case squareRoot
      /// e^a
      case exponential
      /// The natural logarithm of a.
      case logarithm
      /// The functions of angles, and their inverses.
      case sine, cosine, tangent, arcsine, arccosine, arctangent
      /// The hyperbolic functions, and their inverses. `tanh` is an ``ActivationFunction``.
      case hyperbolicSine, hyperbolicCosine, areaSine, areaCosine, areaTangent
      /// 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to a
      case errorFunction
      /// log(1 + e^a)
      case softplus
      /// Whether a is not a number.
      case isNaN
      /// Whether a is infinite; above 0, below 0.
      case isInfinite, isPositiveInfinity, isNegativeInfinity
      /// Whether a is 0: "not".
      case isZero
      /// a + b
      case add
      /// a - b
      case subtract
      /// a b
      case multiply
      /// a / b
      case divide
      /// a^b
      case power
      /// The smaller of both; what is not a number stays so.
      case minimum
      /// The larger of both; what is not a number stays so.
      case maximum
      /// What is left of a after whole multiples of b, with the sign of a: `fmod` of C.
      case remainder
      /// The same with the sign of b: `%` of Python.
      case modulo
      /// Whether both are the same number.
      case equal
      /// Whether a is below b.
      case less
      /// Whether a is not above b.
      case lessOrEqual
      /// Whether both are true.
      case and
      /// Whether one of them is true, or both.
      case or
      /// Whether one of them is true, and not both.
      case exclusiveOr
      /// b, of the extents of both.
      case second
      /// b where a is true, c elsewhere.
      case select

      /// How many inputs there are.
      package var argumentCount: Int {
        switch self {
        case .absolute, .sign, .floor, .ceiling, .round, .truncate, .reciprocal, .squareRoot,
          .exponential, .logarithm, .sine, .cosine, .tangent, .arcsine, .arccosine, .arctangent,
          .hyperbolicSine, .hyperbolicCosine, .areaSine, .areaCosine, .areaTangent, .errorFunction,
          .softplus, .isNaN, .isInfinite, .isPositiveInfinity, .isNegativeInfinity, .isZero:
          1
        case .add, .subtract, .multiply, .divide, .power, .minimum, .maximum, .remainder, .modulo,
          .equal, .less, .lessOrEqual, .and, .or, .exclusiveOr, .second:
          2
        case .select: 3
        }
      }

      fileprivate var linearity: BatchTreatment.Linearity {
        switch self {
        case .add, .subtract: .inAll
        case .multiply: .inEach([0, 1])
        case .divide: .inEach([0])
        case .second: .inEach([1])
        default: .inNone
        }
      }
    }

    /// What becomes of the elements.
    public var function: Function

    /// The operation of that function.
    public init(_ function: Function) {
      self.function = function
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: function.linearity), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, function.argumentCount...function.argumentCount)
      try requireFloat(inputs)
      var extents = inputs[0].shape.dimensions
      for index in inputs.indices.dropFirst() {
        let shape = inputs[index].shape
        try requireRank(inputs, index, extents.count...extents.count)
        for axis in extents.indices where extents[axis] != shape[axis] {
          guard extents[axis] == 1 || shape[axis] == 1 else {
            throw .shape(
              input: index, expected: "\(joined(extents)), or 1 along an axis", actual: shape)
          }
          extents[axis] = max(extents[axis], shape[axis])
        }
      }
      return [ValueType(try resultShape(extents))]
    }

    public func summary(inputs: [ValueType]) -> String {
      function.rawValue.map { $0.isUppercase ? " \($0.lowercased())" : String($0) }.joined()
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return operation.inputs.map { _ in nil } }
      var gradients: [ValueID?] = []
      for (place, input) in operation.inputs.enumerated() {
        guard builder.needsGradient(input) else {
          gradients.append(nil)
          continue
        }
        var terms = ElementwiseTerms(operation, gradient: gradient, input: place, builder)
        let derivative = try function.appendGradient(by: place, to: &terms)
        builder = terms.builder
        gradients.append(
          try derivative.map { value throws(GraphError) in
            try builder.appendSum(of: value, to: builder.type(of: input).shape, of: operation)
          })
      }
      return gradients
    }
  }
}

/// The terms of a derivative in the making.
private struct ElementwiseTerms {
  let operation: Operation
  /// By the output.
  let gradient: ValueID
  let input: Int
  var builder: GradientBuilder
  private var count = 0

  init(_ operation: Operation, gradient: ValueID, input: Int, _ builder: GradientBuilder) {
    self.operation = operation
    self.gradient = gradient
    self.input = input
    self.builder = builder
  }

  var a: ValueID { operation.inputs[0] }
  var b: ValueID { operation.inputs[1] }
  var y: ValueID { operation.outputs[0] }

  private mutating func append(
    _ attributes: some OperationAttributes, _ inputs: [ValueID]
  ) throws(GraphError) -> ValueID {
    count += 1
    return try builder.append(
      attributes, to: inputs, of: operation, role: "gradient by input \(input), term \(count)")[0]
  }

  mutating func apply(
    _ function: Operation.Elementwise.Function, _ inputs: ValueID...
  ) throws(GraphError) -> ValueID {
    try append(Operation.Elementwise(function), inputs)
  }

  mutating func scaled(_ value: ValueID, by factor: Float) throws(GraphError) -> ValueID {
    try append(Operation.Add(coefficients: [factor]), [value])
  }

  mutating func number(_ number: Float) throws(GraphError) -> ValueID {
    let rank = builder.type(of: y).shape.rank
    return try append(
      Operation.Constant(number, shape: Shape([Int](repeating: 1, count: rank))), [])
  }

  mutating func squared(_ value: ValueID) throws(GraphError) -> ValueID {
    try apply(.multiply, value, value)
  }

  /// The gradient times a value.
  mutating func times(_ value: ValueID) throws(GraphError) -> ValueID {
    try apply(.multiply, gradient, value)
  }

  /// The gradient through a value.
  mutating func over(_ value: ValueID) throws(GraphError) -> ValueID {
    try apply(.divide, gradient, value)
  }

  /// The gradient where a value is true, zero elsewhere.
  mutating func where_(_ condition: ValueID) throws(GraphError) -> ValueID {
    let zero = try number(0)
    return try apply(.select, condition, gradient, zero)
  }
}

extension Operation.Elementwise.Function {
  /// The derivative by an argument times the output's gradient, of the output's extents; `nil` where it is zero wherever there is
  /// one.
  fileprivate func appendGradient(
    by input: Int, to terms: inout ElementwiseTerms
  ) throws(GraphError) -> ValueID? {
    let (a, y, gradient) = (terms.a, terms.y, terms.gradient)
    switch self {
    case .sign, .floor, .ceiling, .round, .truncate, .isNaN, .isInfinite, .isPositiveInfinity,
      .isNegativeInfinity, .isZero, .equal, .less, .lessOrEqual, .and, .or, .exclusiveOr:
      return nil
    case .absolute: return try terms.times(terms.apply(.sign, a))
    case .reciprocal:
      let product = try terms.times(terms.squared(y))
      return try terms.scaled(product, by: -1)
    case .squareRoot: return try terms.over(terms.scaled(y, by: 2))
    case .exponential: return try terms.times(y)
    case .logarithm: return try terms.over(a)
    case .sine: return try terms.times(terms.apply(.cosine, a))
    case .cosine:
      let product = try terms.times(terms.apply(.sine, a))
      return try terms.scaled(product, by: -1)
    case .tangent:
      let cosine = try terms.apply(.cosine, a)
      return try terms.over(terms.squared(cosine))
    case .arcsine, .arccosine:
      // 1 - a^2
      let rest = try terms.apply(.subtract, terms.number(1), terms.squared(a))
      let quotient = try terms.over(terms.apply(.squareRoot, rest))
      return self == .arcsine ? quotient : try terms.scaled(quotient, by: -1)
    case .arctangent: return try terms.over(terms.apply(.add, terms.number(1), terms.squared(a)))
    case .hyperbolicSine: return try terms.times(terms.apply(.hyperbolicCosine, a))
    case .hyperbolicCosine: return try terms.times(terms.apply(.hyperbolicSine, a))
    case .areaSine:
      let sum = try terms.apply(.add, terms.squared(a), terms.number(1))
      return try terms.over(terms.apply(.squareRoot, sum))
    case .areaCosine:
      let rest = try terms.apply(.subtract, terms.squared(a), terms.number(1))
      return try terms.over(terms.apply(.squareRoot, rest))
    case .areaTangent:
      return try terms.over(terms.apply(.subtract, terms.number(1), terms.squared(a)))
    case .errorFunction:
      let square = try terms.squared(a)
      let bell = try terms.apply(.exponential, terms.scaled(square, by: -1))
      return try terms.times(terms.scaled(bell, by: 1.128_379_2))
    case .softplus:
      // 1 / (1 + exp(-a)) is exp(a - y).
      return try terms.times(terms.apply(.exponential, terms.apply(.subtract, a, y)))
    case .add: return gradient
    case .subtract: return input == 0 ? gradient : try terms.scaled(gradient, by: -1)
    case .multiply: return try terms.times(input == 0 ? terms.b : a)
    case .divide:
      let quotient = try terms.over(terms.b)
      guard input == 1 else { return quotient }
      return try terms.scaled(terms.apply(.multiply, quotient, y), by: -1)
    case .power:
      guard input == 0 else {
        return try terms.times(terms.apply(.multiply, y, terms.apply(.logarithm, a)))
      }
      let exponent = try terms.apply(.subtract, terms.b, terms.number(1))
      let slope = try terms.apply(.multiply, terms.b, terms.apply(.power, a, exponent))
      return try terms.times(slope)
    case .minimum, .maximum:
      // The first has it where both are the same.
      let isFirst =
        self == .maximum
        ? try terms.apply(.lessOrEqual, terms.b, a) : try terms.apply(.lessOrEqual, a, terms.b)
      return try terms.where_(input == 0 ? isFirst : terms.apply(.isZero, isFirst))
    case .remainder, .modulo:
      guard input == 1 else { return gradient }
      let quotient = try terms.apply(.divide, a, terms.b)
      let whole = try terms.apply(self == .modulo ? .floor : .truncate, quotient)
      return try terms.scaled(terms.times(whole), by: -1)
    case .second: return input == 1 ? gradient : nil
    case .select:
      guard input > 0 else { return nil }
      return try terms.where_(input == 1 ? a : terms.apply(.isZero, a))
    }
  }
}

extension GradientBuilder {
  /// A gradient by a value that stood at many positions, by the value itself.
  mutating func appendSum(
    of gradient: ValueID, to shape: Shape, of operation: Operation
  ) throws(GraphError) -> ValueID {
    let extents = type(of: gradient).shape
    let axes = shape.dimensions.indices.filter { shape[$0] == 1 && extents[$0] != 1 }
    guard !axes.isEmpty else { return gradient }
    return try append(
      Operation.Reduction(.sum, axes: axes), to: [gradient], of: operation, role: "gradient sum")[0]
  }
}
