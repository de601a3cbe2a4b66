import CKernels
import ConvNetGraphs

/// Gradient descent with momentum whose rate is scaled for each kernel by the length of its weights over that of its gradient,
/// so that large batches may take large rates (Y. You, I. Gitman, B. Ginsburg, "Large Batch Training of Convolutional
/// Networks", 2017, algorithm 1):
///
///     a = trust |w| / (|dL/dw| + weightDecay |w|)
///     v <- momentum v - learningRate a (dL/dw + weightDecay w)
///     w <- w + v
///
/// Biases and the parameters of normalizations, and kernels whose weights or gradient are all zero, take a = 1. Where weight
/// decay acts on kernels alone, it does so here too.
public struct LARS: Optimizer {
  public static let name = "lars"
  private static let velocity = "velocity"

  /// How far a step moves the weights, relative to their length, at a rate of 1: above zero.
  public var trust: Float
  /// The share of the last step that goes into this one, from 0 to below 1.
  public var momentum: Float
  /// What the weights are drawn to zero by, beside the gradient.
  public var weightDecay: Float
  /// What weight decay acts on.
  public var decaying: WeightDecayScope

  /// The paper's constants, where nothing else is said.
  public init(
    trust: Float = 0.001, momentum: Float = 0.9, weightDecay: Float = 0.0005,
    decaying: WeightDecayScope = .kernels
  ) {
    self.trust = trust
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.decaying = decaying
  }

  public func validate() throws(TrainingError) {
    try require(trust.isFinite && trust > 0, "trust", trust, "a finite number above zero")
    try requireMomentum(momentum)
    try requireDecay(weightDecay)
  }

  public var slots: [String] { [Self.velocity] }

  /// The lengths are those of whole parameters.
  public var updatesElementsSeparately: Bool { false }

  public func update(
    _ weights: inout MutableSpan<Float>, gradient: Span<Float>, in step: borrowing OptimizerStep
  ) {
    let decay = decaying.decay(weightDecay, in: step)
    let (rate, isScaled) = (step.learningRate, step.kind == .kernel)
    step.withPointers(&weights, gradient, slots) { weights, gradient, slots, count in
      var settings = ck_momentum(
        rate: rate, momentum: momentum, decay: decay, velocity: CK_VELOCITY_OF_STEPS,
        looks_ahead: false)
      if isScaled {
        let length = ck_sum_of_squares(weights, count).squareRoot()
        let slope = ck_sum_of_squares(gradient, count).squareRoot()
        if length > 0, slope > 0 {
          settings.rate *= Float(Double(trust) * length / (slope + Double(decay) * length))
        }
      }
      ck_momentum_step(weights, slots[0], gradient, count, &settings)
    }
  }

  public var description: String {
    "LARS of trust \(trust), momentum \(momentum) and weight decay \(weightDecay) on \(decaying)"
  }
}

extension Optimizer where Self == LARS {
  /// ``LARS``: gradient descent whose rate goes by the lengths of each kernel's weights and gradient.
  public static func lars(
    trust: Float = 0.001, momentum: Float = 0.9, weightDecay: Float = 0.0005,
    decaying: WeightDecayScope = .kernels
  ) -> Self {
    LARS(trust: trust, momentum: momentum, weightDecay: weightDecay, decaying: decaying)
  }
}
