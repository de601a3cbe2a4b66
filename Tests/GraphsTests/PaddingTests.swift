import ConvNetGraphs
import Testing

@Suite struct PaddingTests {
  /// (input, kernel, stride, dilation, before, after), as TensorFlow pads.
  static let sameRows: [(Int, Int, Int, Int, Int, Int)] = [
    (28, 5, 1, 1, 2, 2), (5, 4, 1, 1, 1, 2), (224, 7, 2, 1, 2, 3), (224, 3, 2, 1, 0, 1),
    (225, 3, 2, 1, 1, 1), (10, 3, 1, 3, 3, 3), (9, 2, 4, 1, 0, 1), (1, 1, 1, 1, 0, 0),
    (3, 7, 1, 1, 3, 3), (6, 2, 2, 1, 0, 0),
  ]

  @Test("same padding is TensorFlow's, the odd zero after", arguments: sameRows)
  func samePadding(_ row: (Int, Int, Int, Int, Int, Int)) throws {
    let (input, kernel, stride, dilation, before, after) = row
    let window = SlidingWindow(kernel: [kernel], strides: [stride], dilations: [dilation])
    let sides = try Padding.same.sides(window: window, input: [input])
    #expect(sides == [Padding.Sides(before: before, after: after)])
    let positions = try window.outputExtents(input: [input], padding: .same)
    #expect(positions == [(input + stride - 1) / stride])
  }

  @Test("the other words say their sides")
  func sides() throws {
    let window = SlidingWindow(kernel: [3, 3], strides: [1, 1], dilations: [1, 1])
    let pairs = [Padding.Sides(before: 0, after: 2), Padding.Sides(before: 1, after: 0)]
    #expect(
      try Padding.valid.sides(window: window, input: [5, 5]).allSatisfy {
        $0 == Padding.Sides(before: 0, after: 0)
      })
    #expect(
      try Padding.symmetric(2).sides(window: window, input: [5, 5]).allSatisfy {
        $0 == Padding.Sides(before: 2, after: 2)
      })
    #expect(try Padding.explicit(pairs).sides(window: window, input: [5, 5]) == pairs)
    #expect(try window.outputExtents(input: [5, 6], padding: .explicit(pairs)) == [5, 5])
    #expect("\(Padding.explicit(pairs))" == "padding 0+2 1+0")
  }

  /// (input, window, stride, padding, floor, ceil), as PyTorch's pooling.
  static let ceilRows: [(Int, Int, Int, Int, Int, Int)] = [
    (112, 3, 2, 0, 55, 56), (6, 2, 2, 0, 3, 3), (7, 2, 2, 0, 3, 4), (6, 3, 2, 1, 3, 4),
    (4, 2, 3, 1, 2, 2), (7, 2, 4, 0, 2, 2), (10, 2, 4, 0, 3, 3), (9, 2, 4, 0, 2, 3),
  ]

  @Test("ceil mode adds a window only where it starts inside", arguments: ceilRows)
  func ceilMode(_ row: (Int, Int, Int, Int, Int, Int)) throws {
    let (input, kernel, stride, padding, floor, ceil) = row
    let window = SlidingWindow(kernel: [kernel], strides: [stride], dilations: [1])
    #expect(try window.outputExtents(input: [input], padding: .symmetric(padding)) == [floor])
    #expect(
      try window.outputExtents(input: [input], padding: .symmetric(padding), ceilMode: true)
        == [ceil])
  }

  @Test("a window's part inside the input, and inside the padded input")
  func ranges() {
    let window = SlidingWindow(kernel: [3], strides: [2], dilations: [1])
    let sides = Padding.Sides(before: 1, after: 1)
    let ranges = (0..<4).map { window.range(at: $0, axis: 0, input: 6, sides: sides) }
    #expect(ranges == [0..<2, 1..<4, 3..<6, 5..<6])
    let counts = (0..<4).map { window.paddedCount(at: $0, axis: 0, input: 6, sides: sides) }
    #expect(counts == [3, 3, 3, 2])
  }
}
