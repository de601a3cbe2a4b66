import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  static let indexing: [String: Reader] = [
    "Gather": gather, "Slice": slice, "Pad": pad, "ConstantOfShape": constantOfShape,
  ]

  /// One number many times.
  private static func constantOfShape(_ call: ONNXCall) throws -> [ONNXOperand] {
    guard let extents = try call.constantIntegers(0, "extents"),
      let shape = Shape(checking: extents)
    else { throw call.problem("its extents are not known") }
    var number = 0.0
    var type = ONNXElementType.float32
    if case .tensor(let tensor) = call.node["value"]?.value {
      let value = ONNXOperand.constant(
        try call.importer.file.tensor(tensor), type: tensor.type, name: "")
      number = value.numbers?.first ?? 0
      type = value.type
    }
    let value = try call.append(Operation.Constant(Float(number), shape: shape), [])
    return [try call.result(value, type: type)]
  }

  /// Some positions of an axis.
  struct Steps {
    var start: Int
    var step: Int
    var count: Int

    var positions: [Int] { (0..<count).map { start + $0 * step } }
  }

  /// The positions of each axis that a slice takes, in their order.
  static func sliceRanges(_ call: ONNXCall, shape: [Int]) throws -> [Steps] {
    let starts: [Int]?
    let ends: [Int]?
    var axes: [Int]?
    var steps: [Int]?
    if call.version < 10 {
      (starts, ends, axes) = (
        try call.integers("starts"), try call.integers("ends"), try call.integers("axes")
      )
    } else {
      starts = try call.constantIntegers(1, "starts")
      ends = try call.constantIntegers(2, "ends")
      axes = try call.constantIntegers(3, "axes")
      steps = try call.constantIntegers(4, "steps")
    }
    guard let starts, let ends, starts.count == ends.count else {
      throw call.problem("it needs as many starts as ends")
    }
    let given = axes ?? Array(starts.indices)
    let stepsOfAxes = steps ?? starts.map { _ in 1 }
    guard given.count == starts.count, stepsOfAxes.count == starts.count else {
      throw call.problem("it needs as many axes and steps as starts")
    }
    var ranges = shape.map { Steps(start: 0, step: 1, count: $0) }
    for (index, axis) in given.enumerated() {
      let axis = try call.axis(axis, rank: shape.count)
      let (extent, step) = (shape[axis], stepsOfAxes[index])
      guard step != 0, step != .min else { throw call.problem("a step is \(step)") }
      func bound(_ position: Int, _ allowed: ClosedRange<Int>) -> Int {
        let counted = position < 0 ? position + extent : position
        return min(max(counted, allowed.lowerBound), allowed.upperBound)
      }
      if step > 0 {
        let (start, end) = (bound(starts[index], 0...extent), bound(ends[index], 0...extent))
        let limited = min(step, extent + 1)
        ranges[axis] = Steps(
          start: start, step: limited, count: max(0, end - start + limited - 1) / limited)
      } else {
        let last = extent - 1
        guard last >= 0 else { continue }
        let start = bound(starts[index], 0...last)
        let end = bound(ends[index], -1...last)
        let limited = -max(step, -extent - 1)
        ranges[axis] = Steps(
          start: start, step: -limited, count: max(0, start - end + limited - 1) / limited)
      }
    }
    return ranges
  }

  private static func slice(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let ranges = try sliceRanges(call, shape: input.shape)
    guard ranges.allSatisfy({ $0.count > 0 }) else {
      return [.constant([Double](), shape: ranges.map(\.count), type: input.type, name: "")]
    }
    var value = try call.value(input)
    for (axis, steps) in ranges.enumerated()
    where steps.count != input.shape[axis] || steps.start != 0 {
      if steps.step == 1 || steps.count == 1 {
        value = try call.append(
          Operation.Slice(axis: axis, start: steps.start, count: steps.count), [value],
          "axis \(axis)")
      } else {
        guard steps.count <= ONNXOperand.foldedCount else {
          throw call.problem("it takes \(steps.count) positions one by one")
        }
        value = try taken(value, steps.positions, axis: axis, call)
      }
    }
    return [try call.result(value, shape: ranges.map(\.count))]
  }

  /// Positions of an axis: neighbours by a slice, others by a map.
  private static func taken(
    _ value: ValueID, _ positions: [Int], axis: Int, _ call: ONNXCall
  ) throws -> ValueID {
    let part = "axis \(axis)"
    if zip(positions, positions.dropFirst()).allSatisfy({ $1 == $0 + 1 }),
      let first = positions.first
    {
      return try call.append(
        Operation.Slice(axis: axis, start: first, count: positions.count), [value], part)
    }
    return try call.append(
      Operation.AxisMap(axis: axis, extent: call.shape(value)[axis], sources: positions), [value],
      part)
  }

  private static func gather(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (input, indices) = (try call.operand(0), try call.operand(1))
    let axis = try call.axis(call.integer("axis", or: 0), rank: input.rank)
    guard let given = try call.constantIntegers(1, "indices"), !given.isEmpty else {
      throw call.problem("it takes nothing")
    }
    let extent = input.shape[axis]
    let positions = try given.map { index in
      let position = index < 0 ? index + extent : index
      guard 0..<extent ~= position else { throw call.problem("index \(index) of \(extent)") }
      return position
    }
    // PyTorch writes a view as all elements made flat and taken in their order. How many there are depends on the batch, that
    // they keep their order does not.
    if input.rank == 1, positions.elementsEqual(0..<extent),
      let flat = call.importer.producer(of: try call.value(input)),
      flat.attributes is Operation.Regroup
    {
      let value = try call.reshaped(flat.inputs[0], to: indices.shape, "result")
      return [try call.result(value, shape: indices.shape)]
    }
    let value = try taken(call.value(input), positions, axis: axis, call)
    let shape = Array(input.shape[..<axis] + indices.shape + input.shape[(axis + 1)...])
    return [try call.result(call.reshaped(value, to: shape, "result"), shape: shape)]
  }

  // MARK: Borders

  private static func pad(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let mode = try call.text("mode", or: "constant")
    let pads: [Int]?
    var number = 0.0
    if call.version < 11 {
      pads = try call.integers("pads")
      number = Double(try call.float("value", or: 0))
    } else {
      pads = try call.constantIntegers(1, "pads")
      if call.optional(2) != nil {
        guard let given = try call.constantNumbers(2, "border"), given.count == 1 else {
          throw call.problem("its border is no number")
        }
        number = given[0]
      }
    }
    let axes: [Int]
    if let given = try call.constantIntegers(3, "axes") {
      // Not in order: the pads are in theirs.
      axes = try given.map { try call.axis($0, rank: input.rank) }
    } else {
      axes = Array(0..<input.rank)
    }
    guard let pads, pads.count == 2 * axes.count, Set(axes).count == axes.count,
      pads.allSatisfy({ -extentLimit...windowLimit ~= $0 })
    else { throw call.problem("pads are \(pads ?? [])") }
    var sides = [Padding.Sides](repeating: .init(before: 0, after: 0), count: input.rank)
    for (index, axis) in axes.enumerated() {
      sides[axis] = .init(before: pads[index], after: pads[axes.count + index])
    }
    let value = try call.value(input)
    if let operation = border(input, sides, mode: mode, number: number) {
      return [try call.result(call.append(operation, [value]))]
    }
    guard Float(number).isInfinite, mode == "constant" else {
      return [try call.result(mapped(value, sides, mode: mode, number: Float(number), call))]
    }
    // Tables hold finite numbers: what is not of the input is told by a second border.
    let inside = try mapped(value, sides, mode: mode, number: 0, call)
    let zeros = try call.apply(.less, value, value, part: "zeros")
    let isBorder = try mapped(zeros, sides, mode: mode, number: 1, call)
    let ones = Shape([Int](repeating: 1, count: call.shape(value).rank))
    let border = call.importer.parameter(
      Tensor([Float(number)], shape: ones), name: "\(call.node.label.prefix(200))/border",
      as: .constant)
    return [
      try call.result(call.append(Operation.Elementwise(.select), [isBorder, border, inside]))
    ]
  }

  /// By the operation of ours, where the border is one that it has.
  private static func border(
    _ input: ONNXOperand, _ sides: [Padding.Sides], mode: String, number: Double
  ) -> Operation.Pad? {
    guard 3...4 ~= input.rank, sides.allSatisfy({ $0.before >= 0 && $0.after >= 0 }),
      sides[0] == .init(before: 0, after: 0)
    else { return nil }
    let spatial = Array(sides.dropFirst(2))
    switch mode {
    case "constant" where number == 0:
      return Operation.Pad(sides: spatial, mode: .zero, channels: sides[1])
    case "edge" where sides[1] == sides[0]: return Operation.Pad(sides: spatial, mode: .edge)
    case "reflect"
    where sides[1] == sides[0]
      && zip(spatial, input.shape.dropFirst(2)).allSatisfy({ max($0.before, $0.after) < $1 }):
      return Operation.Pad(sides: spatial, mode: .reflect)
    default: return nil
    }
  }

  private static func mapped(
    _ value: ValueID, _ sides: [Padding.Sides], mode: String, number: Float, _ call: ONNXCall
  ) throws -> ValueID {
    guard ["constant", "edge", "reflect", "wrap"].contains(mode), number.isFinite else {
      throw call.problem("mode is \(mode), the border \(number)")
    }
    var value = value
    for (axis, side) in sides.enumerated() where side != .init(before: 0, after: 0) {
      let extent = call.shape(value)[axis]
      let end = extent + side.after
      guard -side.before < end, end + side.before <= ONNXOperand.foldedCount else {
        throw call.problem("it makes \(end + side.before) positions of axis \(axis)")
      }
      let sources = (-side.before..<end).map { position -> Int in
        switch mode {
        case "constant": return 0..<extent ~= position ? position : -1
        case "edge": return min(max(position, 0), extent - 1)
        case "wrap": return (position % extent + extent) % extent
        default:
          // Mirrored at the outermost elements, again and again.
          let period = max(1, 2 * (extent - 1))
          let place = (position % period + period) % period
          return place < extent ? place : period - place
        }
      }
      value = try call.append(
        Operation.AxisMap(axis: axis, extent: extent, sources: sources, fill: number), [value],
        "axis \(axis)")
    }
    return value
  }
}
