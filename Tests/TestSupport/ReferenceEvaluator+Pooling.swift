import ConvNetGraphs
import ConvNetTensors

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
