import ConvNetTensors

// Values without elements: networks compute none, so what becomes of them is known when the file is read.

extension ONNXFolding {
  /// The result of a node that is given nothing; `nil` where something is computed all the same.
  static func ofNothing(_ call: ONNXCall) throws -> [ONNXOperand]? {
    let operands = call.operands
    guard let first = operands.first, operands.contains(where: { $0.count == 0 }) else {
      return nil
    }
    let kind = call.node.kind
    if let neutral = neutralNumbers[kind] {
      // No axes may be given, of something.
      guard first.count == 0 else { return nil }
      return try ONNXOperators.reducedShape(call).map { shape in
        [.constant(repeating: neutral, shape: shape, type: first.type)]
      }
    }
    let isComparison = ONNXOperators.comparisons[kind] != nil
    if isComparison || ONNXOperators.arithmetic[kind] != nil {
      guard let shape = broadcast(operands.map(\.shape)) else {
        throw call.problem("the shapes \(operands.map(\.shape)) do not fit")
      }
      let own = kind == "Where" ? operands.last?.type : nil
      return [
        .constant(
          repeating: 0, shape: shape, type: own ?? (isComparison ? .bool : first.type))
      ]
    }
    guard first.count == 0, ONNXOperators.activations[kind] != nil, kind != "Dropout" else {
      return nil
    }
    return [.constant(repeating: 0, shape: first.shape, type: first.type)]
  }

  /// What a reduction of nothing is.
  private static let neutralNumbers: [String: Double] = [
    "ReduceSum": 0, "ReduceMean": .nan, "ReduceProd": 1, "ReduceMax": -.infinity,
    "ReduceMin": .infinity, "ReduceL1": 0, "ReduceL2": 0, "ReduceSumSquare": 0,
    "ReduceLogSum": -.infinity, "ReduceLogSumExp": -.infinity,
  ]
}

extension ONNXOperand {
  /// One number at every place: of whole numbers the nearest that the type has.
  fileprivate static func constant(
    repeating number: Double, shape: [Int], type: ONNXElementType
  ) -> ONNXOperand {
    let count = shape.reduce(1, *)
    let limits: ClosedRange<Double>? =
      switch type {
      case .bool: 0...1
      case .int32: Double(Int32.min)...Double(Int32.max)
      case .uint32: 0...Double(UInt32.max)
      case .uint64: 0...0x1p63
      default: type.shortRange.map { Double($0.lowerBound)...Double($0.upperBound) }
      }
    let held = limits.map { min(max(number, $0.lowerBound), $0.upperBound) } ?? number
    return .constant([Double](repeating: held, count: count), shape: shape, type: type, name: "")
  }
}
