import ConvNetGraphs
import ConvNetTensors
import func Foundation.pow

extension ReferenceEvaluator {
  func batchNormalization(
    _ attributes: Operation.BatchNormalization, _ inputs: [ReferenceValue]
  ) -> [ReferenceValue] {
    let input = inputs[0]
    var (mean, variance) = (inputs[3], inputs[4])
    if [.training, .rectifiedTraining].contains(attributes.form) {
      let count = Double(input.elements.count / input.channels)
      mean = channelSum(input)
      mean.elements = mean.elements.map { $0 / count }
      let squares = ReferenceValue(shape: input.shape) { example, channel, row, column in
        pow(input[example, channel, row, column] - mean.elements[channel], 2)
      }
      variance = channelSum(squares)
      variance.elements = variance.elements.map { $0 / count }
    }
    let output = ReferenceValue(shape: input.shape) { example, channel, row, column in
      let deviation = (variance.elements[channel] + Double(attributes.epsilon)).squareRoot()
      return inputs[1].elements[channel]
        * (input[example, channel, row, column] - mean.elements[channel]) / deviation
        + inputs[2].elements[channel]
    }
    switch attributes.form {
    case .inference: return [output]
    case .rectifiedInference:
      var rectified = output
      rectified.elements = output.elements.map { max(0, $0) }
      return [rectified]
    case .training: return [output, mean, variance]
    case .rectifiedTraining:
      var rectified = output
      rectified.elements = output.elements.map { max(0, $0) }
      return [rectified, mean, variance]
    }
  }

  func foldedBatchNormalization(
    _ attributes: Operation.FoldedBatchNormalization, _ inputs: [ReferenceValue]
  ) -> [ReferenceValue] {
    var kernel = inputs[0]
    let parameters = inputs.suffix(4).map(\.elements)
    var bias = ReferenceValue(zeros: [kernel.batch])
    if attributes.hasBias { bias = inputs[1] }
    let elementsOfOutput = kernel.elements.count / kernel.batch
    for output in 0..<kernel.batch {
      let factor =
        parameters[0][output]
        / (parameters[3][output] + Double(attributes.epsilon)).squareRoot()
      for index in 0..<elementsOfOutput {
        kernel.elements[output * elementsOfOutput + index] *= factor
      }
      bias.elements[output] =
        (bias.elements[output] - parameters[2][output]) * factor + parameters[1][output]
    }
    return [kernel, bias]
  }

  func movingAverage(
    _ attributes: Operation.MovingAverage, _ inputs: [ReferenceValue]
  ) -> ReferenceValue {
    let momentum = Double(attributes.momentum)
    return elementwise(inputs[0], inputs[1]) {
      momentum * $0 + (1 - momentum) * Double(attributes.correction) * $1
    }
  }

  func localResponseNormalization(
    _ attributes: Operation.LocalResponseNormalization, _ input: ReferenceValue
  ) -> ReferenceValue {
    let reach = attributes.size / 2
    var neighbours = attributes.size
    if attributes.region == .withinChannel, input.shape.rank == 4 { neighbours *= neighbours }
    let coefficient =
      attributes.alphaConvention == .sum
      ? Double(attributes.alpha) : Double(attributes.alpha) / Double(neighbours)
    return ReferenceValue(shape: input.shape) { example, channel, row, column in
      var squares = 0.0
      switch attributes.region {
      case .acrossChannels:
        for other in channel - reach...channel + reach where 0..<input.channels ~= other {
          squares += pow(input[example, other, row, column], 2)
        }
      case .withinChannel:
        for i in row - reach...row + reach {
          for j in column - reach...column + reach {
            squares += pow(input.padded(example, channel, i, j), 2)
          }
        }
      }
      return input[example, channel, row, column]
        / pow(Double(attributes.bias) + coefficient * squares, Double(attributes.beta))
    }
  }
}
