import ConvNetGraphs
import ConvNetTensors
import func Foundation.erf
import func Foundation.exp
import func Foundation.expm1
import func Foundation.pow
import func Foundation.tanh

extension OperationCase {
  private static let functions: [ActivationFunction] = [
    .relu, .relu6, .leakyReLU(slope: 0.1), .leakyReLU(slope: -0.2), .elu(alpha: 1.3),
    .elu(alpha: -0.5), .silu, .gelu, .tanh, .sigmoid,
    .hardSigmoid, .hardSwish,
  ]

  static let elementwise: [OperationCase] =
    functions.map { function in
      OperationCase(
        "\(function)", Operation.Activation(function),
        [Input([2, 9, 4, 5], .uniform(-8..<8))])
    }
    + [
      OperationCase("tanh, dense", Operation.Activation(.tanh), [Input([3, 21])]),
      OperationCase(
        "hard tanh", Operation.Clip(lower: -1, upper: 1), [Input([2, 9, 4, 5], .uniform(-3..<3))]),
      OperationCase(
        "no width", Operation.Clip(lower: 0.5, upper: 0.5), [Input([1, 1], .uniform(0..<0.4))]),
      OperationCase(
        "dense", Operation.Clip(lower: 0.25, upper: 6), [Input([3, 21], .uniform(-8..<8))]),
      OperationCase("two", Operation.Add(), [Input([2, 3, 4, 5]), Input([2, 3, 4, 5])]),
      OperationCase(
        "three, weighted", Operation.Add(coefficients: [1, -0.5, 2]),
        [Input([1, 17, 3, 3]), Input([1, 17, 3, 3]), Input([1, 17, 3, 3])]),
      OperationCase("one, weighted", Operation.Add(coefficients: [0.25]), [Input([3, 7])]),
      OperationCase(
        "pictures", Operation.Multiply(), [Input([2, 5, 3, 3]), Input([2, 5, 3, 3])]),
      OperationCase("features", Operation.Multiply(), [Input([1, 13]), Input([1, 13])]),
      OperationCase(
        "each example's", Operation.ChannelScale(), [Input([2, 17, 3, 5]), Input([2, 17, 1, 1])]),
      OperationCase(
        "each example's, few channels", Operation.ChannelScale(),
        [Input([3, 5, 4, 4]), Input([3, 5, 1, 1])]),
      OperationCase(
        "each example's, signal", Operation.ChannelScale(),
        [Input([2, 18, 7]), Input([2, 18, 1])]),
      OperationCase(
        "shared", Operation.ChannelScale(),
        [Input([3, 33, 2, 5]), Input([33], parameter: .scale)]),
      OperationCase(
        "shared, of all dimensions but the batch", Operation.ChannelScale(),
        [Input([2, 16, 3, 3]), Input([16, 1, 1], parameter: .scale)]),
      OperationCase(
        "shared, signal", Operation.ChannelScale(),
        [Input([2, 3, 7]), Input([3, 1], parameter: .scale)]),
      OperationCase(
        "picture", Operation.ChannelSum(), [Input([2, 17, 3, 5])], hasGradient: false),
      OperationCase("dense", Operation.ChannelSum(), [Input([5, 6])], hasGradient: false),
      OperationCase(
        "picture", Operation.Constant(0.5, shape: [2, 3, 2, 2]), [], hasGradient: false),
    ]
    + [0, 0.5, 0.9].map { rate in
      OperationCase("rate \(rate)", Operation.Dropout(rate: rate, index: 3), [Input([2, 7, 3, 3])])
    }
    + [0, 0.5, 0.9].map { rate in
      OperationCase(
        "rate \(rate)", Operation.StochasticDepth(rate: rate, index: 3), [Input([6, 7, 3, 3])])
    }
    + [
      OperationCase(
        "features", Operation.StochasticDepth(rate: 0.5, index: 0), [Input([5, 4])]),
      OperationCase(
        "whole blocks", Operation.StochasticDepth(rate: 0.3, index: 1), [Input([3, 32, 2, 3])]),
      OperationCase(
        "signals", Operation.StochasticDepth(rate: 0.5, index: 2), [Input([7, 5, 4])]),
    ]
}

extension Operation.Activation: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.activation(function, inputs[0])]
  }
}

extension Operation.ActivationGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    return [
      evaluator.elementwise(inputs[0], inputs[1]) {
        evaluator.derivative(of: function, at: $0) * $1
      }
    ]
  }
}

extension Operation.Clip: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let elements = inputs[0].elements.map { min(max($0, Double(lower)), Double(upper)) }
    return [ReferenceValue(elements, shape: shapes[0])]
  }
}

extension Operation.ClipGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let range = Double(clip.lower)...Double(clip.upper)
    return [evaluator.elementwise(inputs[0], inputs[1]) { range.contains($0) ? $1 : 0 }]
  }
}

extension Operation.Add: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.add(self, inputs)]
  }
}

extension Operation.Multiply: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.elementwise(inputs[0], inputs[1], *)]
  }
}

extension Operation.ChannelScale: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let (input, factor) = (inputs[0], inputs[1])
    let isShared = factor.elements.count == input.channels && factor.shape.rank < input.shape.rank
    return [
      ReferenceValue(shape: input.shape) { example, channel, row, column in
        input[example, channel, row, column]
          * factor.elements[(isShared ? 0 : example * input.channels) + channel]
      }
    ]
  }
}

extension Operation.ChannelScaleGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let (input, gradient) = (inputs[0], inputs[1])
    var sums = ReferenceValue(zeros: shapes[0])
    for example in 0..<input.batch {
      for channel in 0..<input.channels {
        for row in 0..<input.height {
          for column in 0..<input.width {
            sums.elements[(sharedRank == nil ? example * input.channels : 0) + channel] +=
              input[example, channel, row, column] * gradient[example, channel, row, column]
          }
        }
      }
    }
    return [sums]
  }
}

extension Operation.Dropout: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.dropout(self, inputs[0])]
  }
}

extension Operation.StochasticDepth: ReferenceOperation {
  /// The mask of an example is that of an element of a dropout on a number an example.
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let mask = Operation.Dropout(rate: rate, index: index)
    let count = inputs[0].elements.count / inputs[0].shape[0]
    let elements = inputs[0].elements.enumerated().map { place, element in
      evaluator.keeps(mask, place / count) ? element / (1 - Double(rate)) : 0
    }
    return [ReferenceValue(elements, shape: inputs[0].shape)]
  }
}

extension Operation.Constant: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [ReferenceValue(repeating: Double(value), shape: shapes[0])]
  }
}

extension ReferenceEvaluator {
  func elementwise(
    _ first: ReferenceValue, _ second: ReferenceValue, _ function: (Double, Double) -> Double
  ) -> ReferenceValue {
    ReferenceValue(zip(first.elements, second.elements).map(function), shape: first.shape)
  }

  func activation(_ function: ActivationFunction, _ input: ReferenceValue) -> ReferenceValue {
    ReferenceValue(input.elements.map { value(of: function, at: $0) }, shape: input.shape)
  }

  private func value(of function: ActivationFunction, at x: Double) -> Double {
    switch function {
    case .relu: max(x, 0)
    case .relu6: min(max(x, 0), 6)
    case .leakyReLU(let slope): x > 0 ? x : Double(slope) * x
    case .elu(let alpha): x > 0 ? x : Double(alpha) * expm1(x)
    case .silu: x / (1 + exp(-x))
    case .gelu: x * (1 + erf(x / 2.0.squareRoot())) / 2
    case .tanh: tanh(x)
    case .sigmoid: 1 / (1 + exp(-x))
    case .hardSigmoid: min(max(x + 3, 0), 6) / 6
    case .hardSwish: x * min(max(x + 3, 0), 6) / 6
    }
  }

  /// The derivative, at the place whose input or, where that is enough, output is given.
  func derivative(of function: ActivationFunction, at kept: Double) -> Double {
    switch function {
    case .relu: kept > 0 ? 1 : 0
    case .relu6: kept > 0 && kept < 6 ? 1 : 0
    case .leakyReLU(let slope): kept > 0 ? 1 : Double(slope)
    case .elu(let alpha):
      if kept > 0 {
        1
      } else if alpha >= 0 {
        kept + Double(alpha)
      } else {
        Double(alpha) * exp(kept)
      }
    case .silu: (1 + exp(-kept) * (1 + kept)) / pow(1 + exp(-kept), 2)
    case .gelu:
      (1 + erf(kept / 2.0.squareRoot())) / 2
        + kept * exp(-kept * kept / 2) / (2 * Double.pi).squareRoot()
    case .tanh: 1 - kept * kept
    case .sigmoid: kept * (1 - kept)
    case .hardSigmoid: kept > 0 && kept < 1 ? 1.0 / 6 : 0
    case .hardSwish: kept <= -3 ? 0 : kept >= 3 ? 1 : kept / 3 + 0.5
    }
  }

  func add(_ attributes: Operation.Add, _ inputs: [ReferenceValue]) -> ReferenceValue {
    var sum = ReferenceValue(zeros: inputs[0].shape)
    for (index, input) in inputs.enumerated() {
      let coefficient = attributes.coefficients.map { Double($0[index]) } ?? 1
      sum = elementwise(sum, input) { $0 + coefficient * $1 }
    }
    return sum
  }

  func dropout(_ attributes: Operation.Dropout, _ input: ReferenceValue) -> ReferenceValue {
    let scale = 1 / (1 - Double(attributes.rate))
    let elements = input.elements.enumerated().map { index, element in
      keeps(attributes, index) ? element * scale : 0
    }
    return ReferenceValue(elements, shape: input.shape)
  }
}
