import ConvNetGraphs
import ConvNetTensors
import func Foundation.exp
import func Foundation.log
import func Foundation.pow

extension OperationCase {
  static let losses = softmaxAndErrors + weightedErrors + labelErrors

  private static let weightedErrors: [OperationCase] = [0, 0.1].flatMap {
    (smoothing: Float) -> [OperationCase] in
    let weighted = Operation.CrossEntropy(
      labelSmoothing: smoothing, classWeights: [0.5, 2, 1, 0.1, 3])
    return [
      OperationCase(
        "class weights, smoothing \(smoothing)", weighted,
        [Input([4, 5], .uniform(-4..<4)), Input([4], .classes(5), isDifferentiable: false)]),
      OperationCase(
        "class weights, distributions, smoothing \(smoothing)", weighted,
        [
          Input([3, 5], .uniform(-4..<4)), Input([3, 5], .distributions, isDifferentiable: false),
        ]),
    ]
  }

  private static let labelErrors: [OperationCase] = [
    OperationCase(
      "labels", Operation.BinaryCrossEntropy(),
      [Input([3, 5], .uniform(-6..<6)), Input([3, 5], .uniform(0..<1), isDifferentiable: false)]),
    OperationCase(
      "labels, positive weights",
      Operation.BinaryCrossEntropy(positiveWeights: [0.5, 2, 1, 0.1, 30]),
      [Input([3, 5], .uniform(-6..<6)), Input([3, 5], .uniform(0..<1), isDifferentiable: false)]),
    OperationCase(
      "one label, positive weight", Operation.BinaryCrossEntropy(positiveWeights: [4]),
      [
        Input([3, 1], .uniform(-40..<40)), Input([3, 1], .uniform(0..<1), isDifferentiable: false),
      ]),
    OperationCase(
      "large logits", Operation.BinaryCrossEntropy(),
      [
        Input([2, 5], .uniform(-80..<80)), Input([2, 5], .uniform(0..<1), isDifferentiable: false),
      ]),
  ]

  private static let softmaxAndErrors: [OperationCase] =
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

extension Operation.Softmax: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.softmax(self, inputs[0])]
  }
}

extension Operation.SoftmaxGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.softmaxGradient(self, inputs)]
  }
}

extension Operation.CrossEntropy: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    evaluator.crossEntropy(self, inputs)
  }
}

extension Operation.CrossEntropyGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let probabilities = inputs[0]
    let classes = probabilities.channels
    func weight(_ label: Int) -> Double { classWeights.map { Double($0[label]) } ?? 1 }
    func target(_ example: Int, _ label: Int, smoothing: Float) -> Double {
      weight(label)
        * evaluator.target(inputs[1], smoothing: smoothing, classes: classes, example, label)
    }
    var sum = 0.0
    for example in 0..<probabilities.batch {
      for label in 0..<classes { sum += target(example, label, smoothing: 0) }
    }
    let factor =
      inputs[2].elements[0] / (classWeights == nil ? Double(probabilities.batch) : sum)
    return [
      ReferenceValue(shape: probabilities.shape) { example, label, _, _ in
        let targets = (0..<classes).reduce(0) {
          $0 + target(example, $1, smoothing: labelSmoothing)
        }
        return factor
          * (probabilities[example, label, 0, 0] * targets
            - target(example, label, smoothing: labelSmoothing))
      }
    ]
  }
}

extension Operation.BinaryCrossEntropy: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    var loss = 0.0
    for (place, x) in inputs[0].elements.enumerated() {
      let target = inputs[1].elements[place]
      let weight = positiveWeights.map { Double($0[place % $0.count]) } ?? 1
      // log p and log(1 - p) without 1 - p.
      let tail = log(1 + exp(-abs(x)))
      loss += weight * target * (max(-x, 0) + tail) + (1 - target) * (max(x, 0) + tail)
    }
    return [
      ReferenceValue([loss / Double(inputs[0].elements.count)], shape: [1]),
      ReferenceValue(inputs[0].elements.map { 1 / (1 + exp(-$0)) }, shape: inputs[0].shape),
    ]
  }
}

extension Operation.BinaryCrossEntropyGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let factor = inputs[2].elements[0] / Double(inputs[0].elements.count)
    let labels = inputs[0].shape[1]
    return [
      ReferenceValue(shape: inputs[0].shape) { example, label, _, _ in
        let place = example * labels + label
        let (p, target) = (inputs[0].elements[place], inputs[1].elements[place])
        let weight = positiveWeights.map { Double($0[label]) } ?? 1
        return factor * ((1 - target) * p - weight * target * (1 - p))
      }
    ]
  }
}

extension Operation.MeanSquaredError: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.meanSquaredError(inputs)]
  }
}

extension Operation.MeanSquaredErrorGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let factor = 2 * inputs[inputs.count - 1].elements[0] / Double(inputs[0].elements.count)
    let difference = evaluator.elementwise(inputs[0], inputs[1]) { factor * ($0 - $1) }
    return [hasMask ? evaluator.elementwise(difference, inputs[2], *) : difference]
  }
}

extension ReferenceEvaluator {
  func softmax(_ attributes: Operation.Softmax, _ input: ReferenceValue) -> ReferenceValue {
    ReferenceValue(shape: input.shape) { example, channel, row, column in
      let logits = (0..<input.channels).map { input[example, $0, row, column] }
      let largest = logits.reduce(-.infinity, max)
      let sum = logits.reduce(0) { $0 + exp($1 - largest) }
      let logarithm = input[example, channel, row, column] - largest - log(sum)
      return attributes.isLogarithmic ? logarithm : exp(logarithm)
    }
  }

  /// The smoothed target distribution of an example at a class.
  func target(
    _ labels: ReferenceValue, smoothing: Float, classes: Int, _ example: Int, _ label: Int
  ) -> Double {
    let given =
      labels.shape.rank == 1
      ? (Int(labels.elements[example]) == label ? 1 : 0) : labels[example, label, 0, 0]
    return (1 - Double(smoothing)) * given + Double(smoothing) / Double(classes)
  }

  func crossEntropy(
    _ attributes: Operation.CrossEntropy, _ inputs: [ReferenceValue]
  ) -> [ReferenceValue] {
    let logits = inputs[0]
    let logarithms = softmax(Operation.Softmax(isLogarithmic: true), logits)
    var (loss, weights) = (0.0, 0.0)
    for example in 0..<logits.batch {
      for label in 0..<logits.channels {
        let weight = attributes.classWeights.map { Double($0[label]) } ?? 1
        let target = target(
          inputs[1], smoothing: attributes.labelSmoothing, classes: logits.channels, example, label)
        loss -= weight * target * logarithms[example, label, 0, 0]
        weights +=
          weight
          * self.target(inputs[1], smoothing: 0, classes: logits.channels, example, label)
      }
    }
    let count = attributes.classWeights == nil ? Double(logits.batch) : weights
    return [
      ReferenceValue([loss / count], shape: [1]),
      ReferenceValue(logarithms.elements.map { exp($0) }, shape: logits.shape),
    ]
  }

  func meanSquaredError(_ inputs: [ReferenceValue]) -> ReferenceValue {
    var sum = 0.0
    for index in inputs[0].elements.indices {
      let mask = inputs.count == 3 ? inputs[2].elements[index] : 1
      sum += mask * pow(inputs[0].elements[index] - inputs[1].elements[index], 2)
    }
    return ReferenceValue([sum / Double(inputs[0].elements.count)], shape: [1])
  }

  func softmaxGradient(
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
