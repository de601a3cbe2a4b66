package import ConvNetTensors

/// A dense array of doubles in row-major order: what the reference computes with.
///
/// Its elements can be addressed as [batch, channel, row, column] at any rank: a signal has one
/// row, a vector of features one position.
package struct ReferenceValue: Hashable, Sendable {
  package var shape: Shape
  package var elements: [Double]

  package init(_ elements: [Double], shape: Shape) {
    precondition(elements.count == shape.count, "\(elements.count) elements for \(shape)")
    self.shape = shape
    self.elements = elements
  }

  package init(repeating element: Double, shape: Shape) {
    self.init([Double](repeating: element, count: shape.count), shape: shape)
  }

  package init(zeros shape: Shape) {
    self.init(repeating: 0, shape: shape)
  }

  /// - Precondition: the elements are `float32` or `int32`.
  package init(_ tensor: Tensor) {
    let elements =
      tensor.elementType == .int32
      ? tensor.elements(of: Int32.self).map(Double.init) : tensor.elements.map(Double.init)
    self.init(elements, shape: tensor.shape)
  }

  package var batch: Int { shape[0] }
  package var channels: Int { shape[1] }
  package var height: Int { shape.rank == 4 ? shape[2] : 1 }
  package var width: Int { shape.rank > 2 ? shape[shape.rank - 1] : 1 }

  /// One example, a batch by itself.
  package func example(_ index: Int) -> ReferenceValue {
    let count = elements.count / batch
    return ReferenceValue(
      Array(elements[index * count..<(index + 1) * count]),
      shape: Shape([1] + shape.dimensions.dropFirst()))
  }

  func offset(_ example: Int, _ channel: Int, _ row: Int, _ column: Int) -> Int {
    ((example * channels + channel) * height + row) * width + column
  }

  package subscript(example: Int, channel: Int, row: Int, column: Int) -> Double {
    get { elements[offset(example, channel, row, column)] }
    set { elements[offset(example, channel, row, column)] = newValue }
  }

  /// The element, or zero outside the rows and columns: zero padding.
  package func padded(_ example: Int, _ channel: Int, _ row: Int, _ column: Int) -> Double {
    0..<height ~= row && 0..<width ~= column ? self[example, channel, row, column] : 0
  }

  /// Every element computed from its place: batch, channel, row, column.
  package init(
    shape: Shape, _ element: (_ example: Int, _ channel: Int, _ row: Int, _ column: Int) -> Double
  ) {
    self.init(zeros: shape)
    forEachElement { example, channel, row, column in
      elements[offset(example, channel, row, column)] = element(example, channel, row, column)
    }
  }

  /// Visits the places of all elements, in row-major order.
  package func forEachElement(
    _ body: (_ example: Int, _ channel: Int, _ row: Int, _ column: Int) -> Void
  ) {
    for example in 0..<batch {
      for channel in 0..<channels {
        for row in 0..<height {
          for column in 0..<width { body(example, channel, row, column) }
        }
      }
    }
  }
}

/// The largest difference of two elements, relative to the largest expected magnitude (or to 0.001,
/// where all are smaller). Infinite where the counts differ or a difference is not a number.
package func relativeDifference(_ actual: [Double], _ expected: [Double]) -> Double {
  guard actual.count == expected.count else { return .infinity }
  let scale = expected.reduce(0.001) { max($0, abs($1)) }
  var largest = 0.0
  for (actual, expected) in zip(actual, expected) {
    let difference = abs(actual - expected) / scale
    guard difference.isFinite else { return .infinity }
    largest = max(largest, difference)
  }
  return largest
}

package func relativeDifference(_ actual: ReferenceValue, _ expected: ReferenceValue) -> Double {
  actual.shape == expected.shape
    ? relativeDifference(actual.elements, expected.elements) : .infinity
}

package func relativeDifference(_ actual: Tensor, _ expected: ReferenceValue) -> Double {
  relativeDifference(ReferenceValue(actual), expected)
}

package func relativeDifference(_ actual: [Float], _ expected: [Double]) -> Double {
  relativeDifference(actual.map(Double.init), expected)
}
