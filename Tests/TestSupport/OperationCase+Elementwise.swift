import ConvNetGraphs
import ConvNetTensors

extension OperationCase {
  private static let functions: [ActivationFunction] = [
    .relu, .relu6, .leakyReLU(slope: 0.1), .leakyReLU(slope: -0.2), .elu(alpha: 1.3),
    .elu(alpha: -0.5), .silu, .gelu, .tanh, .sigmoid,
  ]

  static let elementwise: [OperationCase] =
    functions.map { function in
      OperationCase(
        "\(function)", Operation.Activation(function),
        [Input([2, 9, 4, 5], .uniform(-8..<8))])
    }
    + [
      OperationCase("tanh, dense", Operation.Activation(.tanh), [Input([3, 21])]),
      OperationCase("two", Operation.Add(), [Input([2, 3, 4, 5]), Input([2, 3, 4, 5])]),
      OperationCase(
        "three, weighted", Operation.Add(coefficients: [1, -0.5, 2]),
        [Input([1, 17, 3, 3]), Input([1, 17, 3, 3]), Input([1, 17, 3, 3])]),
      OperationCase("one, weighted", Operation.Add(coefficients: [0.25]), [Input([3, 7])]),
      OperationCase(
        "pictures", Operation.Multiply(), [Input([2, 5, 3, 3]), Input([2, 5, 3, 3])]),
      OperationCase("features", Operation.Multiply(), [Input([1, 13]), Input([1, 13])]),
      OperationCase(
        "picture", Operation.ChannelSum(), [Input([2, 17, 3, 5])], hasGradient: false),
      OperationCase("dense", Operation.ChannelSum(), [Input([5, 6])], hasGradient: false),
      OperationCase(
        "picture", Operation.Constant(0.5, shape: [2, 3, 2, 2]), [], hasGradient: false),
    ]
    + [0, 0.5, 0.9].map { rate in
      OperationCase("rate \(rate)", Operation.Dropout(rate: rate, index: 3), [Input([2, 7, 3, 3])])
    }
}
