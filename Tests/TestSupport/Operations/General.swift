import ConvNetGraphs
import ConvNetTensors
import func Foundation.acos
import func Foundation.acosh
import func Foundation.asin
import func Foundation.asinh
import func Foundation.atan
import func Foundation.atanh
import func Foundation.cos
import func Foundation.cosh
import func Foundation.erf
import func Foundation.exp
import func Foundation.fmod
import func Foundation.log
import func Foundation.pow
import func Foundation.sin
import func Foundation.sinh
import func Foundation.tan

extension OperationCase {
  static let general: [OperationCase] =
    elementwiseFunctions + broadcasts + reductions + products + maps + tops

  /// The arguments for which a function is smooth, and says something.
  private static func content(
    of function: Operation.Elementwise.Function, argument: Int
  ) -> Content {
    switch (function, argument) {
    case (.arcsine, _), (.arccosine, _), (.areaTangent, _): .uniform(-0.9..<0.9)
    case (.areaCosine, _): .uniform(1.2..<4)
    case (.squareRoot, _), (.logarithm, _), (.power, 0), (.reciprocal, _): .uniform(0.3..<3)
    case (.divide, 1): .uniform(0.4..<2)
    case (.remainder, 0), (.modulo, 0): .uniform(2.1..<2.4)
    case (.remainder, 1), (.modulo, 1): .uniform(0.8..<0.95)
    case (.tangent, _): .uniform(-1..<1)
    case (.softplus, _): .uniform(-6..<9)
    default: .uniform(-2..<2)
    }
  }

  private static let elementwiseFunctions: [OperationCase] =
    Operation.Elementwise.Function.allCases.map { function in
      OperationCase(
        function.rawValue, Operation.Elementwise(function),
        (0..<function.argumentCount).map {
          Input(
            [2, 3, 4, 5], content(of: function, argument: $0),
            isDifferentiable: ![.second, .select].contains(function) || $0 > 0)
        }, hasGradient: !function.isStep)
    }

  private static let broadcasts: [OperationCase] = [
    OperationCase(
      "channels", Operation.Elementwise(.multiply), [Input([2, 5, 4, 3]), Input([2, 5, 1, 1])]),
    OperationCase(
      "shared channels", Operation.Elementwise(.add),
      [Input([2, 17, 3, 3]), Input([1, 17, 1, 1], parameter: .shift)]),
    OperationCase(
      "both ways", Operation.Elementwise(.subtract), [Input([2, 1, 4, 1]), Input([2, 3, 1, 5])]),
    OperationCase(
      "one number", Operation.Elementwise(.divide),
      [Input([3, 300], .uniform(-1..<1)), Input([1, 1], .uniform(1..<2), parameter: .scale)]),
    OperationCase(
      "select", Operation.Elementwise(.select),
      [
        Input([2, 3, 1], .uniform(0..<1), isDifferentiable: false), Input([2, 1, 4]),
        Input([2, 3, 4]),
      ]),
    OperationCase("one axis", Operation.Elementwise(.maximum), [Input([7]), Input([7])]),
    OperationCase(
      "five axes", Operation.Elementwise(.add), [Input([2, 1, 3, 1, 2]), Input([2, 4, 1, 5, 2])]),
  ]

  private static let reductions: [OperationCase] =
    Operation.Reduction.Kind.allCases.map { kind in
      OperationCase(
        "\(kind)", Operation.Reduction(kind, axes: [1, 3]),
        [Input([2, 3, 4, 5], .uniform(0.5..<1.5))])
    } + [
      OperationCase("examples", Operation.Reduction(.mean, axes: [0]), [Input([3, 4])]),
      OperationCase("all", Operation.Reduction(.sum, axes: [0, 1, 2, 3]), [Input([2, 3, 2, 2])]),
      OperationCase("none", Operation.Reduction(.maximum, axes: []), [Input([2, 3])]),
      OperationCase(
        "positions", Operation.Reduction(.mean, axes: [2, 3]), [Input([2, 17, 3, 5])]),
      OperationCase("one position", Operation.Reduction(.sum, axes: [2]), [Input([2, 3, 1])]),
    ]

  private static let products: [OperationCase] =
    [
      (false, false), (false, true), (true, false), (true, true),
    ].map { first, second in
      OperationCase(
        "\(first ? "transposed" : "plain") \(second ? "transposed" : "plain")",
        Operation.MatrixProduct(transposesFirst: first, transposesSecond: second),
        [Input(first ? [2, 5, 3] : [2, 3, 5]), Input(second ? [2, 4, 5] : [2, 5, 4])])
    } + [
      OperationCase(
        "one for all", Operation.MatrixProduct(), [Input([2, 3, 4, 6]), Input([1, 1, 6, 70])]),
      OperationCase(
        "both ways", Operation.MatrixProduct(), [Input([2, 1, 2, 3]), Input([2, 4, 3, 2])]),
    ]

  private static let maps: [OperationCase] = [
    OperationCase(
      "mirrored", Operation.AxisMap(axis: 2, extent: 4, sources: [3, 2, 1, 0]),
      [Input([2, 3, 4, 2])]),
    OperationCase(
      "border", Operation.AxisMap(axis: 1, extent: 3, sources: [-1, 0, 1, 2, -1], fill: 0.5),
      [Input([2, 3, 2])]),
    OperationCase(
      "mixed",
      Operation.AxisMap(
        axis: 3, extent: 4, sources: [0, 1, 1, 2, 3, -1, 0, 3],
        weights: [
          0.25, 0.75, 0.5, 0.5, 2, 0, -1, 0.5,
        ], termCount: 2), [Input([1, 2, 3, 4])]),
    OperationCase(
      "examples", Operation.AxisMap(axis: 0, extent: 2, sources: [1, 0, 1]), [Input([2, 3])]),
  ]

  private static let tops: [OperationCase] = [
    OperationCase("largest", Operation.Top(axis: 1, count: 3), [Input([2, 7])]),
    OperationCase(
      "smallest", Operation.Top(axis: 2, count: 2, isLargest: false), [Input([2, 3, 4, 2])]),
    OperationCase(
      "one", Operation.Top(axis: 1, count: 1, prefersLast: true), [Input([2, 5, 3])]),
    OperationCase("regrouped", Operation.Regroup(shape: [6, 4]), [Input([2, 3, 4])]),
    OperationCase("to one axis", Operation.Regroup(shape: [24]), [Input([2, 3, 4])]),
  ]
}

extension Operation.Elementwise.Function {
  /// Whether it has the same result nearby, so that there is no gradient.
  fileprivate var isStep: Bool {
    switch self {
    case .sign, .floor, .ceiling, .round, .truncate, .isNaN, .isInfinite, .isPositiveInfinity,
      .isNegativeInfinity, .isZero, .equal, .less, .lessOrEqual, .and, .or, .exclusiveOr:
      true
    default: false
    }
  }

  fileprivate func value(_ a: Double, _ b: Double, _ c: Double) -> Double {
    switch self {
    case .absolute: abs(a)
    case .sign: a > 0 ? 1 : a < 0 ? -1 : a
    case .floor: a.rounded(.down)
    case .ceiling: a.rounded(.up)
    case .round: a.rounded(.toNearestOrEven)
    case .truncate: a.rounded(.towardZero)
    case .reciprocal: 1 / a
    case .squareRoot: a.squareRoot()
    case .exponential: exp(a)
    case .logarithm: log(a)
    case .sine: sin(a)
    case .cosine: cos(a)
    case .tangent: tan(a)
    case .arcsine: asin(a)
    case .arccosine: acos(a)
    case .arctangent: atan(a)
    case .hyperbolicSine: sinh(a)
    case .hyperbolicCosine: cosh(a)
    case .areaSine: asinh(a)
    case .areaCosine: acosh(a)
    case .areaTangent: atanh(a)
    case .errorFunction: erf(a)
    case .softplus: log(1 + exp(a))
    case .isNaN: a.isNaN ? 1 : 0
    case .isInfinite: a.isInfinite ? 1 : 0
    case .isPositiveInfinity: a == .infinity ? 1 : 0
    case .isNegativeInfinity: a == -.infinity ? 1 : 0
    case .isZero: a == 0 ? 1 : 0
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .power: pow(a, b)
    case .minimum: a.isNaN || a < b ? a : b
    case .maximum: a.isNaN || a > b ? a : b
    case .remainder: fmod(a, b)
    case .modulo: a - (a / b).rounded(.down) * b
    case .equal: a == b ? 1 : 0
    case .less: a < b ? 1 : 0
    case .lessOrEqual: a <= b ? 1 : 0
    case .and: a != 0 && b != 0 ? 1 : 0
    case .or: a != 0 || b != 0 ? 1 : 0
    case .exclusiveOr: (a != 0) != (b != 0) ? 1 : 0
    case .second: b
    case .select: a != 0 ? b : c
    }
  }
}

extension Shape {
  /// Every place of a value, an index an axis.
  fileprivate var places: [[Int]] {
    dimensions.reduce([[]]) { places, extent in
      places.flatMap { place in (0..<extent).map { place + [$0] } }
    }
  }
}

extension ReferenceValue {
  /// The element at a place; at 0 along an axis of extent 1.
  fileprivate subscript(place: [Int]) -> Double {
    get { elements[offset(place)] }
    set { elements[offset(place)] = newValue }
  }

  private func offset(_ place: [Int]) -> Int {
    zip(shape.dimensions, place).reduce(0) { $0 * $1.0 + ($1.0 == 1 ? 0 : $1.1) }
  }
}

extension Operation.Elementwise: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let elements = shapes[0].places.map { place in
      function.value(
        inputs[0][place], inputs.count > 1 ? inputs[1][place] : 0,
        inputs.count > 2 ? inputs[2][place] : 0)
    }
    return [ReferenceValue(elements, shape: shapes[0])]
  }
}

extension Operation.Reduction: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    var terms: [[Int]: [Double]] = [:]
    for place in inputs[0].shape.places {
      let result = place.indices.map { axes.contains($0) ? 0 : place[$0] }
      terms[result, default: []].append(inputs[0][place])
    }
    let elements = shapes[0].places.map { place in
      let terms = terms[place, default: []]
      return switch reduction {
      case .sum: terms.reduce(0, +)
      case .mean: terms.reduce(0, +) / Double(terms.count)
      case .product: terms.reduce(1, *)
      case .maximum: terms.reduce(-.infinity, max)
      case .minimum: terms.reduce(.infinity, min)
      }
    }
    return [ReferenceValue(elements, shape: shapes[0])]
  }
}

extension Operation.MatrixProduct: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let (first, second) = (inputs[0], inputs[1])
    let terms = first.shape.dimensions[first.shape.rank - (transposesFirst ? 2 : 1)]
    /// The indices of an element, of a value with extents of 1 as well.
    func place(_ before: ArraySlice<Int>, _ row: Int, _ column: Int, _ isTransposed: Bool) -> [Int]
    {
      before + (isTransposed ? [column, row] : [row, column])
    }
    let elements = shapes[0].places.map { at in
      let (before, row, column) = (at.dropLast(2), at[at.count - 2], at[at.count - 1])
      return (0..<terms).reduce(0) { sum, k in
        sum + first[place(before, row, k, transposesFirst)]
          * second[place(before, k, column, transposesSecond)]
      }
    }
    return [ReferenceValue(elements, shape: shapes[0])]
  }
}

extension Operation.AxisMap: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let elements = shapes[0].places.map { place in
      let first = place[axis] * termCount
      let terms = first..<first + termCount
      guard terms.contains(where: { sources[$0] >= 0 }) else { return Double(fill) }
      return terms.reduce(0) { sum, term in
        guard sources[term] >= 0 else { return sum }
        var from = place
        from[axis] = sources[term]
        return sum + (weights.isEmpty ? 1 : Double(weights[term])) * inputs[0][from]
      }
    }
    return [ReferenceValue(elements, shape: shapes[0])]
  }
}

extension Operation.Top: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    var results = [ReferenceValue(zeros: shapes[0]), ReferenceValue(zeros: shapes[1])]
    for place in shapes[0].places where place[axis] == 0 {
      let line = (0..<inputs[0].shape[axis]).map { position in
        var from = place
        from[axis] = position
        return (position, inputs[0][from])
      }
      let sorted = line.sorted {
        $0.1 == $1.1 ? ($0.0 < $1.0) != prefersLast : ($0.1 > $1.1) == isLargest
      }
      for rank in 0..<count {
        var to = place
        to[axis] = rank
        results[0][to] = sorted[rank].1
        results[1][to] = Double(sorted[rank].0)
      }
    }
    return results
  }
}

extension Operation.TopGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    var result = ReferenceValue(zeros: shapes[0])
    for place in inputs[0].shape.places {
      var to = place
      to[axis] = Int(inputs[1][place])
      result[to] += inputs[0][place]
    }
    return [result]
  }
}

extension Operation.Regroup: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [ReferenceValue(inputs[0].elements, shape: shapes[0])]
  }
}
