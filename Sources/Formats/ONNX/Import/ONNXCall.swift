import ConvNetGraphs
import ConvNetTensors

/// A node with what it reads: what an operator's reader is given.
struct ONNXCall {
  let node: ONNXNode
  /// `nil` for inputs that are left out.
  let inputs: [ONNXOperand?]
  let importer: ONNXImporter

  var version: Int { importer.version }

  func problem(_ reason: String) -> ONNXError.Problem {
    .node(name: node.label, kind: node.kind, reason: reason)
  }

  // MARK: Inputs

  func optional(_ index: Int) -> ONNXOperand? { index < inputs.count ? inputs[index] : nil }

  func operand(_ index: Int) throws -> ONNXOperand {
    guard let operand = optional(index) else { throw problem("its input \(index) is missing") }
    return operand
  }

  /// All that are given.
  var operands: [ONNXOperand] { inputs.compactMap(\.self) }

  /// Whole numbers of an input that decide on shapes.
  func constantIntegers(_ index: Int, _ name: String) throws -> [Int]? {
    guard let operand = optional(index) else { return nil }
    guard operand.constant != nil else {
      throw problem("its \(name) depend on what the network is given")
    }
    guard let integers = operand.integers else {
      throw problem("its \(name) are \(operand.count) numbers of \(operand.type)")
    }
    return integers
  }

  func constantNumbers(_ index: Int, _ name: String) throws -> [Double]? {
    guard let operand = optional(index) else { return nil }
    guard let numbers = operand.numbers else {
      throw problem("its \(name) depend on what the network is given")
    }
    return numbers
  }

  // MARK: Attributes

  func integer(_ name: String) throws -> Int? {
    switch node[name]?.value {
    case nil: return nil
    case .integer(let value): return value
    default: throw problem("\(name) is no whole number")
    }
  }

  func integer(_ name: String, or usual: Int) throws -> Int { try integer(name) ?? usual }

  /// A whole number that is 0 or not.
  func flag(_ name: String, or usual: Bool = false) throws -> Bool {
    try integer(name).map { $0 != 0 } ?? usual
  }

  func float(_ name: String) throws -> Float? {
    switch node[name]?.value {
    case nil: return nil
    case .float(let value):
      guard value.isFinite else { throw problem("\(name) is \(value)") }
      return value
    default: throw problem("\(name) is no number")
    }
  }

  func float(_ name: String, or usual: Float) throws -> Float { try float(name) ?? usual }

  func text(_ name: String, or usual: String) throws -> String {
    switch node[name]?.value {
    case nil: return usual
    case .text(let value): return value
    default: throw problem("\(name) is no text")
    }
  }

  func integers(_ name: String) throws -> [Int]? {
    switch node[name]?.value {
    case nil: return nil
    case .integers(let values): return values
    case .integer(let value): return [value]
    default: throw problem("\(name) are no whole numbers")
    }
  }

  func floats(_ name: String) throws -> [Float]? {
    switch node[name]?.value {
    case nil: return nil
    case .floats(let values): return values
    case .float(let value): return [value]
    default: throw problem("\(name) are no numbers")
    }
  }

  /// An axis counted from the first, where negative ones count from behind.
  func axis(_ axis: Int, rank: Int, name: String = "axis") throws -> Int {
    let counted = axis < 0 ? axis.addingReportingOverflow(rank).partialValue : axis
    guard 0..<rank ~= counted else {
      throw problem("\(name) is \(axis), of a value of \(rank) dimensions")
    }
    return counted
  }

  func axes(_ axes: [Int], rank: Int) throws -> [Int] {
    let counted = try axes.map { try axis($0, rank: rank, name: "an axis") }
    guard Set(counted).count == counted.count else { throw problem("axes are \(axes)") }
    return counted.sorted()
  }

  // MARK: Building

  /// What the node's operation is called: as the layer whose weights it has, where that shows, else as the node.
  var name: String {
    for input in inputs.dropFirst() {
      if let name = input?.name, name.hasSuffix(".weight") { return String(name.dropLast(7)) }
    }
    return node.label
  }

  func value(_ operand: ONNXOperand, as kind: ParameterKind = .constant) throws -> ValueID {
    try importer.value(of: operand, as: kind)
  }

  func shape(_ value: ValueID) -> Shape { importer.graph[value].shape }

  @discardableResult
  func append(
    _ attributes: some OperationAttributes, _ inputs: [ValueID], _ part: String? = nil
  ) throws -> ValueID {
    try appendAll(attributes, inputs, part)[0]
  }

  func appendAll(
    _ attributes: some OperationAttributes, _ inputs: [ValueID], _ part: String? = nil
  ) throws -> [ValueID] {
    guard importer.graph.operations.count < operationLimit else {
      throw ONNXError.Problem.tooMany("operations", limit: operationLimit)
    }
    if let map = attributes as? Operation.AxisMap {
      try importer.spend(map.sources.count + map.weights.count)
    }
    return try importer.append(attributes, to: inputs, name: part.map { "\(name)/\($0)" } ?? name)
  }

  /// A result that has the graph's shape, or another with as many elements, such as none for a scalar.
  func result(
    _ value: ValueID, type: ONNXElementType? = nil, shape: [Int]? = nil
  ) throws -> ONNXOperand {
    ONNXOperand(
      name: "", type: type ?? operands.first?.type ?? .float32,
      shape: shape ?? self.shape(value).dimensions, value: value)
  }

  /// The same numbers, whether known or computed, under another name.
  func same(_ operand: ONNXOperand, type: ONNXElementType? = nil) -> ONNXOperand {
    var result = operand
    if let type { result.type = type }
    return result
  }

  /// A value under another shape of as many elements.
  func reshaped(_ value: ValueID, to extents: [Int], _ part: String = "shape") throws -> ValueID {
    let from = shape(value).dimensions
    let to = extents.isEmpty ? [1] : extents
    guard from != to else { return value }
    guard from.first == to.first, !importer.options.isBatchFixed,
      let shape = Shape(checking: Array(to.dropFirst()))
    else {
      guard let whole = Shape(checking: to) else { throw problem("would make the shape \(to)") }
      return try append(Operation.Regroup(shape: whole), [value], part)
    }
    if to.count == 2, 3...4 ~= from.count {
      return try append(Operation.Flatten(order: .channelsFirst), [value], part)
    }
    return try append(Operation.Reshape(shape: shape), [value], part)
  }

  func transposed(_ value: ValueID, _ permutation: [Int], _ part: String = "order") throws
    -> ValueID
  {
    guard permutation != Array(permutation.indices) else { return value }
    return try append(Operation.Transpose(permutation: permutation), [value], part)
  }

  /// An operand as a value of so many dimensions: ones stand before its own.
  func aligned(
    _ operand: ONNXOperand, rank: Int, as kind: ParameterKind = .constant
  ) throws -> ValueID {
    let own = operand.shape
    let extents = [Int](repeating: 1, count: max(0, rank - own.count)) + own
    return try shaped(operand, to: extents, as: kind)
  }

  /// An operand under another shape of as many elements; of known numbers a parameter that has it.
  func shaped(
    _ operand: ONNXOperand, to extents: [Int], as kind: ParameterKind = .constant
  ) throws -> ValueID {
    guard operand.value == nil, !operand.isInput, let constant = operand.constant else {
      return try reshaped(value(operand), to: extents, "shape of \(operand.name)")
    }
    guard operand.count > 0 else { throw problem("\(operand.name) is empty") }
    return importer.parameter(
      try importer.floats(constant).reshaped(to: Shape(extents)), name: operand.name, as: kind)
  }

  /// A function of elements of operands, whose shapes are brought together.
  func elementwise(
    _ function: Operation.Elementwise.Function, _ operands: [ONNXOperand],
    type: ONNXElementType? = nil, _ part: String? = nil
  ) throws -> ONNXOperand {
    let rank = max(1, operands.map(\.rank).max() ?? 1)
    // One number is a setting; several are learned.
    let kind: ParameterKind =
      switch function {
      case _ where operands.contains { $0.constant != nil && $0.count == 1 }: .constant
      case .add, .subtract: .shift
      case .multiply, .divide: .scale
      default: .constant
      }
    let values = try operands.map { try aligned($0, rank: rank, as: kind) }
    let value = try combined(function, values, part)
    let isScalar = operands.allSatisfy { $0.rank == 0 }
    return try result(
      value, type: type ?? operands.last?.type, shape: isScalar ? [] : nil)
  }

  /// The same of values of as many dimensions: by the operations that networks have most, where they will do.
  func combined(
    _ function: Operation.Elementwise.Function, _ values: [ValueID], _ part: String? = nil
  ) throws -> ValueID {
    let isPlain = values.allSatisfy { shape($0) == shape(values[0]) }
    switch function {
    case .add where isPlain: return try append(Operation.Add(), values, part)
    case .subtract where isPlain:
      return try append(Operation.Add(coefficients: [1, -1]), values, part)
    case .multiply where isPlain: return try append(Operation.Multiply(), values, part)
    case .multiply where isScale(values[1], of: values[0]):
      return try append(Operation.ChannelScale(), values, part)
    case .multiply where isScale(values[0], of: values[1]):
      return try append(Operation.ChannelScale(), [values[1], values[0]], part)
    default: return try append(Operation.Elementwise(function), values, part)
    }
  }

  /// Whether a value has one number for each channel of each example of another.
  private func isScale(_ factor: ValueID, of value: ValueID) -> Bool {
    let (factors, extents) = (shape(factor).dimensions, shape(value).dimensions)
    return 3...4 ~= extents.count && importer.graph[factor].source == .operation
      && factors.prefix(2) == extents.prefix(2) && factors.dropFirst(2).allSatisfy { $0 == 1 }
  }

  // MARK: Terms of formulas

  func apply(
    _ function: Operation.Elementwise.Function, _ values: ValueID..., part: String
  ) throws -> ValueID {
    try combined(function, values, part)
  }

  /// A number as a value of so many dimensions.
  func number(_ number: Float, like value: ValueID) throws -> ValueID {
    guard number.isFinite else { throw problem("it needs the number \(number)") }
    let shape = Shape([Int](repeating: 1, count: self.shape(value).rank))
    return importer.parameter(
      Tensor([number], shape: shape), name: "\(node.label.prefix(200))/\(number)", as: .constant)
  }

  func scaled(_ value: ValueID, by factor: Float, _ part: String) throws -> ValueID {
    guard factor.isFinite else { throw problem("it needs the number \(factor)") }
    return factor == 1 ? value : try append(Operation.Add(coefficients: [factor]), [value], part)
  }

  func plus(_ value: ValueID, _ term: Float, _ part: String) throws -> ValueID {
    term == 0 ? value : try apply(.add, value, number(term, like: value), part: part)
  }
}
