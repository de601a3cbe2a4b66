import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  static let activations: [String: Reader] = [
    "Relu": { try activation($0, .relu) }, "Tanh": { try activation($0, .tanh) },
    "Sigmoid": { try activation($0, .sigmoid) },
    "LeakyRelu": { try activation($0, .leakyReLU(slope: $0.float("alpha", or: 0.01))) },
    "Elu": { try activation($0, .elu(alpha: $0.float("alpha", or: 1))) },
    "Gelu": gelu, "Selu": selu, "Celu": celu, "PRelu": parametricReLU, "HardSigmoid": hardSigmoid,
    "HardSwish": { try activation($0, .hardSwish) }, "Swish": swish, "Mish": mish,
    "Softplus": { try unary($0, .softplus) },
    "Softsign": softsign, "ThresholdedRelu": thresholdedReLU, "Shrink": shrink, "Clip": clip,
    "Softmax": { try softmax($0, isLogarithmic: false) },
    "LogSoftmax": { try softmax($0, isLogarithmic: true) }, "Hardmax": hardmax,
    "Dropout": dropout,
  ]

  private static func activation(
    _ call: ONNXCall, _ function: ActivationFunction
  ) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let value = try call.append(Operation.Activation(function), [call.value(input)])
    return [try call.result(value, shape: input.shape)]
  }

  static func unary(
    _ call: ONNXCall, _ function: Operation.Elementwise.Function, type: ONNXElementType? = nil
  ) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let value = try call.append(Operation.Elementwise(function), [call.value(input)])
    return [try call.result(value, type: type, shape: input.shape)]
  }

  private static func result(_ value: ValueID, _ call: ONNXCall) throws -> [ONNXOperand] {
    [try call.result(value, shape: call.operand(0).shape)]
  }

  /// With the normal distribution function, or with what approximates it: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
  private static func gelu(_ call: ONNXCall) throws -> [ONNXOperand] {
    guard try call.text("approximate", or: "none") == "tanh" else {
      return try activation(call, .gelu)
    }
    let x = try call.value(call.operand(0))
    let cube = try call.apply(
      .multiply, call.apply(.multiply, x, x, part: "square"), x, part: "cube")
    let sum = try call.append(Operation.Add(coefficients: [1, 0.044715]), [x, cube], "sum")
    let tanh = try call.append(
      Operation.Activation(.tanh), [call.scaled(sum, by: 0.797_884_56, "scaled sum")], "tanh")
    let half = try call.scaled(call.plus(tanh, 1, "one more"), by: 0.5, "half")
    return try result(call.append(Operation.Multiply(), [x, half]), call)
  }

  /// gamma elu(x, alpha)
  private static func selu(_ call: ONNXCall) throws -> [ONNXOperand] {
    let x = try call.value(call.operand(0))
    let alpha = try call.float("alpha", or: 1.673_263_2)
    let elu = try call.append(Operation.Activation(.elu(alpha: alpha)), [x], "elu")
    return try result(call.scaled(elu, by: call.float("gamma", or: 1.050_701), "scaled"), call)
  }

  /// alpha elu(x / alpha, 1)
  private static func celu(_ call: ONNXCall) throws -> [ONNXOperand] {
    let x = try call.value(call.operand(0))
    let alpha = try call.float("alpha", or: 1)
    guard alpha != 0 else { throw call.problem("alpha is 0") }
    let elu = try call.append(
      Operation.Activation(.elu(alpha: 1)), [call.scaled(x, by: 1 / alpha, "share")], "elu")
    return try result(call.scaled(elu, by: alpha, "scaled"), call)
  }

  /// x where x is positive, slope x elsewhere, with slopes of their own.
  private static func parametricReLU(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    var slope = try call.operand(1)
    let rank = max(1, input.rank)
    let x = try call.value(input)
    // Until version 7, several are those of the channels.
    if call.version < 7, slope.rank == 1, slope.count > 1, rank > 2 {
      slope = try spread(slope, at: 1, rank: rank, call)
    }
    let product = try call.apply(
      .multiply, x, call.aligned(slope, rank: rank, as: .scale), part: "scaled")
    let isNegative = try call.apply(.less, x, call.number(0, like: x), part: "negative")
    return try result(call.append(Operation.Elementwise(.select), [isNegative, product, x]), call)
  }

  /// min(max(alpha x + beta, 0), 1)
  private static func hardSigmoid(
    _ call: ONNXCall, alpha: Float, beta: Float
  ) throws -> ValueID {
    let x = try call.value(call.operand(0))
    let line = try call.plus(call.scaled(x, by: alpha, "line"), beta, "raised line")
    return try call.append(Operation.Clip(lower: 0, upper: 1), [line], "hard sigmoid")
  }

  private static func hardSigmoid(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (alpha, beta) = (try call.float("alpha", or: 0.2), try call.float("beta", or: 0.5))
    // PyTorch's, which is fused.
    if abs(alpha - 1 / 6) < 1e-6, beta == 0.5 { return try activation(call, .hardSigmoid) }
    return try result(hardSigmoid(call, alpha: alpha, beta: beta), call)
  }

  private static func swish(_ call: ONNXCall) throws -> [ONNXOperand] {
    let alpha = try call.float("alpha", or: 1)
    guard alpha != 1 else { return try activation(call, .silu) }
    let x = try call.value(call.operand(0))
    let gate = try call.append(
      Operation.Activation(.sigmoid), [call.scaled(x, by: alpha, "scaled")], "sigmoid")
    return try result(call.append(Operation.Multiply(), [x, gate]), call)
  }

  /// x tanh(softplus(x))
  private static func mish(_ call: ONNXCall) throws -> [ONNXOperand] {
    let x = try call.value(call.operand(0))
    let gate = try call.append(
      Operation.Activation(.tanh), [call.apply(.softplus, x, part: "softplus")], "tanh")
    return try result(call.append(Operation.Multiply(), [x, gate]), call)
  }

  /// x / (1 + |x|)
  private static func softsign(_ call: ONNXCall) throws -> [ONNXOperand] {
    let x = try call.value(call.operand(0))
    let divisor = try call.plus(call.apply(.absolute, x, part: "size"), 1, "divisor")
    return try result(call.append(Operation.Elementwise(.divide), [x, divisor]), call)
  }

  /// x where x is above alpha, 0 elsewhere.
  private static func thresholdedReLU(_ call: ONNXCall) throws -> [ONNXOperand] {
    let x = try call.value(call.operand(0))
    let alpha = try call.number(call.float("alpha", or: 1), like: x)
    let isAbove = try call.apply(.less, alpha, x, part: "above")
    return try result(
      call.append(Operation.Elementwise(.select), [isAbove, x, call.number(0, like: x)]), call)
  }

  /// x + bias below -lambda, x - bias above lambda, 0 between.
  private static func shrink(_ call: ONNXCall) throws -> [ONNXOperand] {
    let x = try call.value(call.operand(0))
    let (bias, lambda) = (try call.float("bias", or: 0), try call.float("lambd", or: 0.5))
    let isAbove = try call.apply(.less, call.number(lambda, like: x), x, part: "above")
    let isBelow = try call.apply(.less, x, call.number(-lambda, like: x), part: "below")
    let middle = try call.apply(
      .select, isBelow, call.plus(x, bias, "raised"), call.number(0, like: x), part: "low part")
    return try result(
      call.append(
        Operation.Elementwise(.select), [isAbove, call.plus(x, -bias, "lowered"), middle]), call)
  }

  private static func clip(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let x = try call.value(input)
    func bound(_ index: Int, _ attribute: String) throws -> Float? {
      if call.version < 11 { return try call.float(attribute) }
      guard let operand = call.optional(index) else { return nil }
      guard let number = operand.number else {
        throw call.problem("its bounds depend on what the network is given")
      }
      return Float(number)
    }
    let (lower, upper) = (try bound(1, "min"), try bound(2, "max"))
    switch (lower, upper) {
    case (let lower?, let upper?)
    where lower.isFinite && upper.isFinite && lower <= upper && input.type.isFloatingPoint:
      if lower == 0, upper == 6 {
        return try result(call.append(Operation.Activation(.relu6), [x]), call)
      }
      return try result(call.append(Operation.Clip(lower: lower, upper: upper), [x]), call)
    default:
      var value = x
      if let lower, lower > -.infinity {
        value =
          lower == 0
          ? try call.append(Operation.Activation(.relu), [value], "from below")
          : try call.apply(.maximum, value, call.number(lower, like: x), part: "from below")
      }
      if let upper, upper < .infinity {
        value = try call.apply(.minimum, value, call.number(upper, like: x), part: "from above")
      }
      return try result(value, call)
    }
  }

  /// Over one axis; before version 13, over all from an axis on.
  static func alongAxis(
    _ call: ONNXCall, _ body: (ValueID) throws -> ValueID
  ) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let value = try call.value(input)
    guard input.rank > 0 else { throw call.problem("its input is a scalar") }
    let usual = call.version < 13 ? 1 : -1
    let given = try call.integer("axis", or: usual)
    if call.version < 13 {
      let axis = given == input.rank ? given : try call.axis(given, rank: input.rank)
      let columns = input.shape[axis...].reduce(1, *)
      let rows = input.shape[..<axis].reduce(1, *)
      let result = try body(call.reshaped(value, to: [rows, columns], "rows"))
      return try self.result(call.reshaped(result, to: input.shape, "result"), call)
    }
    let axis = try call.axis(given, rank: input.rank)
    if axis == 1, 2...4 ~= input.rank { return try result(body(value), call) }
    if axis > 1, input.rank <= 4 {
      // The axis changes places with that of the channels, so that examples stay examples.
      var permutation = Array(0..<input.rank)
      permutation.swapAt(1, axis)
      let result = try body(call.transposed(value, permutation, "channels"))
      return try self.result(call.transposed(result, permutation, "result"), call)
    }
    let outer = input.shape[..<axis].reduce(1, *)
    let inner = input.shape[(axis + 1)...].reduce(1, *)
    let rows = try call.reshaped(value, to: [outer, input.shape[axis], inner], "rows")
    return try result(call.reshaped(body(rows), to: input.shape, "result"), call)
  }

  private static func softmax(_ call: ONNXCall, isLogarithmic: Bool) throws -> [ONNXOperand] {
    try alongAxis(call) { value in
      try call.append(Operation.Softmax(isLogarithmic: isLogarithmic), [value])
    }
  }

  /// 1 at the first of the largest, 0 elsewhere.
  private static func hardmax(_ call: ONNXCall) throws -> [ONNXOperand] {
    try alongAxis(call) { value in
      let extent = call.shape(value)[1]
      try call.importer.spend(extent)
      let top = try call.appendAll(Operation.Top(axis: 1, count: 1), [value], "largest")[1]
      var extents = [Int](repeating: 1, count: call.shape(value).rank)
      extents[1] = extent
      let places = call.importer.parameter(
        Tensor((0..<extent).map(Float.init), shape: Shape(extents)),
        name: "\(call.node.label.prefix(200))/places", as: .constant)
      return try call.append(Operation.Elementwise(.equal), [places, top])
    }
  }

  /// Without effect but in training, where a fraction of the elements become zero.
  private static func dropout(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let isTested = try call.version > 6 || call.flag("is_test")
    let dropsNothing = call.optional(1)?.number == 0
    guard isTested, dropsNothing || call.optional(2).map({ $0.number == 0 }) ?? true else {
      throw call.problem("it was exported in training mode; export the network in evaluation mode")
    }
    let mask = call.node.outputs.dropFirst().first
    if let mask, call.importer.readCount(of: mask) > 0 {
      // Nothing is dropped, and the mask says so; before version 10 it had the numbers' type.
      let type: ONNXElementType = call.version < 10 ? input.type : .bool
      let ones = ONNXOperand.constant(
        [Int](repeating: 1, count: input.count), shape: input.shape, type: .bool, name: mask)
      return [call.same(input), call.same(ones, type: type)]
    }
    return [call.same(input)]
  }
}
