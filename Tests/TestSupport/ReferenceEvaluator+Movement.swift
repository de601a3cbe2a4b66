import ConvNetGraphs
import ConvNetTensors

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
