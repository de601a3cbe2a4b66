import ConvNetGraphs
import ConvNetTensors

extension OperationCase {
  /// One geometry, for both kinds of pooling.
  private struct Geometry {
    var name: String
    var input: Shape
    var window: [Int]
    var strides: [Int]
    var padding = Padding.valid
    var ceilMode = false
  }

  private static let geometries: [Geometry] = [
    Geometry(name: "2x2", input: [2, 3, 6, 4], window: [2, 2], strides: [2, 2]),
    Geometry(name: "2x2, remainder", input: [1, 17, 5, 7], window: [2, 2], strides: [2, 2]),
    Geometry(name: "overlapping 3x3", input: [2, 8, 7, 7], window: [3, 3], strides: [2, 2]),
    Geometry(name: "stride above window", input: [1, 2, 8, 9], window: [2, 2], strides: [3, 4]),
    Geometry(name: "1x1", input: [1, 3, 4, 4], window: [1, 1], strides: [1, 1]),
    Geometry(
      name: "padding", input: [1, 3, 6, 5], window: [3, 3], strides: [2, 2],
      padding: .symmetric(1)),
    Geometry(name: "same", input: [2, 2, 5, 6], window: [3, 2], strides: [2, 2], padding: .same),
    Geometry(
      name: "asymmetric padding", input: [1, 2, 5, 5], window: [3, 3], strides: [2, 1],
      padding: .explicit([.init(before: 0, after: 2), .init(before: 1, after: 0)])),
    Geometry(
      name: "ceil", input: [1, 2, 6, 7], window: [3, 2], strides: [2, 2], ceilMode: true),
    Geometry(
      name: "ceil, padding", input: [1, 3, 6, 8], window: [3, 3], strides: [2, 3],
      padding: .symmetric(1), ceilMode: true),
    Geometry(
      name: "ceil, last window dropped", input: [1, 2, 4, 4], window: [2, 2], strides: [3, 3],
      padding: .symmetric(1), ceilMode: true),
    Geometry(
      name: "ceil, stride above window", input: [1, 1, 7, 8], window: [2, 2], strides: [4, 5],
      ceilMode: true),
    Geometry(
      name: "window as large as the picture", input: [2, 4, 3, 5], window: [3, 5],
      strides: [1, 1]),
    Geometry(
      name: "window larger than the picture", input: [1, 2, 2, 3], window: [4, 4],
      strides: [1, 1], padding: .symmetric(1)),
    Geometry(
      name: "signal", input: [2, 3, 9], window: [3], strides: [2], padding: .symmetric(1),
      ceilMode: true),
  ]

  static let poolings: [OperationCase] =
    geometries.map { geometry in
      OperationCase(
        geometry.name,
        Operation.MaxPooling(
          window: geometry.window, strides: geometry.strides, padding: geometry.padding,
          ceilMode: geometry.ceilMode), [Input(geometry.input)])
    }
    + [false, true].flatMap { counts in
      geometries.map { geometry in
        OperationCase(
          geometry.name + (counts ? ", counting padding" : ""),
          Operation.AveragePooling(
            window: geometry.window, strides: geometry.strides, padding: geometry.padding,
            ceilMode: geometry.ceilMode, countIncludesPadding: counts), [Input(geometry.input)])
      }
    }
    + Operation.GlobalPooling.Reduction.allCases.flatMap { reduction in
      let inputs: [(String, Shape)] = [
        ("picture", [2, 5, 4, 3]), ("one position", [1, 3, 1, 1]), ("signal", [2, 3, 7]),
        ("many positions", [1, 2, 17, 16]),
      ]
      return inputs.map { name, shape in
        OperationCase(
          "\(reduction), \(name)", Operation.GlobalPooling(kind: reduction), [Input(shape)])
      }
    }
}

extension Operation.MaxPooling: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    evaluator.maxPooling(self, inputs[0], shapes)
  }
}

extension Operation.MaxPoolingGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    var gradient = evaluator.zeros(shapes[0])
    for (value, place) in zip(inputs[0].elements, inputs[1].elements) {
      gradient.elements[Int(place)] += value
    }
    return [gradient]
  }
}

extension Operation.AveragePooling: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.averagePooling(self, inputs[0], shapes[0])]
  }
}

extension Operation.AveragePoolingGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    return [
      try evaluator.pullBackByExample(inputs[0], through: pooling, at: [evaluator.zeros(shapes[0])])
    ]
  }
}

extension Operation.GlobalPooling: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.globalPooling(self, inputs[0], shapes[0])]
  }
}

extension ReferenceEvaluator {
  /// The second output holds the place of each maximum in the input, row-major.
  func maxPooling(
    _ attributes: Operation.MaxPooling, _ input: ReferenceValue, _ shapes: [Shape]
  ) -> [ReferenceValue] {
    let window = rowsAndColumns(attributes.window, orElse: 1)
    let strides = rowsAndColumns(attributes.strides, orElse: 1)
    let padding = leadingPadding(
      attributes.padding, input: input, kernel: window, strides: strides)
    var places = ReferenceValue(zeros: shapes[0])
    let output = ReferenceValue(shape: shapes[0]) { example, channel, i, j in
      var largest = -Double.infinity
      for m in 0..<window.rows {
        for n in 0..<window.columns {
          let row = i * strides.rows + m - padding.rows
          let column = j * strides.columns + n - padding.columns
          guard 0..<input.height ~= row, 0..<input.width ~= column else { continue }
          let value = input[example, channel, row, column]
          guard value > largest else { continue }
          largest = value
          let place = ((example * input.channels + channel) * input.height + row) * input.width
          places[example, channel, i, j] = Double(place + column)
        }
      }
      return largest
    }
    return attributes.recordsIndices ? [output, places] : [output]
  }

  func averagePooling(
    _ attributes: Operation.AveragePooling, _ input: ReferenceValue, _ shape: Shape
  ) -> ReferenceValue {
    let window = rowsAndColumns(attributes.window, orElse: 1)
    let strides = rowsAndColumns(attributes.strides, orElse: 1)
    let before = leadingPadding(
      attributes.padding, input: input, kernel: window, strides: strides)
    let after = trailingPadding(attributes, input, before: before)
    return ReferenceValue(shape: shape) { example, channel, i, j in
      var sum = 0.0
      var inside = 0
      var insidePadded = 0
      for m in 0..<window.rows {
        for n in 0..<window.columns {
          let row = i * strides.rows + m - before.rows
          let column = j * strides.columns + n - before.columns
          if row < input.height + after.rows, column < input.width + after.columns {
            insidePadded += 1
          }
          guard 0..<input.height ~= row, 0..<input.width ~= column else { continue }
          sum += input[example, channel, row, column]
          inside += 1
        }
      }
      return sum / Double(attributes.countIncludesPadding ? insidePadded : inside)
    }
  }

  /// The zeros after the last row and column.
  private func trailingPadding(
    _ attributes: Operation.AveragePooling, _ input: ReferenceValue,
    before: (rows: Int, columns: Int)
  ) -> (rows: Int, columns: Int) {
    switch attributes.padding {
    case .valid, .symmetric:
      return before
    case .explicit(let sides):
      return rowsAndColumns(sides.map(\.after), orElse: 0)
    case .same:
      let window = rowsAndColumns(attributes.window, orElse: 1)
      let strides = rowsAndColumns(attributes.strides, orElse: 1)
      func missing(_ extent: Int, _ window: Int, _ stride: Int) -> Int {
        max(0, ((extent + stride - 1) / stride - 1) * stride + window - extent)
      }
      return (
        missing(input.height, window.rows, strides.rows) - before.rows,
        missing(input.width, window.columns, strides.columns) - before.columns
      )
    }
  }

  func globalPooling(
    _ attributes: Operation.GlobalPooling, _ input: ReferenceValue, _ shape: Shape
  ) -> ReferenceValue {
    ReferenceValue(shape: shape) { example, channel, _, _ in
      var sum = 0.0
      var largest = -Double.infinity
      for row in 0..<input.height {
        for column in 0..<input.width {
          sum += input[example, channel, row, column]
          largest = max(largest, input[example, channel, row, column])
        }
      }
      return attributes.reduction == .max ? largest : sum / Double(input.height * input.width)
    }
  }
}
