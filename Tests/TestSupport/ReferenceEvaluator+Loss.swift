import ConvNetGraphs
import ConvNetTensors
import func Foundation.exp
import func Foundation.log
import func Foundation.pow

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
    var loss = 0.0
    for example in 0..<logits.batch {
      for label in 0..<logits.channels {
        let target = target(
          inputs[1], smoothing: attributes.labelSmoothing, classes: logits.channels, example, label)
        loss -= target * logarithms[example, label, 0, 0]
      }
    }
    return [
      ReferenceValue([loss / Double(logits.batch)], shape: [1]),
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
}
