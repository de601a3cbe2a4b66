import ConvNetGraphs
import ConvNetTensors

// Values stay floats: rounded as they would be, within the range of the type.

extension ONNXOperators {
  static let quantizations: [String: Reader] = [
    "QuantizeLinear": quantize, "DequantizeLinear": dequantize,
  ]

  /// For each element the place of its scale; `nil` where scales do not fit the shape.
  static func steps(_ call: ONNXCall, of shape: [Int], _ scale: ONNXOperand) throws -> [Int]? {
    let count = shape.reduce(1, *)
    if scale.count == 1 { return [Int](repeating: 0, count: count) }
    let axis = try call.axis(call.integer("axis", or: 1), rank: shape.count)
    let inner = shape[(axis + 1)...].reduce(1, *)
    if scale.rank == 1, scale.count == shape[axis] {
      return (0..<count).map { $0 / inner % shape[axis] }
    }
    let size = try call.integer("block_size", or: 0)
    guard size > 0, scale.rank == shape.count,
      shape.indices.allSatisfy({
        scale.shape[$0] == ($0 == axis ? (shape[$0] + size - 1) / size : shape[$0])
      })
    else { return nil }
    let extent = shape[axis]
    return (0..<count).map { place in
      let (outer, position) = (place / inner / extent, place / inner % extent)
      return (outer * scale.shape[axis] + position / size) * inner + place % inner
    }
  }

  /// A scale or zero point with the extents of what it goes with.
  private static func spread(
    _ operand: ONNXOperand, over input: ONNXOperand, _ call: ONNXCall
  ) throws -> ValueID {
    let ones = [Int](repeating: 1, count: max(1, input.rank))
    let value = try call.value(operand)
    if operand.count == 1 { return try call.reshaped(value, to: ones, "\(operand.name) spread") }
    let axis = try call.axis(call.integer("axis", or: 1), rank: input.rank)
    if operand.rank == 1, operand.count == input.shape[axis] {
      var extents = ones
      extents[axis] = operand.count
      return try call.reshaped(value, to: extents, "\(operand.name) spread")
    }
    let size = try call.integer("block_size", or: 0)
    guard size > 0, operand.rank == input.rank, operand.shape[axis] * size >= input.shape[axis]
    else {
      throw call.problem("\(operand.name) of shape \(operand.shape) for \(input.shape)")
    }
    let sources = (0..<input.shape[axis]).map { $0 / size }
    return try call.append(
      Operation.AxisMap(axis: axis, extent: operand.shape[axis], sources: sources), [value],
      "\(operand.name) blocks")
  }

  /// y = round(x / scale) + zero, held within the range of the type.
  private static func quantize(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (input, scale) = (try call.operand(0), try call.operand(1))
    let zero = call.optional(2)
    let told = try call.integer("output_dtype").flatMap { $0 == 0 ? nil : $0 }
    let type = zero?.type ?? told.flatMap(ONNXElementType.init(rawValue:)) ?? .uint8
    let value = try call.value(input)
    let quotient = try call.apply(
      .divide, value, spread(scale, over: input, call), part: "quotient")
    if let format = SmallFloat(type) {
      let result = try rounded(
        quotient, to: format, saturates: call.flag("saturate", or: true), call)
      return [try call.result(result, type: type, shape: input.shape)]
    }
    guard let range = type.shortRange else { throw call.problem("to \(type) nothing is quantized") }
    var whole = try call.apply(.round, quotient, part: "whole number")
    if let zero {
      whole = try call.apply(.add, whole, spread(zero, over: input, call), part: "sum")
    }
    let result = try call.append(
      Operation.Clip(lower: range.lowerBound, upper: range.upperBound), [whole])
    return [try call.result(result, type: type, shape: input.shape)]
  }

  /// x = (q - zero) scale
  private static func dequantize(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (input, scale) = (try call.operand(0), try call.operand(1))
    var value = try call.value(input)
    if let zero = call.optional(2) {
      value = try call.apply(
        .subtract, value, spread(zero, over: input, call), part: "difference")
    }
    let result = try call.apply(.multiply, value, spread(scale, over: input, call), part: "product")
    return [try call.result(result, type: scale.type, shape: input.shape)]
  }
}
