import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  static let normalizations: [String: Reader] = [
    "BatchNormalization": batchNormalization, "InstanceNormalization": instanceNormalization,
    "LayerNormalization": layerNormalization, "GroupNormalization": groupNormalization,
    "RMSNormalization": rootMeanSquareNormalization, "LRN": localResponseNormalization,
    "LpNormalization": powerNormalization, "MeanVarianceNormalization": meanVarianceNormalization,
  ]

  private static func batchNormalization(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let isTraining = try call.flag("training_mode")
    // Before version 14, further outputs say so.
    let others = call.node.outputs.dropFirst().filter { call.importer.readCount(of: $0) > 0 }
    let isTested = try call.version > 6 || call.flag("is_test")
    guard !isTraining, isTested, others.isEmpty else {
      throw call.problem("it was exported in training mode; export the network in evaluation mode")
    }
    guard try call.flag("spatial", or: true) else {
      throw call.problem("statistics of each position (spatial 0) are not read")
    }
    let operation = Operation.BatchNormalization(
      epsilon: try call.float("epsilon", or: 1e-5), momentum: try call.float("momentum", or: 0.9))
    let kinds: [ParameterKind] = [.scale, .shift, .runningMean, .runningVariance]
    let parameters = try kinds.enumerated().map { index, kind in
      try call.value(call.operand(index + 1), as: kind)
    }
    var value = try call.value(input)
    if input.rank == 1 || input.rank > 4 {
      let rest = input.shape.dropFirst(2).reduce(1, *)
      value = try call.reshaped(
        value, to: [input.shape[0], input.shape.dropFirst().first ?? 1, rest])
    }
    let result = try call.append(operation, [value] + parameters)
    return [try call.result(call.reshaped(result, to: input.shape), type: input.type)]
  }

  /// (x - mean) / sqrt(variance + epsilon), along some axes of a value.
  static func standardized(
    _ value: ValueID, axes: [Int], epsilon: Float, _ call: ONNXCall
  ) throws -> (result: ValueID, mean: ValueID, inverse: ValueID) {
    let mean = try call.append(Operation.Reduction(.mean, axes: axes), [value], "mean")
    let centered = try call.append(Operation.Elementwise(.subtract), [value, mean], "centered")
    let squares = try call.apply(.multiply, centered, centered, part: "squares")
    let variance = try call.append(Operation.Reduction(.mean, axes: axes), [squares], "variance")
    let deviation = try call.apply(
      .squareRoot, call.plus(variance, epsilon, "variance and epsilon"), part: "deviation")
    let inverse = try call.apply(.reciprocal, deviation, part: "inverse deviation")
    return (
      try call.append(Operation.Elementwise(.divide), [centered, deviation], "standardized"), mean,
      inverse
    )
  }

  /// y = scale x + shift, where both or none are given, under extents that fit.
  private static func affine(
    _ value: ValueID, _ scale: ONNXOperand?, _ shift: ONNXOperand?, extents: [Int],
    _ call: ONNXCall
  ) throws -> ValueID {
    func shaped(_ operand: ONNXOperand, _ kind: ParameterKind) throws -> ValueID {
      guard operand.count == extents.reduce(1, *) else {
        throw call.problem("\(operand.name) has the shape \(operand.shape), needs \(extents)")
      }
      return try call.shaped(operand, to: extents, as: kind)
    }
    var result = value
    if let scale {
      result = try call.apply(.multiply, result, shaped(scale, .scale), part: "scaled")
    }
    if let shift {
      result = try call.apply(.add, result, shaped(shift, .shift), part: "shifted")
    }
    return result
  }

  private static func instanceNormalization(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    guard input.rank >= 3 else { throw call.problem("its input has the shape \(input.shape)") }
    let axes = Array(2..<input.rank)
    let normalized = try standardized(
      call.value(input), axes: axes, epsilon: call.float("epsilon", or: 1e-5), call
    ).result
    let extents = [1, input.shape[1]] + axes.map { _ in 1 }
    return [
      try call.result(
        affine(normalized, call.operand(1), call.operand(2), extents: extents, call),
        type: input.type)
    ]
  }

  private static func layerNormalization(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let first = try call.axis(call.integer("axis", or: -1), rank: input.rank)
    let axes = Array(first..<input.rank)
    if let result = try channelNormalization(call, input, axes) { return [result] }
    let (result, mean, inverse) = try standardized(
      call.value(input), axes: axes, epsilon: call.float("epsilon", or: 1e-5), call)
    let extents = input.shape.enumerated().map { axes.contains($0) ? $1 : 1 }
    let value = try affine(
      result, call.operand(1), call.optional(2), extents: extents, call)
    return [
      try call.result(value, type: input.type), try call.result(mean, type: .float32),
      try call.result(inverse, type: .float32),
    ]
  }

  /// The layer of ours, which has channels before positions, where the last axis is normalized and neither mean nor deviation is
  /// read.
  private static func channelNormalization(
    _ call: ONNXCall, _ input: ONNXOperand, _ axes: [Int]
  ) throws -> ONNXOperand? {
    guard axes == [input.rank - 1], 2...4 ~= input.rank,
      call.node.outputs.dropFirst().allSatisfy({ call.importer.readCount(of: $0) == 0 }),
      case let parameters = [try call.operand(1), call.optional(2)].compactMap(\.self),
      parameters.count == 2, parameters.allSatisfy({ $0.shape == [input.shape[axes[0]]] })
    else { return nil }
    let positions = Array(1..<input.rank - 1)
    let value = try call.transposed(
      call.value(input), [0, input.rank - 1] + positions, "channels first")
    let result = try call.append(
      Operation.LayerNormalization(epsilon: call.float("epsilon", or: 1e-5)),
      [
        value, call.shaped(parameters[0], to: parameters[0].shape, as: .scale),
        call.shaped(parameters[1], to: parameters[1].shape, as: .shift),
      ])
    let last = [0] + positions.map { $0 + 1 } + [1]
    return try call.result(
      input.rank == 2 ? result : call.transposed(result, last, "channels last"), type: input.type)
  }

  private static func rootMeanSquareNormalization(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let first = try call.axis(call.integer("axis", or: -1), rank: input.rank)
    let axes = Array(first..<input.rank)
    let value = try call.value(input)
    let squares = try call.apply(.multiply, value, value, part: "squares")
    let mean = try call.append(Operation.Reduction(.mean, axes: axes), [squares], "mean square")
    let root = try call.apply(
      .squareRoot, call.plus(mean, call.float("epsilon", or: 1e-5), "mean and epsilon"),
      part: "root")
    let result = try call.append(Operation.Elementwise(.divide), [value, root], "normalized")
    let extents = input.shape.enumerated().map { axes.contains($0) ? $1 : 1 }
    return [
      try call.result(
        affine(result, call.operand(1), nil, extents: extents, call), type: input.type)
    ]
  }

  private static func groupNormalization(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let groups = try call.integer("num_groups", or: 0)
    guard input.rank >= 2, groups > 0, input.shape[1] % groups == 0 else {
      throw call.problem("\(groups) groups of the channels of \(input.shape)")
    }
    let (batch, channels) = (input.shape[0], input.shape[1])
    let positions = input.shape.dropFirst(2).reduce(1, *)
    let grouped = try call.reshaped(
      call.value(input), to: [batch, groups, channels / groups * positions], "groups")
    var value = try standardized(
      grouped, axes: [2], epsilon: call.float("epsilon", or: 1e-5), call
    ).result
    let (scale, shift) = (try call.operand(1), try call.operand(2))
    // Until version 21 there is one number a group.
    if scale.count == groups, groups != channels {
      value = try affine(value, scale, shift, extents: [1, groups, 1], call)
      return [try call.result(call.reshaped(value, to: input.shape, "result"), type: input.type)]
    }
    value = try call.reshaped(value, to: input.shape, "channels")
    let extents = [1, channels] + input.shape.dropFirst(2).map { _ in 1 }
    return [
      try call.result(affine(value, scale, shift, extents: extents, call), type: input.type)
    ]
  }

  private static func localResponseNormalization(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    guard let size = try call.integer("size"), 1...windowLimit ~= size, input.rank >= 2 else {
      throw call.problem("it needs a size, and channels")
    }
    let alpha = try call.float("alpha", or: 0.0001)
    let (beta, bias) = (try call.float("beta", or: 0.75), try call.float("bias", or: 1))
    let value = try call.value(input)
    if size % 2 == 1, input.rank <= 4 {
      let operation = Operation.LocalResponseNormalization(
        size: size, alpha: alpha, beta: beta, bias: bias, alphaConvention: .mean)
      return [try call.result(call.append(operation, [value]))]
    }
    // An even neighbourhood has one channel more behind its own.
    let channels = input.shape[1]
    guard saturatingProduct([channels, size]) <= ONNXOperand.foldedCount else {
      throw call.problem("a neighbourhood of \(size) in \(channels) channels")
    }
    let sources = (0..<channels).flatMap { channel in
      (0..<size).map { offset in
        let source = channel - (size - 1) / 2 + offset
        return 0..<channels ~= source ? source : -1
      }
    }
    let squares = try call.apply(.multiply, value, value, part: "squares")
    let sum = try call.append(
      Operation.AxisMap(axis: 1, extent: channels, sources: sources, termCount: size), [squares],
      "sum")
    let base = try call.plus(call.scaled(sum, by: alpha / Float(size), "share"), bias, "base")
    let divisor = try call.apply(.power, base, call.number(beta, like: base), part: "divisor")
    return [try call.result(call.append(Operation.Elementwise(.divide), [value, divisor]))]
  }

  private static func powerNormalization(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let axis = try call.axis(call.integer("axis", or: -1), rank: input.rank)
    let exponent = try call.integer("p", or: 2)
    guard 1...2 ~= exponent else { throw call.problem("p is \(exponent)") }
    let value = try call.value(input)
    let sum = try call.append(
      Operation.Reduction(.sum, axes: [axis]), [raised(value, exponent, call)], "sum")
    let norm =
      exponent == 1 ? sum : try call.append(Operation.Elementwise(.squareRoot), [sum], "norm")
    // What is zero stays zero.
    let isZero = try call.apply(.isZero, norm, part: "none")
    let divisor = try call.apply(.add, norm, isZero, part: "divisor")
    return [try call.result(call.append(Operation.Elementwise(.divide), [value, divisor]))]
  }

  private static func meanVarianceNormalization(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let axes = try call.axes(call.integers("axes") ?? [0, 2, 3], rank: input.rank)
    let value = try call.value(input)
    let mean = try call.append(Operation.Reduction(.mean, axes: axes), [value], "mean")
    let centered = try call.append(Operation.Elementwise(.subtract), [value, mean], "centered")
    let squares = try call.apply(.multiply, centered, centered, part: "squares")
    let variance = try call.append(Operation.Reduction(.mean, axes: axes), [squares], "variance")
    let deviation = try call.apply(.squareRoot, variance, part: "deviation")
    let divisor = try call.plus(deviation, 1e-9, "divisor")
    return [try call.result(call.append(Operation.Elementwise(.divide), [centered, divisor]))]
  }
}
