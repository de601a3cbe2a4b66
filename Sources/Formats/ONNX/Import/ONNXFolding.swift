import ConvNetGraphs
import ConvNetTensors

/// Computes nodes whose inputs are known while the file is read: the arithmetic of sizes and indices, which decides on shapes.
enum ONNXFolding {
  /// The results of a node, or `nil` where it is left to the network.
  static func results(of call: ONNXCall) throws -> [ONNXOperand]? {
    if let results = try ofNothing(call) { return results }
    switch call.node.kind {
    case "Constant", "Shape", "Size", "ConstantOfShape", "Range": break
    default:
      // What a run gives anew is computed by the run, but for whole numbers, which decide on shapes: of `int64`, and one alone.
      guard !call.inputs.isEmpty,
        call.operands.allSatisfy({
          $0.constant != nil && $0.count <= ONNXOperand.foldedCount
            && (!$0.isInput || $0.type == .int64 || $0.type.isInteger && $0.count == 1)
        })
      else { return nil }
    }
    guard let evaluate = table[call.node.kind] else { return nil }
    return try evaluate(call).map { [$0] }
  }

  private typealias Evaluation = @Sendable (ONNXCall) throws -> ONNXOperand?

  private static let table: [String: Evaluation] = [
    "Constant": constant, "Shape": shape, "Size": size, "ConstantOfShape": constantOfShape,
    "Range": range, "Cast": cast, "Gather": gather, "Concat": concatenate, "Slice": slice,
    "Squeeze": { try reshape($0, ONNXOperators.squeezedShape) },
    "Unsqueeze": { try reshape($0, ONNXOperators.unsqueezedShape) },
    "Reshape": { try reshape($0, ONNXOperators.reshapedShape) },
    "Flatten": { try reshape($0, ONNXOperators.flattenedShape) },
    "Identity": identity, "Transpose": transpose, "Expand": expand,
    "Add": { try binary($0, { $0 &+ $1 }, +) }, "Sub": { try binary($0, { $0 &- $1 }, -) },
    "Mul": { try binary($0, { $0 &* $1 }, *) },
    "Div": { try binary($0, { $1 == 0 || ($0 == .min && $1 == -1) ? 0 : $0 / $1 }, /) },
    "Mod": modulo,
    "Min": { try binary($0, min, { Swift.min($0, $1) }) },
    "Max": { try binary($0, max, { Swift.max($0, $1) }) },
    "Equal": { try compare($0, ==, ==) }, "Less": { try compare($0, <, <) },
    "Greater": { try compare($0, >, >) }, "LessOrEqual": { try compare($0, <=, <=) },
    "GreaterOrEqual": { try compare($0, >=, >=) },
    "And": { try compare($0, { $0 != 0 && $1 != 0 }, { $0 != 0 && $1 != 0 }) },
    "Or": { try compare($0, { $0 != 0 || $1 != 0 }, { $0 != 0 || $1 != 0 }) },
    "Not": { try unary($0, { $0 == 0 ? 1 : 0 }, { $0 == 0 ? 1 : 0 }) },
    "Neg": { try unary($0, { 0 &- $0 }, -) },
    "Abs": { try unary($0, { Int(clamping: abs(Double($0))) }, abs) },
    "Floor": { try unary($0, { $0 }, { $0.rounded(.down) }) },
    "Ceil": { try unary($0, { $0 }, { $0.rounded(.up) }) },
    "Round": { try unary($0, { $0 }, { $0.rounded(.toNearestOrEven) }) },
    "Sqrt": { try unary($0, { Int(clamping: Double($0).squareRoot()) }, { $0.squareRoot() }) },
    "Clip": clip, "Where": select, "ReduceProd": product, "DequantizeLinear": dequantize,
  ]

  private static func identity(_ call: ONNXCall) throws -> ONNXOperand? {
    var result = try call.operand(0)
    (result.value, result.isInput) = (nil, false)
    return result
  }

  // MARK: Constants

  private static func constant(_ call: ONNXCall) throws -> ONNXOperand? {
    let name = call.node.outputs.first ?? ""
    guard let attribute = call.node.attributes.first(where: { $0.name.hasPrefix("value") }) else {
      throw call.problem("it has no value")
    }
    switch attribute.value {
    case .tensor(let tensor):
      return .constant(
        try call.importer.file.tensor(tensor), type: tensor.type, name: name)
    case .float(let value):
      return .constant([Double(value)], shape: [], type: .float32, name: name)
    case .floats(let values):
      return .constant(values.map(Double.init), shape: [values.count], type: .float32, name: name)
    case .integer(let value): return .constant([value], shape: [], name: name)
    case .integers(let values): return .constant(values, shape: [values.count], name: name)
    default: throw call.problem("\(attribute.name) is of a kind that is not read")
    }
  }

  private static func shape(_ call: ONNXCall) throws -> ONNXOperand? {
    let shape = try call.operand(0).shape
    func bound(_ number: Int) -> Int {
      max(0, min(shape.count, number < 0 ? number + shape.count : number))
    }
    let start = bound(try call.integer("start", or: 0))
    let end = bound(try call.integer("end", or: shape.count))
    let part = start < end ? Array(shape[start..<end]) : []
    return .constant(part, shape: [part.count], name: call.node.outputs.first ?? "")
  }

  private static func size(_ call: ONNXCall) throws -> ONNXOperand? {
    .constant([try call.operand(0).count], shape: [], name: call.node.outputs.first ?? "")
  }

  private static func constantOfShape(_ call: ONNXCall) throws -> ONNXOperand? {
    let shape = try call.constantIntegers(0, "extents") ?? []
    // Many numbers are made by the network, whatever memory they take.
    guard Shape(checking: shape).map({ $0.count <= 1 << 16 }) ?? true else {
      return nil
    }
    let count = try folded(shape, call)
    guard case .tensor(let tensor) = call.node["value"]?.value else {
      return .constant(
        [Double](repeating: 0, count: count), shape: shape, type: .float32, name: "")
    }
    let value = ONNXOperand.constant(
      try call.importer.file.tensor(tensor), type: tensor.type, name: "")
    if let integer = value.integers?.first {
      return .constant(
        [Int](repeating: integer, count: count), shape: shape, type: value.type, name: "")
    }
    guard let number = value.numbers?.first else { throw call.problem("its value is empty") }
    return .constant(
      [Double](repeating: number, count: count), shape: shape, type: value.type, name: "")
  }

  private static func range(_ call: ONNXCall) throws -> ONNXOperand? {
    let operands = call.operands
    guard operands.count == 3, let start = operands[0].number, let limit = operands[1].number,
      let step = operands[2].number, step != 0
    else { throw call.problem("its bounds depend on what the network is given") }
    let count = max(0, ((limit - start) / step).rounded(.up))
    guard count <= Double(ONNXOperand.foldedCount) else {
      throw call.problem("it makes \(count) numbers")
    }
    let type = operands[0].type
    return .constant(
      (0..<Int(count)).map { start + Double($0) * step }, shape: [Int(count)], type: type, name: "")
  }

  /// The elements of a shape, where they are not too many to be computed here.
  private static func folded(_ shape: [Int], _ call: ONNXCall) throws -> Int {
    guard let checked = Shape(checking: shape), checked.count <= ONNXOperand.foldedCount else {
      throw call.problem("it makes a constant of shape \(shape)")
    }
    return checked.count
  }

  // MARK: Elements in another order

  /// A constant whose elements are those of another at these places.
  private static func taken(
    _ operand: ONNXOperand, _ places: [Int], shape: [Int]
  ) -> ONNXOperand? {
    if let integers = operand.integers {
      return .constant(
        places.map { integers[$0] }, shape: shape, type: operand.type, name: operand.name)
    }
    guard let numbers = operand.numbers else { return nil }
    return .constant(
      places.map { numbers[$0] }, shape: shape, type: operand.type, name: operand.name)
  }

  private static func cast(_ call: ONNXCall) throws -> ONNXOperand? {
    let operand = try call.operand(0)
    guard let type = ONNXElementType(rawValue: try call.integer("to", or: 0)),
      let elementType = type.elementType, SmallFloat(type) == nil
    else { return nil }
    if let integers = operand.integers, !type.isFloatingPoint {
      return .constant(
        integers.map(type.lowestBits), shape: operand.shape, type: type, name: operand.name)
    }
    if type.isFloatingPoint, let constant = operand.constant {
      return .constant(constant.converted(to: elementType), name: operand.name)
    }
    guard let numbers = operand.numbers else { return nil }
    guard type != .bool else {
      return .constant(
        numbers.map { $0 == 0 ? 0 : 1 }, shape: operand.shape, type: type, name: operand.name)
    }
    return .constant(
      numbers.map { type.lowestBits(of: Int(clamping: $0)) }, shape: operand.shape, type: type,
      name: operand.name)
  }

  private static func gather(_ call: ONNXCall) throws -> ONNXOperand? {
    let (data, indices) = (try call.operand(0), try call.operand(1))
    guard let picked = indices.integers else { return nil }
    let axis = try call.axis(call.integer("axis", or: 0), rank: data.rank)
    let extent = data.shape[axis]
    let inner = data.shape[(axis + 1)...].reduce(1, *)
    let outer = data.shape[..<axis].reduce(1, *)
    let shape = data.shape[..<axis] + indices.shape + data.shape[(axis + 1)...]
    _ = try folded(Array(shape), call)
    let positions = try picked.map { index in
      let position = index < 0 ? index + extent : index
      guard 0..<extent ~= position else { throw call.problem("index \(index) of \(extent)") }
      return position
    }
    let places = (0..<outer).flatMap { outer in
      positions.flatMap { position in
        (0..<inner).map { (outer * extent + position) * inner + $0 }
      }
    }
    return taken(data, places, shape: Array(shape))
  }

  private static func concatenate(_ call: ONNXCall) throws -> ONNXOperand? {
    let operands = call.operands
    guard let first = operands.first, first.rank > 0 else { return nil }
    let axis = try call.axis(call.integer("axis", or: 1), rank: first.rank)
    guard
      operands.allSatisfy({ operand in
        operand.rank == first.rank
          && operand.shape.indices.allSatisfy { $0 == axis || operand.shape[$0] == first.shape[$0] }
      })
    else { throw call.problem("its inputs have the shapes \(operands.map(\.shape))") }
    var shape = first.shape
    shape[axis] = operands.reduce(0) { $0 + $1.shape[axis] }
    _ = try folded(shape, call)
    let outer = first.shape[..<axis].reduce(1, *)
    func joined<Number>(_ parts: [[Number]]) -> [Number] {
      (0..<outer).flatMap { row in
        parts.flatMap { part in
          let count = part.count / max(1, outer)
          return part[row * count..<(row + 1) * count]
        }
      }
    }
    let integers = operands.compactMap(\.integers)
    if integers.count == operands.count {
      return .constant(joined(integers), shape: shape, type: first.type, name: first.name)
    }
    let numbers = operands.compactMap(\.numbers)
    guard numbers.count == operands.count else { return nil }
    return .constant(joined(numbers), shape: shape, type: first.type, name: first.name)
  }

  private static func slice(_ call: ONNXCall) throws -> ONNXOperand? {
    let data = try call.operand(0)
    let ranges = try ONNXOperators.sliceRanges(call, shape: data.shape)
    let strides = Shape(data.shape).rowMajorStrides
    var places = [0]
    for axis in data.shape.indices {
      let positions = ranges[axis].positions
      places = places.flatMap { place in positions.map { place + $0 * strides[axis] } }
    }
    return taken(data, places, shape: ranges.map(\.count))
  }

  private static func transpose(_ call: ONNXCall) throws -> ONNXOperand? {
    let data = try call.operand(0)
    let permutation = try ONNXOperators.permutation(call, rank: data.rank)
    let strides = Shape(data.shape).rowMajorStrides
    var places = [0]
    for axis in permutation {
      places = places.flatMap { place in (0..<data.shape[axis]).map { place + $0 * strides[axis] } }
    }
    return taken(data, places, shape: permutation.map { data.shape[$0] })
  }

  private static func reshape(
    _ call: ONNXCall, _ shape: (ONNXCall) throws -> [Int]
  ) throws -> ONNXOperand? {
    var result = try call.operand(0)
    let shape = try shape(call)
    guard let checked = Shape(checking: shape), checked.count == result.count else {
      throw call.problem("\(result.shape) cannot become \(shape)")
    }
    result.shape = shape
    result.constant = result.constant?.reshaped(to: checked)
    (result.value, result.isInput) = (nil, false)
    return result
  }

  private static func expand(_ call: ONNXCall) throws -> ONNXOperand? {
    let data = try call.operand(0)
    guard let target = try call.constantIntegers(1, "extents") else { return nil }
    guard let shape = broadcast([data.shape, target]) else {
      throw call.problem("\(data.shape) cannot become \(target)")
    }
    _ = try folded(shape, call)
    return taken(data, places(of: data.shape, in: shape), shape: shape)
  }

  // MARK: Arithmetic

  /// The shape that several have together; `nil` where they do not fit.
  static func broadcast(_ shapes: [[Int]]) -> [Int]? {
    let rank = shapes.map(\.count).max() ?? 0
    var result = [Int](repeating: 1, count: rank)
    for shape in shapes {
      for (axis, extent) in zip((rank - shape.count)..., shape) where extent != 1 {
        guard result[axis] == 1 || result[axis] == extent else { return nil }
        result[axis] = extent
      }
    }
    return result
  }

  /// For each element of a larger shape, the place in a smaller one.
  private static func places(of shape: [Int], in whole: [Int]) -> [Int] {
    let own = [Int](repeating: 1, count: whole.count - shape.count) + shape
    let strides = Shape(own).rowMajorStrides
    var places = [0]
    for axis in whole.indices {
      let step = own[axis] == 1 ? 0 : strides[axis]
      places = places.flatMap { place in (0..<whole[axis]).map { place + $0 * step } }
    }
    return places
  }

  private static func combined<Number>(
    _ call: ONNXCall, _ numbers: (ONNXOperand) -> [Number]?, _ function: (Number, Number) -> Number
  ) throws -> (numbers: [Number], shape: [Int])? {
    let operands = call.operands
    guard let first = operands.first, var result = numbers(first) else { return nil }
    var shape = first.shape
    for operand in operands.dropFirst() {
      guard let other = numbers(operand) else { return nil }
      guard let whole = broadcast([shape, operand.shape]) else {
        throw call.problem("the shapes \(shape) and \(operand.shape) do not fit")
      }
      _ = try folded(whole, call)
      result = zip(places(of: shape, in: whole), places(of: operand.shape, in: whole)).map {
        function(result[$0], other[$1])
      }
      shape = whole
    }
    return (result, shape)
  }

  private static func binary(
    _ call: ONNXCall, _ integer: (Int, Int) -> Int, _ number: (Double, Double) -> Double
  ) throws -> ONNXOperand? {
    let first = try call.operand(0)
    if let result = try combined(call, \.integers, integer) {
      return .constant(result.numbers, shape: result.shape, type: first.type, name: first.name)
    }
    return try combined(call, \.numbers, number).map {
      .constant($0.numbers, shape: $0.shape, type: first.type, name: first.name)
    }
  }

  private static func compare(
    _ call: ONNXCall, _ integer: (Int, Int) -> Bool, _ number: (Double, Double) -> Bool
  ) throws -> ONNXOperand? {
    if let result = try combined(call, \.integers, { integer($0, $1) ? 1 : 0 }) {
      return .constant(result.numbers, shape: result.shape, type: .bool, name: "")
    }
    return try combined(call, \.numbers, { number($0, $1) ? 1 : 0 }).map {
      .constant($0.numbers, shape: $0.shape, type: .bool, name: "")
    }
  }

  private static func unary(
    _ call: ONNXCall, _ integer: (Int) -> Int, _ number: (Double) -> Double
  ) throws -> ONNXOperand? {
    let operand = try call.operand(0)
    if let integers = operand.integers {
      return .constant(
        integers.map(integer), shape: operand.shape, type: operand.type, name: operand.name)
    }
    return operand.numbers.map {
      .constant($0.map(number), shape: operand.shape, type: operand.type, name: operand.name)
    }
  }

  private static func clip(_ call: ONNXCall) throws -> ONNXOperand? {
    var bounds: [Double?] = []
    for (index, attribute) in [(1, "min"), (2, "max")] {
      if call.version < 11 {
        bounds.append(try call.float(attribute).map(Double.init))
      } else if let operand = call.optional(index) {
        guard let number = operand.number else { return nil }
        bounds.append(number)
      } else {
        bounds.append(nil)
      }
    }
    let (lower, upper) = (bounds[0] ?? -.infinity, bounds[1] ?? .infinity)
    return try unary(
      call,
      { value in
        let raised = Double(value) < lower ? Int(clamping: lower) : value
        return Double(raised) > upper ? Int(clamping: upper) : raised
      }, { Swift.min(Swift.max($0, lower), upper) })
  }

  /// With the sign of the divisor, or as C has it with that of what is divided.
  private static func modulo(_ call: ONNXCall) throws -> ONNXOperand? {
    let isTruncating = try call.flag("fmod")
    return try binary(
      call,
      { value, divisor in
        guard divisor != 0, divisor != -1 else { return 0 }
        let rest = value % divisor
        return isTruncating || rest == 0 || (rest < 0) == (divisor < 0) ? rest : rest + divisor
      },
      { value, divisor in
        let rest = value.truncatingRemainder(dividingBy: divisor)
        return isTruncating || rest == 0 || (rest < 0) == (divisor < 0) ? rest : rest + divisor
      })
  }

  private static func select(_ call: ONNXCall) throws -> ONNXOperand? {
    let operands = call.operands
    guard operands.count == 3, let conditions = operands[0].integers else { return nil }
    guard let shape = broadcast(operands.map(\.shape)) else {
      throw call.problem("the shapes \(operands.map(\.shape)) do not fit")
    }
    _ = try folded(shape, call)
    let places = operands.map { Self.places(of: $0.shape, in: shape) }
    func chosen<Number>(_ first: [Number], _ second: [Number]) -> [Number] {
      places[0].indices.map { index in
        conditions[places[0][index]] != 0 ? first[places[1][index]] : second[places[2][index]]
      }
    }
    let type = operands[1].type
    if let first = operands[1].integers, let second = operands[2].integers {
      return .constant(chosen(first, second), shape: shape, type: type, name: "")
    }
    guard let first = operands[1].numbers, let second = operands[2].numbers else { return nil }
    return .constant(chosen(first, second), shape: shape, type: type, name: "")
  }

  private static func product(_ call: ONNXCall) throws -> ONNXOperand? {
    let operand = try call.operand(0)
    guard let integers = operand.integers, operand.rank <= 1 else { return nil }
    let keeps = try call.flag("keepdims", or: true)
    return .constant(
      [integers.reduce(1, &*)], shape: keeps ? [Int](repeating: 1, count: operand.rank) : [],
      type: operand.type, name: operand.name)
  }

  /// Weights that are stored as small integers become floats when the file is read: x = (q - zero) scale.
  private static func dequantize(_ call: ONNXCall) throws -> ONNXOperand? {
    let (data, scale) = (try call.operand(0), try call.operand(1))
    let zero = call.optional(2)
    guard data.type.isInteger, let steps = try ONNXOperators.steps(call, of: data.shape, scale),
      let scales = scale.numbers
    else { return nil }
    let zeros = zero.map { $0.integers } ?? [Int](repeating: 0, count: scales.count)
    guard let integers = data.integers, let zeros, zeros.count == scales.count else { return nil }
    return .constant(
      zip(integers, steps).map { (Double($0) - Double(zeros[$1])) * scales[$1] }, shape: data.shape,
      type: scale.type, name: data.name)
  }
}
