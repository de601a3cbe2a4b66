import CKernels

/// Gradient descent with momentum and weight decay, in the lecture's form (Krizhevsky et al., 2012):
///
///     v <- momentum v - learningRate dL/dw - weightDecay learningRate w
///     w <- w + v
///
/// Nesterov's momentum takes the gradient one velocity ahead (I. Sutskever et al., "On the importance of initialization and
/// momentum in deep learning", 2013), in the form whose parameters are those ahead, as frameworks have it:
///
///     w <- w + momentum v - learningRate dL/dw - weightDecay learningRate w
///
/// with the new v. ``velocity`` says what v adds up; while the rate stays the same, both give the same parameters.
public struct StochasticGradientDescent: Optimizer {
  public static let name = "sgd"

  /// The share of the last step that goes into this one, from 0 to below 1.
  public var momentum: Float
  /// What the weights are drawn to zero by, beside the gradient: 0.0005 in AlexNet.
  public var weightDecay: Float
  /// What weight decay acts on.
  public var decaying: WeightDecayScope
  /// Whether the step goes by the velocity that it leads to: Nesterov's.
  public var looksAhead: Bool
  /// What the velocity adds up.
  public var velocity: VelocityForm

  /// Plain gradient descent, unless momentum or weight decay are given.
  public init(
    momentum: Float = 0, weightDecay: Float = 0, decaying: WeightDecayScope = .all,
    looksAhead: Bool = false, velocity: VelocityForm = .steps
  ) {
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.decaying = decaying
    self.looksAhead = looksAhead
    self.velocity = velocity
  }

  public func validate() throws(TrainingError) {
    try requireMomentum(momentum)
    try requireDecay(weightDecay)
    try require(
      !looksAhead || momentum > 0, "momentum", momentum,
      "above zero for Nesterov's form, which looks ahead by it")
  }

  public var slots: [String] { [velocity.slot] }

  public var updatesElementsSeparately: Bool { true }

  public func update(
    _ weights: inout MutableSpan<Float>, gradient: Span<Float>, in step: borrowing OptimizerStep
  ) {
    var settings = ck_momentum(
      rate: step.learningRate, momentum: momentum, decay: decaying.decay(weightDecay, in: step),
      velocity: velocity.kernelForm, looks_ahead: looksAhead)
    step.withPointers(&weights, gradient, [velocity.slot]) { weights, gradient, slots, count in
      ck_momentum_step(weights, slots[0], gradient, count, &settings)
    }
  }

  public var description: String {
    "\(looksAhead ? "Nesterov's " : "")SGD of momentum \(momentum) and weight decay \(weightDecay) on \(decaying)"
      + velocity.words
  }
}

extension StochasticGradientDescent {
  private enum CodingKeys: CodingKey {
    case momentum, weightDecay, decaying, looksAhead, velocity
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      momentum: try values.decode(Float.self, forKey: .momentum),
      weightDecay: try values.decode(Float.self, forKey: .weightDecay),
      decaying: try values.decode(WeightDecayScope.self, forKey: .decaying),
      looksAhead: try values.decodeIfPresent(Bool.self, forKey: .looksAhead) ?? false,
      velocity: try values.decodeIfPresent(VelocityForm.self, forKey: .velocity) ?? .steps)
  }

  // The lecture's form is written as it was before there were others, so that its checkpoints go on.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(momentum, forKey: .momentum)
    try values.encode(weightDecay, forKey: .weightDecay)
    try values.encode(decaying, forKey: .decaying)
    if looksAhead { try values.encode(looksAhead, forKey: .looksAhead) }
    if velocity != .steps { try values.encode(velocity, forKey: .velocity) }
  }
}

extension Optimizer where Self == StochasticGradientDescent {
  /// ``StochasticGradientDescent``: v <- momentum v - learningRate dL/dw - weightDecay learningRate w, w <- w + v.
  public static func sgd(
    momentum: Float = 0, weightDecay: Float = 0, decaying: WeightDecayScope = .all,
    velocity: VelocityForm = .steps
  ) -> Self {
    StochasticGradientDescent(
      momentum: momentum, weightDecay: weightDecay, decaying: decaying, velocity: velocity)
  }

  /// ``StochasticGradientDescent`` with Nesterov's momentum.
  public static func nesterov(
    momentum: Float = 0.9, weightDecay: Float = 0, decaying: WeightDecayScope = .all,
    velocity: VelocityForm = .steps
  ) -> Self {
    StochasticGradientDescent(
      momentum: momentum, weightDecay: weightDecay, decaying: decaying, looksAhead: true,
      velocity: velocity)
  }
}
