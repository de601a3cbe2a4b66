package import ConvNetTensors

extension SlidingWindow {
  /// The result of pooling: batch and channels as they are, one position a window.
  ///
  /// Padding must be smaller than the window, so that every window holds an element.
  package func pooledShape(
    input: Shape, padding: Padding, ceilMode: Bool
  ) throws(GraphError.Problem) -> Shape {
    let extents = try outputExtents(input: input.spatial, padding: padding, ceilMode: ceilMode)
    let sides = try padding.sides(window: self, input: input.spatial)
    guard zip(sides, kernel).allSatisfy({ max($0.before, $0.after) < $1 }) else {
      throw .attribute(
        name: "padding", value: "\(sides.map { [$0.before, $0.after] })",
        requirement: "smaller than the window \(joined(kernel))")
    }
    return try resultShape([input[0], input[1]] + extents)
  }

  /// The part of the input under the window at an output position along an axis, without padding.
  package func range(
    at position: Int, axis: Int, input: Int, sides: Padding.Sides
  ) -> Range<Int> {
    let start = position * strides[axis] - sides.before
    return max(0, start)..<min(input, start + kernel[axis])
  }

  /// How many positions of the padded input the window covers along an axis: all of its extent,
  /// except what `ceilMode` lets hang over the padding.
  package func paddedCount(
    at position: Int, axis: Int, input: Int, sides: Padding.Sides
  ) -> Int {
    let start = position * strides[axis] - sides.before
    return min(input + sides.after, start + kernel[axis]) - start
  }

  package func summary(_ name: String, padding: Padding, ceilMode: Bool) -> String {
    "\(name) \(joined(kernel)) stride \(describe(strides)) \(padding)"
      + (ceilMode ? " ceil" : "")
  }
}
