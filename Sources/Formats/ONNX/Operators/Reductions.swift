import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  static let reductions: [String: Reader] = [
    "ReduceSum": { try reduce($0, .sum) }, "ReduceMean": { try reduce($0, .mean) },
    "ReduceProd": { try reduce($0, .product) }, "ReduceMax": { try reduce($0, .maximum) },
    "ReduceMin": { try reduce($0, .minimum) },
    "ReduceL1": { call in
      try reduce(call, .sum, before: { try call.apply(.absolute, $0, part: "sizes") })
    },
    "ReduceL2": { call in
      try reduce(
        call, .sum, before: { try call.apply(.multiply, $0, $0, part: "squares") },
        after: { try call.apply(.squareRoot, $0, part: "root") })
    },
    "ReduceSumSquare": { call in
      try reduce(call, .sum, before: { try call.apply(.multiply, $0, $0, part: "squares") })
    },
    "ReduceLogSum": { call in
      try reduce(call, .sum, after: { try call.apply(.logarithm, $0, part: "logarithm") })
    },
    "ReduceLogSumExp": reduceLogSumExp, "ArgMax": { try place($0, isLargest: true) },
    "ArgMin": { try place($0, isLargest: false) }, "TopK": top, "CumSum": cumulativeSum,
  ]

  /// The axes that go; `nil` where the node does nothing.
  private static func axes(_ call: ONNXCall, rank: Int) throws -> [Int]? {
    let given = try call.constantIntegers(1, "axes") ?? call.integers("axes") ?? []
    if given.isEmpty { return try call.flag("noop_with_empty_axes") ? nil : Array(0..<rank) }
    return try call.axes(given, rank: rank)
  }

  /// What is left of the input's shape; `nil` where the node does nothing.
  static func reducedShape(_ call: ONNXCall) throws -> [Int]? {
    let input = try call.operand(0)
    guard let axes = try axes(call, rank: input.rank) else { return nil }
    let keeps = try call.flag("keepdims", or: true)
    let shape = input.shape.enumerated().compactMap { axis, extent in
      axes.contains(axis) ? keeps ? 1 : nil : extent
    }
    guard Shape(checking: shape).map({ $0.count <= ONNXOperand.foldedCount }) ?? false else {
      throw call.problem("it makes a constant of shape \(shape)")
    }
    return shape
  }

  private static func reduce(
    _ call: ONNXCall, _ kind: Operation.Reduction.Kind,
    before: (ValueID) throws -> ValueID = { $0 }, after: (ValueID) throws -> ValueID = { $0 }
  ) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let terms = try before(call.value(input))
    guard let axes = try axes(call, rank: input.rank), input.rank > 0 else {
      return [try call.result(after(terms), shape: input.shape)]
    }
    let isOfPositions = axes == Array(2..<max(2, input.rank)) && 3...4 ~= input.rank
    let value: ValueID
    if kind == .mean, isOfPositions {
      value = try call.append(Operation.GlobalPooling(kind: .average), [terms])
    } else {
      value = try call.append(Operation.Reduction(kind, axes: axes), [terms])
    }
    return [try kept(after(value), axes, input, call)]
  }

  /// A result with the axes that went, or without them.
  private static func kept(
    _ value: ValueID, _ axes: [Int], _ input: ONNXOperand, _ call: ONNXCall,
    type: ONNXElementType? = nil
  ) throws -> ONNXOperand {
    guard try !call.flag("keepdims", or: true) else { return try call.result(value, type: type) }
    let shape = input.shape.indices.filter { !axes.contains($0) }.map { input.shape[$0] }
    return try call.result(call.reshaped(value, to: shape, "result"), type: type, shape: shape)
  }

  /// The logarithm of the sum of exponentials, of which the largest is taken out first; an infinite one only as far as
  /// differences with it are numbers.
  private static func reduceLogSumExp(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let value = try call.value(input)
    guard let axes = try axes(call, rank: input.rank), input.rank > 0 else {
      return [call.same(input)]
    }
    let limit = Float.greatestFiniteMagnitude
    let largest = try call.append(
      Operation.Clip(lower: -limit, upper: limit),
      [call.append(Operation.Reduction(.maximum, axes: axes), [value], "largest")], "finite")
    let rest = try call.append(Operation.Elementwise(.subtract), [value, largest], "rest")
    let terms = try call.apply(.exponential, rest, part: "exponentials")
    let sum = try call.append(Operation.Reduction(.sum, axes: axes), [terms], "sum")
    let result = try call.apply(
      .add, call.apply(.logarithm, sum, part: "logarithm"), largest, part: "result")
    return [try kept(result, axes, input, call)]
  }

  private static func place(_ call: ONNXCall, isLargest: Bool) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let axis = try call.axis(call.integer("axis", or: 0), rank: input.rank)
    // What is not a number counts as the extreme, whichever is sought; as the smallest it would come last.
    let operation = Operation.Top(
      axis: axis, count: 1, prefersLast: try call.flag("select_last_index"))
    let value = try call.value(input)
    let places = try call.appendAll(
      operation, [isLargest ? value : call.scaled(value, by: -1, "negative")])[1]
    return [try kept(places, [axis], input, call, type: .int64)]
  }

  private static func top(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let axis = try call.axis(call.integer("axis", or: -1), rank: input.rank)
    let count = try call.version < 10 ? call.integer("k") : call.constantIntegers(1, "count")?.first
    guard let count, 1...max(1, input.shape[axis]) ~= count else {
      throw call.problem("\(count ?? 0) of \(input.shape[axis]) elements")
    }
    let operation = Operation.Top(
      axis: axis, count: count, isLargest: try call.flag("largest", or: true))
    let values = try call.appendAll(operation, [call.value(input)])
    return [try call.result(values[0]), try call.result(values[1], type: .int64)]
  }

  private static func cumulativeSum(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    guard let given = try call.constantIntegers(1, "axis")?.first else {
      throw call.problem("it names no axis")
    }
    let axis = try call.axis(given, rank: input.rank)
    let extent = input.shape[axis]
    guard extent <= 1 << 10 else { throw call.problem("it sums \(extent) positions") }
    let (isExclusive, isReverse) = (try call.flag("exclusive"), try call.flag("reverse"))
    let sources = (0..<extent).flatMap { position in
      (0..<extent).map { source -> Int in
        if source == position { return isExclusive ? -1 : source }
        return (source < position) != isReverse ? source : -1
      }
    }
    let map = Operation.AxisMap(axis: axis, extent: extent, sources: sources, termCount: extent)
    return [try call.result(call.append(map, [call.value(input)]))]
  }
}
