import ConvNetGraphs
import ConvNetTensors

extension OperationCase {
  static let losses: [OperationCase] =
    [false, true].flatMap { isLogarithmic in
      let shapes: [(String, Shape)] = [
        ("features", [3, 10]), ("two classes", [1, 2]), ("picture", [2, 5, 3, 2]),
      ]
      return shapes.map { name, shape in
        OperationCase(
          name + (isLogarithmic ? ", logarithm" : ""),
          Operation.Softmax(isLogarithmic: isLogarithmic), [Input(shape, .uniform(-4..<4))])
      }
    }
    + [0, 0.1, 1].flatMap { smoothing in
      [
        OperationCase(
          "classes, smoothing \(smoothing)", Operation.CrossEntropy(labelSmoothing: smoothing),
          [
            Input([4, 10], .uniform(-4..<4)),
            Input([4], .classes(10), isDifferentiable: false),
          ]),
        OperationCase(
          "distributions, smoothing \(smoothing)",
          Operation.CrossEntropy(labelSmoothing: smoothing),
          [
            Input([3, 7], .uniform(-4..<4)),
            Input([3, 7], .distributions, isDifferentiable: false),
          ]),
      ]
    }
    + [
      OperationCase(
        "large logits", Operation.CrossEntropy(),
        [Input([2, 5], .uniform(-200..<200)), Input([2], .classes(5), isDifferentiable: false)]),
      OperationCase("features", Operation.MeanSquaredError(), [Input([3, 5]), Input([3, 5])]),
      OperationCase(
        "pictures", Operation.MeanSquaredError(), [Input([2, 3, 5, 4]), Input([2, 3, 5, 4])]),
      OperationCase(
        "mask", Operation.MeanSquaredError(hasMask: true),
        [
          Input([1, 3, 4, 4]), Input([1, 3, 4, 4]),
          Input([1, 3, 4, 4], .uniform(0..<1), isDifferentiable: false),
        ]),
    ]
}
