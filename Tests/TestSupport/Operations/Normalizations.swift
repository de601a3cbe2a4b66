import ConvNetGraphs
import ConvNetTensors
import func Foundation.pow

extension OperationCase {
  static let normalizations: [OperationCase] =
    batchNormalizations + localResponseNormalizations + layerNormalizations + [
      folded("convolution with bias", kernel: [5, 3, 3, 3], hasBias: true),
      folded("convolution without bias", kernel: [17, 2, 1, 1], hasBias: false),
      folded("dense with bias", kernel: [4, 7], hasBias: true),
      OperationCase(
        "lecture's", Operation.MovingAverage(momentum: 0.99), [Input([7]), Input([7])],
        hasGradient: false),
      OperationCase(
        "sample variance", Operation.MovingAverage(momentum: 0.9, correction: 8.0 / 7),
        [Input([19]), Input([19])], hasGradient: false),
    ]

  private static let batchNormalizations: [OperationCase] = {
    let shapes: [(String, Shape)] = [
      ("picture", [3, 4, 5, 2]), ("17 channels", [2, 17, 3, 3]), ("batch 1", [1, 3, 4, 4]),
      ("16 channels", [4, 16, 2, 2]), ("dense", [6, 5]), ("signal", [2, 3, 7]),
    ]
    // The rectified form is made by a pass only, which has tests of its own.
    return [Operation.BatchNormalization.Form.inference, .training].flatMap { form in
      shapes.map { name, shape in
        let channels: Shape = [shape[1]]
        return OperationCase(
          "\(form), \(name)", Operation.BatchNormalization(epsilon: 0.01, form: form),
          [
            Input(shape, .uniform(-2..<3)),
            Input(channels, .uniform(0.5..<1.5), parameter: .scale),
            Input(channels, parameter: .shift),
            Input(channels, parameter: .runningMean, isDifferentiable: false),
            Input(
              channels, .uniform(0.2..<2), parameter: .runningVariance, isDifferentiable: false),
          ])
      }
    }
  }()

  private static let layerNormalizations: [OperationCase] = {
    let shapes: [(String, Shape)] = [
      ("picture", [2, 4, 5, 3]), ("17 channels", [2, 17, 3, 3]), ("48 channels", [1, 48, 3, 5]),
      ("signal", [3, 20, 7]), ("features", [5, 19]), ("one position", [2, 33, 1, 1]),
    ]
    return shapes.map { name, shape in
      OperationCase(
        name, Operation.LayerNormalization(epsilon: 0.01),
        [
          Input(shape, .uniform(-2..<3)),
          Input([shape[1]], .uniform(0.5..<1.5), parameter: .scale),
          Input([shape[1]], parameter: .shift),
        ])
    }
  }()

  private static let localResponseNormalizations: [OperationCase] =
    Operation.LocalResponseNormalization.Region.allCases.flatMap { region in
      Operation.LocalResponseNormalization.AlphaConvention.allCases.flatMap { convention in
        let shapes: [(String, Shape)] = [
          ("fewer channels than neighbours", [1, 3, 4, 5]), ("17 channels", [2, 17, 3, 3]),
          ("16 channels", [1, 16, 5, 4]),
        ]
        return shapes.map { name, shape in
          // A large alpha, so that an error in the sum shows.
          OperationCase(
            "\(region), \(convention), \(name)",
            Operation.LocalResponseNormalization(
              size: 5, alpha: 0.5, bias: 1, alphaConvention: convention, region: region),
            [Input(shape, .uniform(-2..<2))])
        }
      }
    } + [
      OperationCase(
        "AlexNet's constants", Operation.LocalResponseNormalization(size: 5),
        [Input([1, 9, 3, 3], .uniform(0..<50))]),
      OperationCase(
        "size 3, beta 1", Operation.LocalResponseNormalization(size: 3, alpha: 0.3, beta: 1),
        [Input([2, 6, 4, 4])]),
      OperationCase(
        "signal", Operation.LocalResponseNormalization(size: 3, alpha: 0.3, bias: 1),
        [Input([2, 6, 5], .uniform(-2..<2))]),
      OperationCase(
        "signal, mean within channel",
        Operation.LocalResponseNormalization(
          size: 3, alpha: 0.9, bias: 1, alphaConvention: .mean, region: .withinChannel),
        [Input([2, 4, 7], .uniform(-2..<2))]),
      OperationCase(
        "a neighbourhood of one", Operation.LocalResponseNormalization(size: 1, alpha: 0.3),
        [Input([2, 9, 3, 2], .uniform(-2..<2))]),
      OperationCase(
        "signal, a neighbourhood of one",
        Operation.LocalResponseNormalization(size: 1, alpha: 0.3, region: .withinChannel),
        [Input([2, 4, 7], .uniform(-2..<2))]),
      OperationCase(
        "dense", Operation.LocalResponseNormalization(size: 5, alpha: 0.3, bias: 1),
        [Input([3, 9], .uniform(-2..<2))]),
    ]

  private static func folded(_ name: String, kernel: Shape, hasBias: Bool) -> OperationCase {
    let channels: Shape = [kernel[0]]
    return OperationCase(
      name, Operation.FoldedBatchNormalization(epsilon: 0.001, hasBias: hasBias),
      [.kernel(kernel)] + (hasBias ? [.bias(kernel[0])] : []) + [
        Input(channels, .uniform(0.5..<1.5), parameter: .scale),
        Input(channels, parameter: .shift), Input(channels, parameter: .runningMean),
        Input(channels, .uniform(0.2..<2), parameter: .runningVariance),
      ], hasGradient: false)
  }
}

extension Operation.BatchNormalization: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    evaluator.batchNormalization(self, inputs)
  }
}

extension Operation.BatchNormalizationGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let forward = Operation.BatchNormalization(epsilon: epsilon, form: .training)
    let (mean, variance, scale) = (inputs[2], inputs[3], inputs[4])
    let shift = isRectified ? inputs[5] : evaluator.zeros(scale.shape)
    let arguments = [inputs[0], scale, shift, mean, variance]
    var incoming = inputs[1]
    if isRectified {
      incoming = evaluator.elementwise(
        incoming, evaluator.batchNormalization(forward, arguments)[0]
      ) {
        $1 > 0 ? $0 : Double(negativeSlope) * $0
      }
    }
    return try (0..<3).map {
      try evaluator.pullBack(incoming, through: forward, at: arguments, by: $0)
    }
  }
}

extension Operation.LayerNormalization: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let input = inputs[0]
    return [
      ReferenceValue(shape: input.shape) { example, channel, row, column in
        let channels = (0..<input.channels).map { input[example, $0, row, column] }
        let mean = channels.reduce(0, +) / Double(channels.count)
        let variance = channels.reduce(0) { $0 + pow($1 - mean, 2) } / Double(channels.count)
        return inputs[1].elements[channel] * (channels[channel] - mean)
          / (variance + Double(epsilon)).squareRoot() + inputs[2].elements[channel]
      }
    ]
  }
}

extension Operation.LayerNormalizationInputGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let arguments = [inputs[0], inputs[2], evaluator.zeros(inputs[2].shape)]
    let forward = Operation.LayerNormalization(epsilon: epsilon)
    return [try evaluator.pullBack(inputs[1], through: forward, at: arguments, by: 0)]
  }
}

extension Operation.LayerNormalizationParameterGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let ones = ReferenceValue(repeating: 1, shape: shapes[0])
    let arguments = [inputs[0], ones, evaluator.zeros(shapes[0])]
    let forward = Operation.LayerNormalization(epsilon: epsilon)
    return try (1...2).map {
      try evaluator.pullBack(inputs[1], through: forward, at: arguments, by: $0)
    }
  }
}

extension Operation.FoldedBatchNormalization: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    evaluator.foldedBatchNormalization(self, inputs)
  }
}

extension Operation.MovingAverage: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [evaluator.movingAverage(self, inputs)]
  }
}

extension Operation.LocalResponseNormalization: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    let output = evaluator.localResponseNormalization(self, inputs[0])
    return shapes.map { _ in output }
  }
}

extension Operation.LocalResponseNormalizationGradient: ReferenceOperation {
  func values(
    of inputs: [ReferenceValue], outputs shapes: [Shape], by evaluator: ReferenceEvaluator
  ) throws -> [ReferenceValue] {
    [try evaluator.pullBackByExample(inputs[1], through: forward, at: [inputs[0]])]
  }
}

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
    let slope = Double(attributes.negativeSlope)
    switch attributes.form {
    case .inference, .frozen: return [output]
    case .rectifiedInference:
      var rectified = output
      rectified.elements = output.elements.map { $0 < 0 ? slope * $0 : $0 }
      return [rectified]
    case .training: return [output, mean, variance]
    case .rectifiedTraining:
      var rectified = output
      rectified.elements = output.elements.map { $0 < 0 ? slope * $0 : $0 }
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
