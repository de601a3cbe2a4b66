import ConvNetGraphs
import ConvNetTensors
import func Foundation.exp

// Backward operations, from the definition of a gradient rather than from formulas of their own
// wherever the forward operation can still be evaluated: the gradient by an element is how the
// forward outputs change with it, weighted by their gradients.

extension ReferenceEvaluator {
  func evaluateGradient(
    _ kind: OperationKind, _ inputs: [ReferenceValue], outputs shapes: [Shape]
  ) throws -> [ReferenceValue] {
    switch kind.attributes {
    case let attributes as Operation.ConvolutionInputGradient:
      let (gradient, kernel) = (inputs[0], inputs[1])
      var result = zeros(shapes[0])
      forEachProduct(of: attributes.convolution, result, kernel, gradient) { x, k, y in
        result.elements[x] += gradient.elements[y] * kernel.elements[k]
      }
      return [result]
    case let attributes as Operation.ConvolutionParameterGradient:
      let (input, gradient) = (inputs[0], inputs[1])
      var result = zeros(shapes[0])
      forEachProduct(of: attributes.convolution, input, result, gradient) { x, k, y in
        result.elements[k] += gradient.elements[y] * input.elements[x]
      }
      return attributes.convolution.hasBias ? [result, channelSum(gradient)] : [result]
    case is Operation.DenseInputGradient:
      let forward = Operation.Dense(hasBias: false)
      return [
        try pullBackByExample(inputs[0], through: forward, at: [zeros(shapes[0]), inputs[1]])
      ]
    case let attributes as Operation.DenseParameterGradient:
      let forward = Operation.Dense(hasBias: false)
      let kernel = try pullBack(
        inputs[1], through: forward, at: [inputs[0], zeros(shapes[0])], by: 1)
      return attributes.hasBias ? [kernel, channelSum(inputs[1])] : [kernel]
    case is Operation.MaxPoolingGradient:
      var gradient = zeros(shapes[0])
      for (value, place) in zip(inputs[0].elements, inputs[1].elements) {
        gradient.elements[Int(place)] += value
      }
      return [gradient]
    case let attributes as Operation.AveragePoolingGradient:
      return [
        try pullBackByExample(inputs[0], through: attributes.pooling, at: [zeros(shapes[0])])
      ]
    case let attributes as Operation.BatchNormalizationGradient:
      let forward = Operation.BatchNormalization(epsilon: attributes.epsilon, form: .training)
      let (mean, variance, scale) = (inputs[2], inputs[3], inputs[4])
      let shift = attributes.isRectified ? inputs[5] : zeros(scale.shape)
      let arguments = [inputs[0], scale, shift, mean, variance]
      var incoming = inputs[1]
      if attributes.isRectified {
        incoming = elementwise(incoming, batchNormalization(forward, arguments)[0]) {
          $1 > 0 ? $0 : 0
        }
      }
      return try (0..<3).map { try pullBack(incoming, through: forward, at: arguments, by: $0) }
    case let attributes as Operation.LocalResponseNormalizationGradient:
      return [try pullBackByExample(inputs[1], through: attributes.forward, at: [inputs[0]])]
    case let attributes as Operation.ActivationGradient:
      return [
        elementwise(inputs[0], inputs[1]) { derivative(of: attributes.function, at: $0) * $1 }
      ]
    case let attributes as Operation.SliceGradient:
      let whole = [zeros(shapes[0])]
      return [
        try attributes.slice.axis == 0
          ? pullBack(inputs[0], through: attributes.slice, at: whole, by: 0)
          : pullBackByExample(inputs[0], through: attributes.slice, at: whole)
      ]
    case let attributes as Operation.PadGradient:
      return [try pullBackByExample(inputs[0], through: attributes.pad, at: [zeros(shapes[0])])]
    case let attributes as Operation.UpsampleGradient:
      return [
        try pullBackByExample(inputs[0], through: attributes.upsample, at: [zeros(shapes[0])])
      ]
    case let attributes as Operation.SoftmaxGradient:
      return [softmaxGradient(attributes, inputs)]
    case let attributes as Operation.CrossEntropyGradient:
      let probabilities = inputs[0]
      let factor = inputs[2].elements[0] / Double(probabilities.batch)
      return [
        ReferenceValue(shape: probabilities.shape) { example, label, _, _ in
          let target = target(
            inputs[1], smoothing: attributes.labelSmoothing, classes: probabilities.channels,
            example, label)
          return factor * (probabilities[example, label, 0, 0] - target)
        }
      ]
    case let attributes as Operation.MeanSquaredErrorGradient:
      let factor = 2 * inputs[inputs.count - 1].elements[0] / Double(inputs[0].elements.count)
      let difference = elementwise(inputs[0], inputs[1]) { factor * ($0 - $1) }
      return [attributes.hasMask ? elementwise(difference, inputs[2], *) : difference]
    default:
      throw GraphError(subject: kind.name, problem: .invariant("has no reference"))
    }
  }

  private func zeros(_ shape: Shape) -> ReferenceValue { ReferenceValue(zeros: shape) }

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
  private func pullBackByExample(
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

  private func softmaxGradient(
    _ attributes: Operation.SoftmaxGradient, _ inputs: [ReferenceValue]
  ) -> ReferenceValue {
    let (output, gradient) = (inputs[0], inputs[1])
    return ReferenceValue(shape: output.shape) { example, channel, row, column in
      let sum = (0..<output.channels).reduce(0.0) { sum, other in
        let weight = attributes.isLogarithmic ? 1 : output[example, other, row, column]
        return sum + gradient[example, other, row, column] * weight
      }
      let (y, dy) = (output[example, channel, row, column], gradient[example, channel, row, column])
      return attributes.isLogarithmic ? dy - exp(y) * sum : y * (dy - sum)
    }
  }
}
