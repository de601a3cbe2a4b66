import ConvNetGraphs
import ConvNetTensors

extension OperationCase {
  static let normalizations: [OperationCase] =
    batchNormalizations + localResponseNormalizations + [
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
