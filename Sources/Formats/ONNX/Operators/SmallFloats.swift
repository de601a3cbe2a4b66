import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  /// The nearest numbers of a format of eight bits or less, of two the even one, by operations that are exact in `float32`: the
  /// distance between neighbours, which the exponent decides, is the largest of those whose powers of two a number reaches.
  ///
  /// - Parameters:
  ///   - saturates: whether what is beyond the largest becomes the largest, rather than infinite or no number.
  ///   - mode: of powers of two, "up", "down" or "nearest".
  static func rounded(
    _ value: ValueID, to format: SmallFloat, saturates: Bool, mode: String = "nearest",
    _ call: ONNXCall
  ) throws -> ValueID {
    let extents = call.shape(value).dimensions
    let ones = extents.map { _ in 1 }
    /// A number of any kind, infinite ones too.
    func number(_ number: Float, _ role: String) -> ValueID {
      call.importer.parameter(
        Tensor([number], shape: Shape(ones)), name: "\(call.node.label.prefix(200))/\(role)",
        as: .constant)
    }
    func row(_ numbers: [Float], _ role: String) -> ValueID {
      call.importer.parameter(
        Tensor(numbers, shape: Shape(ones + [numbers.count])),
        name: "\(call.node.label.prefix(200))/\(role)", as: .constant)
    }
    func apply(
      _ function: Operation.Elementwise.Function, _ values: ValueID..., part: String
    ) throws -> ValueID {
      try call.append(Operation.Elementwise(function), values, part)
    }
    let largest = format.largest
    // Smaller ones are taken for 0 by processors.
    let exponents = max(-126, format.exponents.lowerBound)...format.exponents.upperBound
    guard saturatingProduct(extents + [exponents.count]) <= elementLimitOfRounding else {
      throw call.problem("it rounds \(saturatingProduct(extents)) numbers to \(format.bits) bits")
    }
    let size = try apply(.absolute, value, part: "sizes")
    // Infinite ones have no exponent.
    let limited = try apply(
      .minimum, size, number(min(4 * largest, .greatestFiniteMagnitude), "limit"), part: "limited")
    let reached = try apply(
      .lessOrEqual, row(exponents.map(SmallFloat.power), "powers"),
      call.reshaped(limited, to: extents + [1], "column"), part: "reached")
    let steps = exponents.map { SmallFloat.power($0 - format.fractionBits) }
    let reachedSteps = try apply(.multiply, reached, row(steps, "steps"), part: "reached steps")
    let largestStep = try call.append(
      Operation.Reduction(.maximum, axes: [extents.count]), [reachedSteps], "largest step")
    let step = try apply(
      .maximum, call.reshaped(largestStep, to: extents, "own step"), number(steps[0], "least"),
      part: "step")
    let count = try apply(.divide, limited, step, part: "steps")
    let rounding: Operation.Elementwise.Function =
      switch mode {
      case "up": .ceiling
      case "down": .floor
      case "nearest": .round
      default: throw call.problem("round_mode is \(mode)")
      }
    var result = try apply(
      .multiply, apply(rounding, count, part: "whole steps"), step, part: "rounded")
    let beyond: Float = saturates ? largest : format.specials == .infinities ? .infinity : .nan
    let isBeyond = try apply(.less, number(largest, "largest"), result, part: "beyond")
    result = try apply(.select, isBeyond, number(beyond, "end"), result, part: "within")
    if format.specials == .exponentAlone {
      let isBelow = try apply(
        .less, result, number(SmallFloat.power(exponents.lowerBound), "least"), part: "below")
      let beginning = saturates ? SmallFloat.power(format.exponents.lowerBound) : .nan
      return try apply(.select, isBelow, number(beginning, "beginning"), result, part: "powers")
    }
    if format.specials == .none {
      let isNothing = try apply(.isNaN, result, part: "no number")
      result = try apply(.select, isNothing, number(0, "zero"), result, part: "numbers")
    }
    let isNegative = try apply(.less, value, number(0, "zero"), part: "negative")
    let opposite = try apply(.subtract, number(0, "zero"), result, part: "opposite")
    return try call.append(Operation.Elementwise(.select), [isNegative, opposite, result])
  }

  /// What a rounding compares, at most.
  private static let elementLimitOfRounding = 1 << 28
}
