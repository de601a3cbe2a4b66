package import ConvNetGraphs
import ConvNetTensors
private import func Foundation.exp

// Operations as somebody outside the package would write them: with what is public alone.

/// x / (1 + exp(-slope x)) with a learned slope a channel (P. Ramachandran, B. Zoph, Q. Le, "Searching for Activation Functions",
/// 2017).
///
/// Inputs: `x` [N, C, ...]; slope [C]. Output: the shape of `x`.
package struct Swish: CustomOperation {
  package static let name = "test.swish"

  package init() {}

  package var traits: OperationTraits {
    OperationTraits(
      batch: .separately(linear: .inNone), recomputable: .all, overwritesInput: true,
      isRandom: false, isGradient: false, isIdentityInInference: false)
  }

  package func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
    guard inputs.count == 2 else { throw .inputCount(expected: 2...2, actual: inputs.count) }
    let channels = inputs[0].shape[1]
    guard inputs[1].shape == [channels] else {
      throw .shape(input: 1, expected: "\(channels)", actual: inputs[1].shape)
    }
    return [inputs[0]]
  }

  package func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

  package func appendGradient(
    of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
  ) throws(GraphError) -> [ValueID?] {
    guard let gradient = outputGradients[0] else { return [nil, nil] }
    let inputs = operation.inputs + [gradient]
    return [
      try builder.append(SwishGradient(), to: inputs, of: operation)[0],
      try builder.append(SwishSlopeGradient(), to: inputs, of: operation, role: "slope gradient")[
        0],
    ]
  }

  package func compute(
    output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>
  ) {
    let channel = Channels(inputs.types[0].shape)
    inputs.withSpans(of: 0, 1) { x, slope in
      for index in x.indices {
        result[index] = x[index] / (1 + exp(-slope[channel[index]] * x[index]))
      }
    }
  }
}

/// The gradient of ``Swish`` by its first input: with s = 1 / (1 + exp(-slope x)), dx = dy s (1 + slope x (1 - s)).
package struct SwishGradient: CustomOperation {
  package static let name = "test.swishGradient"

  package init() {}

  package var traits: OperationTraits {
    OperationTraits(
      batch: .separately(linear: .inEach([2])), recomputable: .all, overwritesInput: true,
      isRandom: false, isGradient: true, isIdentityInInference: false)
  }

  package func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
    [inputs[0]]
  }

  package func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

  package func compute(
    output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>
  ) {
    let channel = Channels(inputs.types[0].shape)
    inputs.withSpans(of: 0, 1, 2) { x, slope, gradient in
      for index in x.indices {
        let product = slope[channel[index]] * x[index]
        let sigmoid = 1 / (1 + exp(-product))
        result[index] = gradient[index] * sigmoid * (1 + product * (1 - sigmoid))
      }
    }
  }
}

/// The gradient of ``Swish`` by its slope: the sum over examples and positions of dy x^2 s (1 - s).
package struct SwishSlopeGradient: CustomOperation {
  package static let name = "test.swishSlopeGradient"

  package init() {}

  package var traits: OperationTraits {
    OperationTraits(
      batch: .sum, recomputable: .all, overwritesInput: false, isRandom: false, isGradient: true,
      isIdentityInInference: false)
  }

  package func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
    [inputs[1]]
  }

  package func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

  package func compute(
    output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>
  ) {
    let channel = Channels(inputs.types[0].shape)
    for index in result.indices { result[index] = 0 }
    inputs.withSpans(of: 0, 1, 2) { x, slope, gradient in
      for index in x.indices {
        let sigmoid = 1 / (1 + exp(-slope[channel[index]] * x[index]))
        result[channel[index]] += gradient[index] * x[index] * x[index] * sigmoid * (1 - sigmoid)
      }
    }
  }
}

/// A number between 0 and `amount` added to every element in training, another at each step; inference takes it out.
package struct Noise: CustomOperation {
  package static let name = "test.noise"

  package var amount: Float

  package init(amount: Float) {
    self.amount = amount
  }

  package var traits: OperationTraits {
    OperationTraits(
      batch: .separately(linear: .inNone), recomputable: .all, overwritesInput: true,
      isRandom: true, isGradient: false, isIdentityInInference: true)
  }

  package func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
    [inputs[0]]
  }

  package func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

  package func appendGradient(
    of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
  ) throws(GraphError) -> [ValueID?] {
    outputGradients
  }

  package func compute(
    output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>
  ) {
    let shape = inputs.types[0].shape
    let count = shape.count / shape[0]
    inputs.withSpan(of: 0) { x in
      for example in 0..<shape[0] {
        var numbers = RandomNumbers(
          RandomKey(
            seed: inputs.seed, purpose: .dropout, epoch: UInt32(inputs.step),
            index: UInt32(inputs.firstExample + example)))
        for index in example * count..<(example + 1) * count {
          result[index] = x[index] + Float.random(in: 0..<amount, using: &numbers)
        }
      }
    }
  }
}

/// The channel of an element by its row-major place.
private struct Channels {
  var count: Int
  var positions: Int

  init(_ shape: Shape) {
    count = shape[1]
    positions = shape.count / (shape[0] * shape[1])
  }

  subscript(element: Int) -> Int { element / positions % count }
}
