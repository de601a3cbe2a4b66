package import ConvNetTensors

// Checks shared by the shape inferences. Attributes and shapes may come from a file, so nothing
// here may overflow or trap.

/// The largest extent, stride, dilation or padding: products of two and sums of their products
/// stay far from overflow.
package let extentLimit = 1 << 30

/// The longest window of a convolution, dilation included, and the most padding beside it; the most that a value is padded by or
/// enlarged. Kernels visit all of it, also where it reaches far beyond the input.
package let windowLimit = 1 << 14

/// The most dimensions of a value: as many as the engine's kernel library has room for.
package let rankLimit = 12

/// The most elements of one value: beyond any machine, and far from overflow in bytes.
package let elementLimit = 1 << 40

/// The most operations of a graph, a training step's included: twenty times those of the deepest
/// network of the papers, and few enough for what must compare them with each other.
package let operationLimit = 1 << 16

/// The most bytes of a name in a file: every line of a table is as wide as the longest.
package let nameLimit = 1 << 10

extension Shape {
  /// - Throws: where no machine could hold a value of this shape, or no kernel take it.
  package func requireComputable() throws(GraphError.Problem) {
    guard rank <= rankLimit else {
      throw .invariant("has \(rank) dimensions; there may be \(rankLimit)")
    }
    guard dimensions.allSatisfy({ 1...extentLimit ~= $0 }), count <= elementLimit else {
      throw .invariant(
        "has shape \(self); extents must be between 1 and \(extentLimit), and elements at most "
          + "\(elementLimit)")
    }
  }
}

extension Graph {
  /// The types of an operation's outputs, which the inputs' types decide.
  ///
  /// - Throws: ``GraphError`` with the operation's name where the inputs do not fit, or an output
  ///   could not be computed.
  func inferredTypes(
    _ attributes: some OperationAttributes, inputs: [ValueID], name: String
  ) throws(GraphError) -> [ValueType] {
    do {
      let types = try attributes.outputTypes(for: inputs.map { self[$0].type })
      for type in types { try type.shape.requireComputable() }
      return types
    } catch {
      throw GraphError(subject: name, problem: error)
    }
  }
}

package func requireInputs(
  _ inputs: [ValueType], _ expected: ClosedRange<Int>
) throws(GraphError.Problem) {
  guard expected.contains(inputs.count) else {
    throw .inputCount(expected: expected, actual: inputs.count)
  }
}

package func requireRank(
  _ inputs: [ValueType], _ input: Int, _ expected: ClosedRange<Int>
) throws(GraphError.Problem) {
  guard expected.contains(inputs[input].shape.rank) else {
    throw .rank(input: input, expected: expected, actual: inputs[input].shape)
  }
}

package func requireShape(
  _ inputs: [ValueType], _ input: Int, _ expected: Shape
) throws(GraphError.Problem) {
  guard inputs[input].shape == expected else {
    throw .shape(input: input, expected: expected.description, actual: inputs[input].shape)
  }
}

/// Like the above, for extents that may be no shape: their product may not be representable.
package func requireShape(
  _ inputs: [ValueType], _ input: Int, _ expected: [Int]
) throws(GraphError.Problem) {
  guard inputs[input].shape.dimensions == expected else {
    throw .shape(input: input, expected: joined(expected), actual: inputs[input].shape)
  }
}

package func requireElementType(
  _ inputs: [ValueType], _ input: Int, _ expected: ElementType
) throws(GraphError.Problem) {
  guard inputs[input].elementType == expected else {
    throw .elementType(input: input, expected: expected, actual: inputs[input].elementType)
  }
}

/// All inputs are `float32`: the precision of every arithmetic operation.
package func requireFloat(_ inputs: [ValueType]) throws(GraphError.Problem) {
  for index in inputs.indices { try requireElementType(inputs, index, .float32) }
}

package func requirePositive(_ values: [Int], _ name: String) throws(GraphError.Problem) {
  guard values.allSatisfy({ 1...extentLimit ~= $0 }) else {
    throw .attribute(
      name: name, value: "\(values)", requirement: "between 1 and \(extentLimit)")
  }
}

/// A window with its padding that a convolution can visit in time.
package func requireVisitable(
  _ window: SlidingWindow, _ sides: [Padding.Sides]
) throws(GraphError.Problem) {
  let extents = window.kernel.indices.map(window.extent)
  guard extents.allSatisfy({ $0 <= windowLimit }) else {
    throw .attribute(
      name: "window", value: joined(extents),
      requirement: "at most \(windowLimit) along an axis, dilation included")
  }
  guard sides.allSatisfy({ max($0.before, $0.after) <= windowLimit }) else {
    throw .attribute(
      name: "padding", value: "\(sides.map { [$0.before, $0.after] })",
      requirement: "at most \(windowLimit) on a side")
  }
}

/// One number an axis.
package func requireCount(
  _ values: [Int], _ count: Int, _ name: String
) throws(GraphError.Problem) {
  guard values.count == count else {
    throw .attribute(name: name, value: "\(values)", requirement: "\(count) numbers, one an axis")
  }
}

/// A fraction with both ends allowed; refuses what is not a number.
package func requireFraction(_ value: Float, _ name: String) throws(GraphError.Problem) {
  guard (0...1).contains(value) else {
    throw .attribute(name: name, value: "\(value)", requirement: "between 0 and 1")
  }
}

package func requireNonNegative(_ value: Float, _ name: String) throws(GraphError.Problem) {
  guard value >= 0, value.isFinite else {
    throw .attribute(name: name, value: "\(value)", requirement: "a finite number, zero or more")
  }
}

/// The shape of a result, where the number of its elements can be represented.
package func resultShape(_ dimensions: [Int]) throws(GraphError.Problem) -> Shape {
  guard let shape = Shape(checking: dimensions) else {
    throw .invariant("would make a value of shape \(dimensions), which cannot be represented")
  }
  return shape
}

/// The product, or `Int.max` where it is larger.
package func saturatingProduct(_ factors: [Int]) -> Int {
  var product = 1
  for factor in factors {
    let (next, overflow) = product.multipliedReportingOverflow(by: factor)
    if overflow { return .max }
    product = next
  }
  return product
}

extension Shape {
  /// The extents with one replaced, whether or not they are a shape.
  package func dimensions(replacing axis: Int, with extent: Int) -> [Int] {
    var dimensions = dimensions
    dimensions[axis] = extent
    return dimensions
  }

  /// The extents of the positions: all but batch and channels.
  package var spatial: [Int] { Array(dimensions.dropFirst(2)) }

  /// The shape of one example: all but the batch.
  package var withoutBatch: Shape { Shape(Array(dimensions.dropFirst())) }

  /// The shape of a batch of examples of this shape.
  package func batched(_ batch: Int) throws(GraphError.Problem) -> Shape {
    try requirePositive(dimensions, "shape")
    return try resultShape([batch] + dimensions)
  }
}

/// `5x5`, as a shape is written; any numbers will do.
package func joined(_ numbers: [Int]) -> String {
  numbers.map(String.init).joined(separator: "x")
}

/// `2` where all numbers are equal, else `2x1`.
package func describe(_ numbers: [Int]) -> String {
  if let first = numbers.first, numbers.allSatisfy({ $0 == first }) { return "\(first)" }
  return joined(numbers)
}
