import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  static let comparisons: [String: Reader] = [
    "Equal": { try compare($0, .equal) }, "Less": { try compare($0, .less) },
    "LessOrEqual": { try compare($0, .lessOrEqual) },
    "Greater": { try compare($0, .less, isSwapped: true) },
    "GreaterOrEqual": { try compare($0, .lessOrEqual, isSwapped: true) },
    "And": { try compare($0, .and) }, "Or": { try compare($0, .or) },
    "Xor": { try compare($0, .exclusiveOr) },
    "Not": { try unary($0, .isZero, type: .bool) }, "IsNaN": { try unary($0, .isNaN, type: .bool) },
    "IsInf": isInfinite, "Where": select,
  ]

  private static func compare(
    _ call: ONNXCall, _ function: Operation.Elementwise.Function, isSwapped: Bool = false
  ) throws -> [ONNXOperand] {
    let (first, second) = try operands(call)
    return [
      try call.elementwise(function, isSwapped ? [second, first] : [first, second], type: .bool)
    ]
  }

  private static func isInfinite(_ call: ONNXCall) throws -> [ONNXOperand] {
    let above = try call.flag("detect_positive", or: true)
    let below = try call.flag("detect_negative", or: true)
    switch (above, below) {
    case (true, true): return try unary(call, .isInfinite, type: .bool)
    case (true, false): return try unary(call, .isPositiveInfinity, type: .bool)
    case (false, true): return try unary(call, .isNegativeInfinity, type: .bool)
    case (false, false):
      let input = try call.operand(0)
      let value = try call.value(input)
      let isOther = try call.append(
        Operation.Elementwise(.less), [call.number(1, like: value), call.number(0, like: value)],
        "never")
      let result = try call.append(Operation.Elementwise(.second), [value, isOther])
      return [try call.result(result, type: .bool, shape: input.shape)]
    }
  }

  private static func select(_ call: ONNXCall) throws -> [ONNXOperand] {
    let operands = [try call.operand(0), try call.operand(1), try call.operand(2)]
    return [try call.elementwise(.select, operands, type: operands[1].type)]
  }
}
