import ConvNetGraphs
import ConvNetTensors

extension ONNXOperators {
  static let shapes: [String: Reader] = [
    "Reshape": { try reshape($0, reshapedShape) }, "Flatten": { try reshape($0, flattenedShape) },
    "Squeeze": { try reshape($0, squeezedShape) },
    "Unsqueeze": { try reshape($0, unsqueezedShape) },
    "Transpose": transpose, "Concat": concatenate, "Split": split, "Expand": expand, "Tile": tile,
    "Identity": { [$0.same(try $0.operand(0))] }, "Cast": cast, "CastLike": castLike,
    "DepthToSpace": depthToSpace, "SpaceToDepth": spaceToDepth,
  ]

  // MARK: Other shapes of the same elements

  static func reshapedShape(_ call: ONNXCall) throws -> [Int] {
    let input = try call.operand(0)
    guard let wanted = try call.constantIntegers(1, "extents") ?? call.integers("shape") else {
      throw call.problem("no shape is given")
    }
    guard wanted.count <= rankLimit else { throw call.problem("the shape is \(wanted)") }
    let keepsZero = try call.flag("allowzero")
    var shape: [Int] = []
    for (axis, extent) in wanted.enumerated() {
      if extent == 0, !keepsZero {
        guard axis < input.rank else { throw call.problem("the shape is \(wanted)") }
        shape.append(input.shape[axis])
      } else {
        shape.append(extent)
      }
    }
    guard shape.count(where: { $0 == -1 }) <= 1, shape.allSatisfy({ $0 >= -1 }) else {
      throw call.problem("the shape is \(wanted)")
    }
    if let open = shape.firstIndex(of: -1) {
      let known = saturatingProduct(shape.filter { $0 != -1 })
      guard known > 0, input.count % known == 0 else {
        throw call.problem("\(input.shape) cannot become \(wanted)")
      }
      shape[open] = input.count / known
    }
    guard saturatingProduct(shape) == input.count else {
      throw call.problem("\(input.shape) cannot become \(wanted)")
    }
    return shape
  }

  static func flattenedShape(_ call: ONNXCall) throws -> [Int] {
    let input = try call.operand(0)
    let given = try call.integer("axis", or: 1)
    let axis = given == input.rank ? given : try call.axis(given, rank: max(1, input.rank))
    return [input.shape.prefix(axis).reduce(1, *), input.shape.dropFirst(axis).reduce(1, *)]
  }

  static func squeezedShape(_ call: ONNXCall) throws -> [Int] {
    let input = try call.operand(0)
    guard let given = try call.constantIntegers(1, "axes") ?? call.integers("axes") else {
      return input.shape.filter { $0 != 1 }
    }
    let axes = try call.axes(given, rank: input.rank)
    guard axes.allSatisfy({ input.shape[$0] == 1 }) else {
      throw call.problem("axes \(given) of \(input.shape) are not all 1")
    }
    return input.shape.indices.filter { !axes.contains($0) }.map { input.shape[$0] }
  }

  static func unsqueezedShape(_ call: ONNXCall) throws -> [Int] {
    let input = try call.operand(0)
    guard let given = try call.constantIntegers(1, "axes") ?? call.integers("axes"),
      given.count <= rankLimit
    else { throw call.problem("no axes are given") }
    var shape = input.shape
    for axis in try call.axes(given, rank: input.rank + given.count) { shape.insert(1, at: axis) }
    return shape
  }

  private static func reshape(
    _ call: ONNXCall, _ shape: (ONNXCall) throws -> [Int]
  ) throws -> [ONNXOperand] {
    var input = try call.operand(0)
    let shape = try shape(call)
    // A constant stays one, whatever its shape.
    if input.value == nil, !input.isInput, let constant = input.constant,
      let checked = Shape(checking: shape)
    {
      input.constant = constant.reshaped(to: checked)
      input.shape = shape
      return [input]
    }
    let value = try call.reshaped(call.value(input), to: shape, "result")
    return [try call.result(value, shape: shape)]
  }

  // MARK: Other orders

  static func permutation(_ call: ONNXCall, rank: Int) throws -> [Int] {
    let permutation = try call.integers("perm") ?? Array((0..<rank).reversed())
    guard permutation.sorted() == Array(0..<rank) else {
      throw call.problem("perm is \(permutation), of \(rank) dimensions")
    }
    return permutation
  }

  private static func transpose(_ call: ONNXCall) throws -> [ONNXOperand] {
    var input = try call.operand(0)
    let permutation = try permutation(call, rank: input.rank)
    if input.value == nil, !input.isInput, input.rank == 2, permutation == [1, 0],
      let constant = input.constant
    {
      let matrix = try transposed(call.importer.floats(constant))
      input.constant = matrix
      input.shape = matrix.shape.dimensions
      return [input]
    }
    let value = try call.value(input)
    guard input.rank > 0 else { return [call.same(input)] }
    return [try call.result(call.transposed(value, permutation, "result"))]
  }

  private static func concatenate(_ call: ONNXCall) throws -> [ONNXOperand] {
    let operands = call.operands
    guard let first = operands.first else { throw call.problem("it has no inputs") }
    let axis = try call.axis(call.integer("axis", or: 1), rank: first.rank)
    let values = try operands.filter { $0.count > 0 }.map { try call.value($0) }
    guard !values.isEmpty else { throw call.problem("all its inputs are empty") }
    return [try call.result(call.append(Operation.Concatenate(axis: axis), values))]
  }

  private static func split(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    let axis = try call.axis(call.integer("axis", or: 0), rank: input.rank)
    let extent = input.shape[axis]
    let count = call.node.outputs.count
    var parts = try call.constantIntegers(1, "extents") ?? call.integers("split") ?? []
    if parts.isEmpty {
      let parted = try call.integer("num_outputs", or: count)
      guard parted > 0, parted == count else {
        throw call.problem("\(parted) parts, \(count) outputs")
      }
      let size = (extent + parted - 1) / parted
      parts = (0..<parted).map { max(0, min(size, extent - $0 * size)) }
    }
    guard parts.count == count, parts.allSatisfy({ 0...extent ~= $0 }),
      parts.reduce(0, +) == extent
    else { throw call.problem("\(extent) positions in parts of \(parts)") }
    var start = 0
    return try parts.enumerated().map { index, part in
      defer { start += part }
      guard part > 0 else {
        var shape = input.shape
        shape[axis] = 0
        return .constant([Double](), shape: shape, type: input.type, name: "")
      }
      let value = try call.value(input)
      return try call.result(
        call.append(
          Operation.Slice(axis: axis, start: start, count: part), [value], "part \(index)"))
    }
  }

  // MARK: Repetition

  private static func expand(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    guard let wanted = try call.constantIntegers(1, "extents"),
      let shape = ONNXFolding.broadcast([input.shape, wanted]), shape.count <= rankLimit
    else { throw call.problem("it cannot be expanded") }
    var value = try call.aligned(input, rank: max(1, shape.count))
    for axis in shape.indices where shape[axis] != call.shape(value)[axis] {
      guard 1...ONNXOperand.foldedCount ~= shape[axis] else { throw call.problem("to \(shape)") }
      value = try call.append(
        Operation.AxisMap(
          axis: axis, extent: 1, sources: [Int](repeating: 0, count: shape[axis])), [value],
        "axis \(axis)")
    }
    return [try call.result(value, shape: shape)]
  }

  private static func tile(_ call: ONNXCall) throws -> [ONNXOperand] {
    let input = try call.operand(0)
    guard let repeats = try call.constantIntegers(1, "repeats"), repeats.count == input.rank,
      repeats.allSatisfy({ 1...extentLimit ~= $0 })
    else { throw call.problem("it needs a number of repeats, 1 or more, for each axis") }
    var value = try call.value(input)
    for (axis, count) in repeats.enumerated() where count != 1 {
      let extent = input.shape[axis]
      guard saturatingProduct([extent, count]) <= ONNXOperand.foldedCount else {
        throw call.problem("repeats are \(repeats)")
      }
      value = try call.append(
        Operation.AxisMap(
          axis: axis, extent: extent, sources: (0..<extent * count).map { $0 % extent }), [value],
        "axis \(axis)")
    }
    return [try call.result(value, shape: zip(input.shape, repeats).map(*))]
  }

  // MARK: Types

  private static func cast(_ call: ONNXCall) throws -> [ONNXOperand] {
    guard let type = ONNXElementType(rawValue: try call.integer("to", or: 0)) else {
      throw call.problem("it does not say to which type")
    }
    return [try cast(call, try call.operand(0), to: type)]
  }

  private static func castLike(_ call: ONNXCall) throws -> [ONNXOperand] {
    [try cast(call, call.operand(0), to: call.operand(1).type)]
  }

  /// Numbers stay floats here; what a type cannot hold is taken from them, but what is beyond 16 bits of a fraction, which is
  /// rounded where it comes out.
  private static func cast(
    _ call: ONNXCall, _ input: ONNXOperand, to type: ONNXElementType
  ) throws -> ONNXOperand {
    guard type.elementType != nil else { throw call.problem("\(type) is not read") }
    if type != input.type, let format = SmallFloat(type) {
      let isPower = format.specials == .exponentAlone
      let mode = isPower ? try call.text("round_mode", or: "up") : "nearest"
      let result = try rounded(
        call.value(input), to: format, saturates: call.flag("saturate", or: true), mode: mode, call)
      return try call.result(result, type: type, shape: input.shape)
    }
    let isSame =
      type == input.type
      || (type.isFloatingPoint
        && (input.type.isFloatingPoint || input.type.isInteger || input.type == .bool))
    if isSame || (type.isInteger && input.type == .bool) {
      if input.isInput || input.value != nil {
        var result = try call.result(call.value(input), type: type, shape: input.shape)
        // Whole numbers decide on shapes, of whatever type they are.
        if input.type.isInteger, type.isInteger { result.constant = input.constant }
        result.isInput = false
        return result
      }
      return call.same(input, type: type)
    }
    let value = try call.value(input)
    if type == .bool {
      let isZero = try call.apply(.isZero, value, part: "zero")
      return try call.result(
        call.apply(.isZero, isZero, part: "result"), type: type, shape: input.shape)
    }
    var whole =
      input.type.isInteger ? value : try call.apply(.truncate, value, part: "whole number")
    // Of whole numbers the lowest bits are kept.
    if let range = type.shortRange, input.type.shortRange.map(range.contains) != true {
      let size = range.upperBound - range.lowerBound + 1
      let places = try call.apply(
        .modulo, call.plus(whole, -range.lowerBound, "from the smallest"),
        call.number(size, like: whole), part: "lowest bits")
      whole = try call.plus(places, range.lowerBound, "result")
    }
    return try call.result(whole, type: type, shape: input.shape)
  }

  // MARK: Channels and positions

  private static func blocks(_ call: ONNXCall) throws -> (ONNXOperand, Int) {
    let input = try call.operand(0)
    let size = try call.integer("blocksize", or: 0)
    guard input.rank == 4, 1...windowLimit ~= size else {
      throw call.problem("blocks of \(size) in \(input.shape)")
    }
    return (input, size)
  }

  private static func depthToSpace(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (input, size) = try blocks(call)
    let (n, c, h, w) = (input.shape[0], input.shape[1], input.shape[2], input.shape[3])
    guard c % (size * size) == 0 else { throw call.problem("blocks of \(size) in \(c) channels") }
    let depth = c / (size * size)
    let isColumnFirst = try call.text("mode", or: "DCR") == "CRD"
    let parts = isColumnFirst ? [n, depth, size, size, h, w] : [n, size, size, depth, h, w]
    let order = isColumnFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]
    let split = try call.reshaped(call.value(input), to: parts, "blocks")
    let value = try call.reshaped(
      call.transposed(split, order, "positions"), to: [n, depth, h * size, w * size], "result")
    return [try call.result(value)]
  }

  private static func spaceToDepth(_ call: ONNXCall) throws -> [ONNXOperand] {
    let (input, size) = try blocks(call)
    let (n, c, h, w) = (input.shape[0], input.shape[1], input.shape[2], input.shape[3])
    let isColumnFirst = try call.text("mode", or: "DCR") == "CRD"
    guard h % size == 0, w % size == 0 else { throw call.problem("blocks of \(size) in \(h)x\(w)") }
    let split = try call.reshaped(
      call.value(input), to: [n, c, h / size, size, w / size, size], "blocks")
    let value = try call.reshaped(
      call.transposed(
        split, isColumnFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4], "channels"),
      to: [n, c * size * size, h / size, w / size], "result")
    return [try call.result(value)]
  }
}
