import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  static let arithmetic: [String: Reader] = [
    "Add": add, "Sub": { try binary($0, .subtract) },
    "Mul": multiply, "Div": divide, "Pow": power, "Mod": modulo,
    "Sum": { try variadic($0, .add) }, "Max": { try variadic($0, .maximum) },
    "Min": { try variadic($0, .minimum) }, "Mean": mean,
    "Neg": negate, "Abs": { try unary($0, .absolute) }, "Sign": { try unary($0, .sign) },
    "Floor": { try unary($0, .floor) }, "Ceil": { try unary($0, .ceiling) },
    "Round": { try unary($0, .round) }, "Reciprocal": { try unary($0, .reciprocal) },
    "Sqrt": { try unary($0, .squareRoot) }, "Exp": { try unary($0, .exponential) },
    "Log": { try unary($0, .logarithm) }, "Sin": { try unary($0, .sine) },
    "Cos": { try unary($0, .cosine) }, "Tan": { try unary($0, .tangent) },
    "Asin": { try unary($0, .arcsine) }, "Acos": { try unary($0, .arccosine) },
    "Atan": { try unary($0, .arctangent) }, "Sinh": { try unary($0, .hyperbolicSine) },
    "Cosh": { try unary($0, .hyperbolicCosine) }, "Asinh": { try unary($0, .areaSine) },
    "Acosh": { try unary($0, .areaCosine) }, "Atanh": { try unary($0, .areaTangent) },
    "Erf": { try unary($0, .errorFunction) },
  ]

  private static func binary(
    _ call: ONNXCall, _ function: Operation.Elementwise.Function
  ) throws -> [ONNXOperand] {
    let (first, second) = try operands(call)
    return [try call.elementwise(function, [first, second], type: first.type)]
  }

  /// Until version 7 the second's axes may begin at any of the first's, and end before its last.
  static func operands(_ call: ONNXCall) throws -> (ONNXOperand, ONNXOperand) {
    let (first, second) = (try call.operand(0), try call.operand(1))
    guard call.version < 7, let axis = try call.integer("axis") else { return (first, second) }
    let start = try call.axis(axis, rank: first.rank)
    guard start + second.rank <= first.rank else {
      throw call.problem("axis is \(axis), of \(first.shape) and \(second.shape)")
    }
    return (first, try spread(second, at: start, rank: first.rank, call))
  }

  /// An operand whose axes begin at one of a value of more, with ones behind them.
  static func spread(
    _ operand: ONNXOperand, at axis: Int, rank: Int, _ call: ONNXCall
  ) throws -> ONNXOperand {
    var result = operand
    result.shape += [Int](repeating: 1, count: rank - axis - operand.rank)
    if operand.value == nil, !operand.isInput, let constant = operand.constant {
      result.constant = constant.reshaped(to: Shape(result.shape))
    } else {
      result.value = try call.reshaped(
        call.value(operand), to: result.shape, "axes of \(operand.name)")
      (result.constant, result.isInput) = (nil, false)
    }
    return result
  }

  /// What is added to the products of weights is the bias of their layer.
  private static func add(_ call: ONNXCall) throws -> [ONNXOperand] {
    for (bias, other) in [(1, 0), (0, 1)] {
      let (bias, other) = (try call.operand(bias), try call.operand(other))
      guard let value = other.value, bias.constant != nil, bias.value == nil, !bias.isInput,
        bias.shape.last == bias.count, other.rank >= bias.rank, bias.count == other.shape.last,
        call.importer.readCount(of: other.name) == 1
      else { continue }
      // Its channels may have become the last axis since.
      var product = value
      if let transpose = call.importer.producer(of: value),
        (transpose.attributes as? Operation.Transpose)?.permutation.last == 1
      {
        product = transpose.inputs[0]
      }
      let isLast = product != value || other.rank == 2
      guard isLast, let layer = call.importer.producer(of: product)?.attributes as? any WeightLayer,
        !layer.hasBias
      else { continue }
      let tensor = try call.importer.floats(bias.constant ?? Tensor(zeros: [bias.count]))
      call.importer.addBias(
        call.importer.parameter(tensor.reshaped(to: [bias.count]), name: bias.name, as: .bias),
        toProducerOf: product)
      return [call.same(other)]
    }
    return try binary(call, .add)
  }

  /// With one number, which is a setting rather than a value.
  private static func multiply(_ call: ONNXCall) throws -> [ONNXOperand] {
    // x sigmoid(x), as exporters write what has a name of its own.
    if let first = try call.operand(0).value, let second = try call.operand(1).value {
      for (gate, x) in [(first, second), (second, first)] {
        if let sigmoid = call.importer.producer(of: gate), sigmoid.inputs[0] == x,
          (sigmoid.attributes as? Operation.Activation)?.function == .sigmoid
        {
          return [
            try call.result(
              call.append(Operation.Activation(.silu), [x]), shape: call.operand(0).shape)
          ]
        }
      }
    }
    if let x = try gelu(call) {
      return [
        try call.result(call.append(Operation.Activation(.gelu), [x]), shape: call.operand(0).shape)
      ]
    }
    for (factor, other) in [(1, 0), (0, 1)] {
      let (factor, other) = (try call.operand(factor), try call.operand(other))
      if factor.constant != nil, !factor.isInput, let number = factor.number,
        other.constant == nil, other.rank >= factor.rank, Float(number).isFinite
      {
        let value = try call.append(
          Operation.Add(coefficients: [Float(number)]), [call.value(other)])
        return [try call.result(value, type: other.type, shape: other.shape)]
      }
    }
    return [try channelScale(call) ?? binary(call, .multiply)[0]]
  }

  /// The product with known numbers, one a channel.
  private static func channelScale(_ call: ONNXCall) throws -> ONNXOperand? {
    let operands = [try call.operand(0), try call.operand(1)]
    for (factor, other) in [(operands[0], operands[1]), (operands[1], operands[0])] {
      guard let value = other.value, 3...4 ~= other.rank,
        call.shape(value).dimensions == other.shape, factor.value == nil, !factor.isInput,
        factor.constant != nil, factor.count > 1
      else { continue }
      let ones = [Int](repeating: 1, count: other.rank - 2)
      let extents = [Int](repeating: 1, count: max(0, other.rank - factor.rank)) + factor.shape
      guard extents == [1, other.shape[1]] + ones else { continue }
      let scale = try call.shaped(factor, to: [other.shape[1]] + ones, as: .scale)
      return try call.result(
        call.append(Operation.ChannelScale(), [value, scale]), type: other.type)
    }
    return nil
  }

  /// The argument of a GELU that is written with the error function, x (1 + erf(x / sqrt 2)) / 2, whose last product the node is;
  /// the half may stand before or behind.
  private static func gelu(_ call: ONNXCall) throws -> ValueID? {
    let importer = call.importer
    let (first, second) = (try call.operand(0), try call.operand(1))
    /// x, where a value is x / 2.
    func doubled(_ value: ValueID) -> ValueID? {
      guard let scaling = importer.producer(of: value),
        (scaling.attributes as? Operation.Add)?.coefficients == [0.5]
      else { return nil }
      return scaling.inputs[0]
    }
    /// x, where a value is 1 + erf(x / sqrt 2).
    func argument(_ value: ValueID) -> ValueID? {
      func inner(_ value: ValueID, _ function: Operation.Elementwise.Function) -> [ValueID]? {
        guard let operation = importer.producer(of: value),
          (operation.attributes as? Operation.Elementwise)?.function == function
        else { return nil }
        return operation.inputs
      }
      guard let sum = inner(value, .add),
        let one = sum.firstIndex(where: { importer.number(of: $0) == 1 }),
        let erf = inner(sum[1 - one], .errorFunction)
      else { return nil }
      let root = Float(2).squareRoot()
      if let quotient = inner(erf[0], .divide), let number = importer.number(of: quotient[1]),
        abs(number - root) < 1e-5
      {
        return quotient[0]
      }
      if let scaling = importer.producer(of: erf[0]),
        let factor = (scaling.attributes as? Operation.Add)?.coefficients, factor.count == 1,
        abs(factor[0] - 1 / root) < 1e-5
      {
        return scaling.inputs[0]
      }
      return nil
    }
    for (one, other) in [(first, second), (second, first)] {
      guard let value = one.value else { continue }
      // The product is there, and is halved.
      if other.constant != nil, other.number == 0.5, other.rank <= one.rank,
        let product = importer.producer(of: value), product.attributes is Operation.Multiply
      {
        let (a, b) = (product.inputs[0], product.inputs[1])
        if argument(a) == b { return b }
        if argument(b) == a { return a }
      }
      // One of its factors was halved.
      if let factor = other.value, let x = doubled(value), argument(factor) == x { return x }
    }
    return nil
  }

  /// Of whole numbers towards zero.
  private static func divide(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (first, second) = try operands(call)
    guard first.type.isInteger else { return try binary(call, .divide) }
    let quotient = try call.elementwise(.divide, [first, second], "quotient")
    let value = try call.append(Operation.Elementwise(.truncate), [call.value(quotient)])
    return [try call.result(value, type: first.type, shape: quotient.shape)]
  }

  private static func power(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (base, exponent) = (try call.operand(0), try call.operand(1))
    if exponent.number == 2, exponent.rank <= base.rank, !exponent.isInput {
      let value = try call.value(base)
      let square = try call.append(Operation.Multiply(), [value, value])
      return [try call.result(square, type: base.type, shape: base.shape)]
    }
    let result = try call.elementwise(.power, [base, exponent], type: base.type)
    guard base.type.isInteger else { return [result] }
    let value = try call.append(
      Operation.Elementwise(.truncate), [call.value(result)], "whole number")
    return [try call.result(value, type: base.type, shape: result.shape)]
  }

  private static func modulo(_ call: ONNXCall) throws -> [ONNXOperand] {
    try binary(call, call.flag("fmod") ? .remainder : .modulo)
  }

  private static func variadic(
    _ call: ONNXCall, _ function: Operation.Elementwise.Function
  ) throws -> [ONNXOperand] {
    [try combined(call, function)]
  }

  private static func combined(
    _ call: ONNXCall, _ function: Operation.Elementwise.Function
  ) throws -> ONNXOperand {
    let operands = call.operands
    guard var result = operands.first else { throw call.problem("it has no inputs") }
    for (index, operand) in operands.enumerated().dropFirst() {
      result = try call.elementwise(
        function, [result, operand], type: operands[0].type,
        index == operands.count - 1 ? nil : "\(index + 1) inputs")
    }
    return result
  }

  private static func mean(_ call: ONNXCall) throws -> [ONNXOperand] {
    let sum = try combined(call, .add)
    let value = try call.scaled(call.value(sum), by: 1 / Float(call.operands.count), "mean")
    return [try call.result(value, shape: sum.shape)]
  }

  private static func negate(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let value = try call.append(Operation.Add(coefficients: [-1]), [call.value(input)])
    return [try call.result(value, shape: input.shape)]
  }
}
