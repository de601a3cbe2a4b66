import ConvNetGraphs
import ConvNetTensors

extension OperationCase {
  static let movements: [OperationCase] =
    [
      OperationCase(
        "channels", Operation.Concatenate(),
        [Input([2, 3, 4, 5]), Input([2, 1, 4, 5]), Input([2, 17, 4, 5])]),
      OperationCase(
        "channels of 16", Operation.Concatenate(), [Input([1, 16, 3, 3]), Input([1, 16, 3, 3])]),
      OperationCase(
        "rows", Operation.Concatenate(axis: 2), [Input([2, 3, 1, 4]), Input([2, 3, 5, 4])]),
      OperationCase("features", Operation.Concatenate(), [Input([3, 4]), Input([3, 6])]),
      OperationCase("one", Operation.Concatenate(), [Input([1, 4, 2, 2])]),
      OperationCase(
        "channels", Operation.Slice(axis: 1, start: 2, count: 3), [Input([2, 7, 3, 2])]),
      OperationCase(
        "columns", Operation.Slice(axis: 3, start: 0, count: 2), [Input([1, 3, 2, 5])]),
      OperationCase("examples", Operation.Slice(axis: 0, start: 1, count: 1), [Input([3, 4])]),
      OperationCase("all", Operation.Slice(axis: 1, start: 0, count: 4), [Input([2, 4, 2, 2])]),
      OperationCase("to 4x9", Operation.Reshape(shape: [4, 9]), [Input([2, 3, 4, 3])]),
      OperationCase("to a picture", Operation.Reshape(shape: [3, 2, 5]), [Input([2, 30])]),
      OperationCase(
        "channels last", Operation.Transpose(permutation: [0, 2, 3, 1]), [Input([2, 3, 4, 5])]),
      OperationCase(
        "all axes", Operation.Transpose(permutation: [3, 0, 2, 1]), [Input([2, 3, 4, 5])]),
      OperationCase("matrix", Operation.Transpose(permutation: [1, 0]), [Input([3, 8])]),
    ]
    + flattenings + paddings + upsamplings

  private static let flattenings: [OperationCase] = DataFormat.allCases.flatMap { order in
    [
      OperationCase("\(order)", Operation.Flatten(order: order), [Input([2, 3, 4, 5])]),
      OperationCase(
        "\(order), 17 channels", Operation.Flatten(order: order), [Input([1, 17, 3, 2])]),
      OperationCase("\(order), signal", Operation.Flatten(order: order), [Input([2, 3, 7])]),
      OperationCase("\(order), features", Operation.Flatten(order: order), [Input([2, 6])]),
      OperationCase(
        "\(order)", Operation.Unflatten(order: order, shape: [3, 4, 5]), [Input([2, 60])]),
    ]
  }

  private static let paddings: [OperationCase] = Operation.Pad.Mode.allCases.flatMap { mode in
    let sides: [Padding.Sides] = [.init(before: 2, after: 1), .init(before: 0, after: 3)]
    return [
      OperationCase("\(mode)", Operation.Pad(sides: sides, mode: mode), [Input([2, 3, 4, 5])]),
      OperationCase(
        "\(mode), channels",
        Operation.Pad(sides: sides, mode: mode, channels: .init(before: 1, after: 4)),
        [Input([2, 3, 4, 5])]),
      OperationCase(
        "\(mode), signal", Operation.Pad(sides: [.init(before: 3, after: 2)], mode: mode),
        [Input([1, 17, 4])]),
      OperationCase(
        "\(mode), nothing",
        Operation.Pad(sides: sides.map { _ in .init(before: 0, after: 0) }, mode: mode),
        [Input([1, 2, 3, 3])]),
    ]
  }

  private static let upsamplings: [OperationCase] = [
    Operation.Upsample.Mode.nearest, .bilinear,
  ].flatMap { mode in
    [
      OperationCase(
        "\(mode) 2", Operation.Upsample(factors: [2, 2], mode: mode), [Input([2, 3, 3, 4])]),
      OperationCase(
        "\(mode) 3x1", Operation.Upsample(factors: [3, 1], mode: mode), [Input([1, 17, 2, 5])]),
      OperationCase(
        "\(mode), one position", Operation.Upsample(factors: [4, 3], mode: mode),
        [Input([1, 2, 1, 1])]),
      OperationCase(
        "\(mode), signal", Operation.Upsample(factors: [2], mode: mode), [Input([2, 3, 5])]),
    ]
  }
}

extension Operation.Concatenate: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.concatenate(self, inputs, shapes[0])]
  }
}

extension Operation.Slice: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.slice(self, inputs[0], shapes[0])]
  }
}

extension Operation.SliceGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let whole = [evaluator.zeros(shapes[0])]
    return [
      try slice.axis == 0
        ? evaluator.pullBack(inputs[0], through: slice, at: whole, by: 0)
        : evaluator.pullBackByExample(inputs[0], through: slice, at: whole)
    ]
  }
}

extension Operation.Pad: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.pad(self, inputs[0], shapes[0])]
  }
}

extension Operation.PadGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [try evaluator.pullBackByExample(inputs[0], through: pad, at: [evaluator.zeros(shapes[0])])]
  }
}

extension Operation.Flatten: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.flatten(order, inputs[0], shapes[0])]
  }
}

extension Operation.Unflatten: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.unflatten(order, inputs[0], shapes[0])]
  }
}

extension Operation.Reshape: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [ReferenceValue(inputs[0].elements, shape: shapes[0])]
  }
}

extension Operation.Transpose: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.transpose(self, inputs[0], shapes[0])]
  }
}

extension Operation.Upsample: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.upsample(self, inputs[0], shapes[0])]
  }
}

extension Operation.UpsampleGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    return [
      try evaluator.pullBackByExample(
        inputs[0], through: upsample, at: [evaluator.zeros(shapes[0])])
    ]
  }
}

extension ReferenceEvaluator {
  /// Calls `body` with every index of a shape, in row-major order.
  private func forEachIndex(of shape: Shape, _ body: (_ index: [Int], _ offset: Int) -> Void) {
    var index = [Int](repeating: 0, count: shape.rank)
    for offset in 0..<shape.count {
      body(index, offset)
      for axis in index.indices.reversed() {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
      }
    }
  }

  private func offset(of index: [Int], in shape: Shape) -> Int {
    zip(index, shape.dimensions).reduce(0) { $0 * $1.1 + $1.0 }
  }

  func concatenate(
    _ attributes: Operation.Concatenate, _ inputs: [ReferenceValue], _ shape: Shape
  ) -> ReferenceValue {
    var output = ReferenceValue(zeros: shape)
    var start = 0
    for input in inputs {
      forEachIndex(of: input.shape) { index, offset in
        var target = index
        target[attributes.axis] += start
        output.elements[self.offset(of: target, in: shape)] = input.elements[offset]
      }
      start += input.shape[attributes.axis]
    }
    return output
  }

  func slice(
    _ attributes: Operation.Slice, _ input: ReferenceValue, _ shape: Shape
  ) -> ReferenceValue {
    var output = ReferenceValue(zeros: shape)
    forEachIndex(of: shape) { index, offset in
      var source = index
      source[attributes.axis] += attributes.start
      output.elements[offset] = input.elements[self.offset(of: source, in: input.shape)]
    }
    return output
  }

  func transpose(
    _ attributes: Operation.Transpose, _ input: ReferenceValue, _ shape: Shape
  ) -> ReferenceValue {
    var output = ReferenceValue(zeros: shape)
    forEachIndex(of: input.shape) { index, offset in
      let target = attributes.permutation.map { index[$0] }
      output.elements[self.offset(of: target, in: shape)] = input.elements[offset]
    }
    return output
  }

  func pad(_ attributes: Operation.Pad, _ input: ReferenceValue, _ shape: Shape) -> ReferenceValue {
    let before = rowsAndColumns(attributes.sides.map(\.before), orElse: 0)
    func mirrored(_ position: Int, _ extent: Int) -> Int {
      position < 0 ? -position : position >= extent ? 2 * extent - 2 - position : position
    }
    return ReferenceValue(shape: shape) { example, position, i, j in
      let (row, column) = (i - before.rows, j - before.columns)
      let channel = position - attributes.channels.before
      guard 0..<input.channels ~= channel else { return 0 }
      switch attributes.mode {
      case .zero:
        return input.padded(example, channel, row, column)
      case .edge:
        return input[
          example, channel, min(max(row, 0), input.height - 1), min(max(column, 0), input.width - 1)
        ]
      case .reflect:
        return input[example, channel, mirrored(row, input.height), mirrored(column, input.width)]
      }
    }
  }

  /// The place in a row of (channel, row, column).
  private func place(
    _ order: DataFormat, in picture: ReferenceValue, _ channel: Int, _ row: Int, _ column: Int
  ) -> Int {
    switch order {
    case .channelsFirst: (channel * picture.height + row) * picture.width + column
    case .channelsLast: (row * picture.width + column) * picture.channels + channel
    }
  }

  func flatten(_ order: DataFormat, _ input: ReferenceValue, _ shape: Shape) -> ReferenceValue {
    var output = ReferenceValue(zeros: shape)
    input.forEachElement { example, channel, row, column in
      output[example, place(order, in: input, channel, row, column), 0, 0] =
        input[example, channel, row, column]
    }
    return output
  }

  func unflatten(_ order: DataFormat, _ input: ReferenceValue, _ shape: Shape) -> ReferenceValue {
    let picture = ReferenceValue(zeros: shape)
    return ReferenceValue(shape: shape) { example, channel, row, column in
      input[example, place(order, in: picture, channel, row, column), 0, 0]
    }
  }

  func upsample(
    _ attributes: Operation.Upsample, _ input: ReferenceValue, _ shape: Shape
  ) -> ReferenceValue {
    let factors = rowsAndColumns(attributes.factors, orElse: 1)
    /// The two nearest centres and the weight of the second.
    func neighbours(_ position: Int, _ factor: Int, _ extent: Int) -> (Int, Int, Double) {
      let source = (Double(position) + 0.5) / Double(factor) - 0.5
      let first = Int(source.rounded(.down))
      return (max(first, 0), min(first + 1, extent - 1), source - source.rounded(.down))
    }
    return ReferenceValue(shape: shape) { example, channel, i, j in
      switch attributes.mode {
      case .nearest:
        return input[example, channel, i / factors.rows, j / factors.columns]
      case .bilinear:
        let (top, bottom, down) = neighbours(i, factors.rows, input.height)
        let (left, right, across) = neighbours(j, factors.columns, input.width)
        func along(_ row: Int) -> Double {
          (1 - across) * input[example, channel, row, left]
            + across * input[example, channel, row, right]
        }
        return (1 - down) * along(top) + down * along(bottom)
      }
    }
  }
}
