import ConvNetGraphs
import ConvNetTensors

// Backward operations, from the definition of a gradient rather than from formulas of their own
// wherever the forward operation can still be evaluated: the gradient by an element is how the
// forward outputs change with it, weighted by their gradients.

extension ReferenceEvaluator {
  func zeros(_ shape: Shape) -> ReferenceValue { ReferenceValue(zeros: shape) }

  /// The gradient by input `index` of an operation at the given inputs, from the gradient by its
  /// first output: central differences, which are exact but for rounding where the operation is
  /// linear.
  func pullBack(
    _ gradient: ReferenceValue, through attributes: some OperationAttributes,
    at inputs: [ReferenceValue], by index: Int
  ) throws -> ReferenceValue {
    let shapes = try attributes.outputTypes(for: inputs.map { ValueType($0.shape) }).map(\.shape)
    var inputs = inputs
    return try centralDifferences(at: inputs[index]) { moved in
      inputs[index] = moved
      let output = try evaluate(attributes.kind, inputs, outputs: shapes)[0]
      return zip(output.elements, gradient.elements).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }

  /// The gradient by the first input of an operation that treats every example by itself: example after example, since every
  /// difference is an evaluation.
  func pullBackByExample(
    _ gradient: ReferenceValue, through attributes: some OperationAttributes,
    at inputs: [ReferenceValue]
  ) throws -> ReferenceValue {
    var result = ReferenceValue(zeros: inputs[0].shape)
    let count = result.elements.count / result.batch
    for example in 0..<result.batch {
      var inputs = inputs
      inputs[0] = inputs[0].example(example)
      let part = try pullBack(gradient.example(example), through: attributes, at: inputs, by: 0)
      result.elements.replaceSubrange(example * count..<(example + 1) * count, with: part.elements)
    }
    return result
  }
}
