import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  static let poolings: [String: Reader] = [
    "MaxPool": maxPool, "AveragePool": averagePool, "LpPool": powerPool,
    "GlobalAveragePool": { try global($0, .mean) }, "GlobalMaxPool": { try global($0, .maximum) },
    "GlobalLpPool": globalPowerPool,
  ]

  private static func window(_ call: ONNXCall) throws -> (ONNXOperand, Window, isCeiling: Bool) {
    let input = try call.operand(0)
    guard input.rank >= 3 else { throw call.problem("its input has the shape \(input.shape)") }
    let window = try Window(call, kernel: nil, input: Array(input.shape.dropFirst(2)))
    return (input, window, try call.flag("ceil_mode"))
  }

  /// Whether an operation of ours has these windows.
  private static func isNative(_ input: ONNXOperand, _ window: Window) -> Bool {
    input.rank <= 4 && window.dilations.allSatisfy { $0 == 1 }
      && zip(window.sides, window.kernel).allSatisfy { max($0.before, $0.after) < $1 }
  }

  private static func maxPool(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (input, window, isCeiling) = try window(call)
    if let indices = call.node.outputs.dropFirst().first, !indices.isEmpty,
      call.importer.readCount(of: indices) > 0
    {
      throw call.problem("the places of maxima (its output \(indices)) are not read")
    }
    let value = try call.value(input)
    if isNative(input, window) {
      let operation = Operation.MaxPooling(
        window: window.kernel, strides: window.strides, padding: window.padding, ceilMode: isCeiling
      )
      return [try call.result(call.append(operation, [value]))]
    }
    if let result = try pooled(call, input, window, isCeiling, value) { return [result] }
    var result = value
    for (axis, places) in try places(call, input, window, isCeiling).enumerated() {
      // The largest of as many shifted copies as the window has positions.
      let extent = call.shape(result)[axis + 2]
      var largest: ValueID?
      for tap in 0..<window.kernel[axis] {
        let map = Operation.AxisMap(
          axis: axis + 2, extent: extent, sources: places.map { $0[tap] },
          fill: -.greatestFiniteMagnitude)
        let copy = try call.append(map, [result], "axis \(axis), position \(tap)")
        largest =
          try largest.map {
            try call.append(
              Operation.Elementwise(.maximum), [$0, copy], "axis \(axis), \(tap) positions")
          } ?? copy
      }
      result = largest ?? result
    }
    return [try call.result(result)]
  }

  /// With gaps that divide the strides, windows see only every so many positions: of these alone they have no gaps.
  private static func pooled(
    _ call: ONNXCall, _ input: ONNXOperand, _ window: Window, _ isCeiling: Bool, _ value: ValueID
  ) throws -> ONNXOperand? {
    let axes = window.kernel.indices
    guard input.rank <= 4, !isCeiling,
      axes.allSatisfy({ window.strides[$0] % window.dilations[$0] == 0 })
    else { return nil }
    var result = value
    for axis in axes {
      let (dilation, extent) = (window.dilations[axis], input.shape[axis + 2])
      let padded = extent + window.sides[axis].before + window.sides[axis].after
      let count = (padded - 1) / dilation + 1
      guard count <= ONNXOperand.foldedCount, count >= window.kernel[axis] else { return nil }
      let sources = (0..<count).map { index -> Int in
        let place = index * dilation - window.sides[axis].before
        return 0..<extent ~= place ? place : -1
      }
      guard sources != Array(0..<extent) else { continue }
      let map = Operation.AxisMap(
        axis: axis + 2, extent: extent, sources: sources, fill: -.greatestFiniteMagnitude)
      result = try call.append(map, [result], "axis \(axis)")
    }
    let pooling = Operation.MaxPooling(
      window: window.kernel, strides: axes.map { window.strides[$0] / window.dilations[$0] })
    return try call.result(call.append(pooling, [result]))
  }

  /// For each axis and window, the positions of the input under it, -1 for padding.
  private static func places(
    _ call: ONNXCall, _ input: ONNXOperand, _ window: Window, _ isCeiling: Bool
  ) throws -> [[[Int]]] {
    let sliding = SlidingWindow(
      kernel: window.kernel, strides: window.strides, dilations: window.dilations)
    let extents = Array(input.shape.dropFirst(2))
    try requireVisitable(sliding, window.sides)
    let counts = try sliding.outputExtents(
      input: extents, padding: .explicit(window.sides), ceilMode: isCeiling)
    guard
      extents.indices.allSatisfy({
        saturatingProduct([counts[$0], window.kernel[$0]]) <= ONNXOperand.foldedCount
      })
    else { throw call.problem("windows of \(window.kernel) over \(extents) are too many") }
    return extents.indices.map { axis in
      (0..<counts[axis]).map { position in
        (0..<window.kernel[axis]).map { tap in
          let place =
            position * window.strides[axis] - window.sides[axis].before
            + tap * window.dilations[axis]
          return 0..<extents[axis] ~= place ? place : -1
        }
      }
    }
  }

  private static func averagePool(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (input, window, isCeiling) = try window(call)
    let counts = try call.flag("count_include_pad")
    let value = try call.value(input)
    if isNative(input, window) {
      let operation = Operation.AveragePooling(
        window: window.kernel, strides: window.strides, padding: window.padding,
        ceilMode: isCeiling, countIncludesPadding: counts)
      return [try call.result(call.append(operation, [value]))]
    }
    return [
      try call.result(
        sums(call, input, window, isCeiling, of: value) { axis, position, taps in
          guard counts else { return 1 / Float(max(1, taps.count { $0 >= 0 })) }
          // Of the padded input, which the last window may reach beyond.
          let end = input.shape[axis + 2] + window.sides[axis].after
          let start = position * window.strides[axis] - window.sides[axis].before
          let inside = taps.indices.count { start + $0 * window.dilations[axis] < end }
          return 1 / Float(max(1, inside))
        })
    ]
  }

  /// Weighted sums under windows, one axis after the other.
  private static func sums(
    _ call: ONNXCall, _ input: ONNXOperand, _ window: Window, _ isCeiling: Bool, of value: ValueID,
    weight: (_ axis: Int, _ position: Int, _ taps: [Int]) -> Float
  ) throws -> ValueID {
    var result = value
    for (axis, places) in try places(call, input, window, isCeiling).enumerated() {
      let weights = places.enumerated().flatMap { position, taps in
        [Float](repeating: weight(axis, position, taps), count: taps.count)
      }
      let map = Operation.AxisMap(
        axis: axis + 2, extent: call.shape(result)[axis + 2], sources: places.flatMap(\.self),
        weights: weights, termCount: window.kernel[axis])
      result = try call.append(map, [result], "axis \(axis)")
    }
    return result
  }

  /// The root of the sum of powers: (sum of |x|^p)^(1/p).
  private static func powerPool(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (input, window, isCeiling) = try window(call)
    let exponent = try power(call)
    let terms = try raised(call.value(input), exponent, call)
    let sums = try sums(call, input, window, isCeiling, of: terms) { _, _, _ in 1 }
    return [try call.result(root(sums, exponent, call))]
  }

  private static func globalPowerPool(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    guard input.rank >= 3 else { throw call.problem("its input has the shape \(input.shape)") }
    let exponent = try power(call)
    let terms = try raised(call.value(input), exponent, call)
    let sum = try call.append(
      Operation.Reduction(.sum, axes: Array(2..<input.rank)), [terms], "sum")
    return [try call.result(root(sum, exponent, call))]
  }

  private static func power(_ call: ONNXCall) throws -> Int {
    let exponent = try call.integer("p", or: 2)
    guard 1...64 ~= exponent else { throw call.problem("p is \(exponent)") }
    return exponent
  }

  /// |x|^p
  static func raised(_ value: ValueID, _ exponent: Int, _ call: ONNXCall) throws -> ValueID {
    if exponent == 2 { return try call.apply(.multiply, value, value, part: "squares") }
    let size = try call.apply(.absolute, value, part: "sizes")
    guard exponent != 1 else { return size }
    return try call.apply(.power, size, call.number(Float(exponent), like: value), part: "powers")
  }

  static func root(_ value: ValueID, _ exponent: Int, _ call: ONNXCall) throws -> ValueID {
    switch exponent {
    case 1: value
    case 2: try call.append(Operation.Elementwise(.squareRoot), [value])
    default:
      try call.append(
        Operation.Elementwise(.power),
        [value, call.number(1 / Float(exponent), like: value)])
    }
  }

  private static func global(
    _ call: ONNXCall, _ kind: Operation.Reduction.Kind
  ) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let value = try call.value(input)
    guard input.rank > 2 else { return [call.same(input)] }
    guard input.rank <= 4 else {
      return [
        try call.result(
          call.append(Operation.Reduction(kind, axes: Array(2..<input.rank)), [value]))
      ]
    }
    let operation = Operation.GlobalPooling(kind: kind == .mean ? .average : .max)
    return [try call.result(call.append(operation, [value]))]
  }
}
