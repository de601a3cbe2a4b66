import CKernels
import Foundation

/// Steps by the mean of the gradients over the root of the mean of their squares, both freed of their beginning at zero (D.
/// Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", 2015). At step t, with g = dL/dw:
///
///     m <- m + (1 - meanDecay) (g - m)
///     s <- s + (1 - squareDecay) (g^2 - s)
///     w <- w - learningRate m / (1 - meanDecay^t) / (sqrt(s / (1 - squareDecay^t)) + epsilon)
///
/// Weight decay is decoupled, w <- w - learningRate weightDecay w before the step (I. Loshchilov, F. Hutter, "Decoupled Weight
/// Decay Regularization", 2019: AdamW), or added to the gradient, g = dL/dw + weightDecay w.
public struct Adam: Optimizer {
  public static let name = "adam"
  private static let mean = "mean"
  private static let squares = "squares"

  /// How weight decay acts.
  public enum DecayForm: String, Hashable, Sendable, Codable, CaseIterable {
    /// On the weights, beside the step: AdamW.
    case decoupled
    /// As a part of the gradient, which the division then scales with it.
    case coupled
  }

  /// To which root epsilon is added.
  public enum EpsilonForm: String, Hashable, Sendable, Codable, CaseIterable {
    /// That of the squares freed of their beginning: the paper's algorithm 1, PyTorch's.
    case corrected
    /// That of the squares as they are, which makes epsilon larger at the beginning: the paper's "epsilon hat", Keras's.
    case uncorrected
  }

  /// The weight of the old mean of gradients, from 0 to below 1.
  public var meanDecay: Float
  /// The weight of the old mean of squares, from 0 to below 1.
  public var squareDecay: Float
  /// Added to the root, above zero.
  public var epsilon: Float
  /// To which root.
  public var epsilonForm: EpsilonForm
  /// What the weights are drawn to zero by.
  public var weightDecay: Float
  /// How.
  public var decayForm: DecayForm
  /// What weight decay acts on.
  public var decaying: WeightDecayScope

  /// The paper's constants, where nothing else is said.
  public init(
    meanDecay: Float = 0.9, squareDecay: Float = 0.999, epsilon: Float = 1e-8,
    epsilonForm: EpsilonForm = .corrected, weightDecay: Float = 0,
    decayForm: DecayForm = .decoupled, decaying: WeightDecayScope = .all
  ) {
    self.meanDecay = meanDecay
    self.squareDecay = squareDecay
    self.epsilon = epsilon
    self.epsilonForm = epsilonForm
    self.weightDecay = weightDecay
    self.decayForm = decayForm
    self.decaying = decaying
  }

  public func validate() throws(TrainingError) {
    try require((0..<1).contains(meanDecay), "mean decay", meanDecay, "from 0 to below 1")
    try require((0..<1).contains(squareDecay), "square decay", squareDecay, "from 0 to below 1")
    try requireEpsilon(epsilon)
    try requireDecay(weightDecay)
  }

  public var slots: [String] { [Self.mean, Self.squares] }

  public var updatesElementsSeparately: Bool { true }

  public func update(
    _ weights: inout MutableSpan<Float>, gradient: Span<Float>, in step: borrowing OptimizerStep
  ) {
    let seenMean = 1 - pow(Double(meanDecay), Double(step.number))
    let seenRoot = (1 - pow(Double(squareDecay), Double(step.number))).squareRoot()
    let rate = Double(step.learningRate) / seenMean
    let decay = decaying.decay(weightDecay, in: step)
    let isCorrected = epsilonForm == .corrected
    var settings = ck_adam(
      mean_share: 1 - meanDecay, square_share: 1 - squareDecay,
      keep: decayForm == .decoupled ? 1 - step.learningRate * decay : 1,
      rate: Float(isCorrected ? rate : rate * seenRoot),
      root_factor: Float(isCorrected ? 1 / seenRoot : 1), epsilon: epsilon,
      decay: decayForm == .coupled ? decay : 0)
    step.withPointers(&weights, gradient, slots) { weights, gradient, slots, count in
      ck_adam_step(weights, slots[0], slots[1], gradient, count, &settings)
    }
  }

  public var description: String {
    "Adam of mean decay \(meanDecay), square decay \(squareDecay), epsilon \(epsilon)"
      + (epsilonForm == .corrected ? "" : " beside the uncorrected root")
      + ", \(decayForm) weight decay \(weightDecay) on \(decaying)"
  }
}

extension Optimizer where Self == Adam {
  /// ``Adam``, with weight decay as a part of the gradient.
  public static func adam(
    meanDecay: Float = 0.9, squareDecay: Float = 0.999, epsilon: Float = 1e-8,
    epsilonForm: Adam.EpsilonForm = .corrected, weightDecay: Float = 0,
    decaying: WeightDecayScope = .all
  ) -> Self {
    Adam(
      meanDecay: meanDecay, squareDecay: squareDecay, epsilon: epsilon, epsilonForm: epsilonForm,
      weightDecay: weightDecay, decayForm: .coupled, decaying: decaying)
  }

  /// ``Adam`` with decoupled weight decay, on kernels where nothing else is said.
  public static func adamW(
    meanDecay: Float = 0.9, squareDecay: Float = 0.999, epsilon: Float = 1e-8,
    epsilonForm: Adam.EpsilonForm = .corrected, weightDecay: Float = 0.01,
    decaying: WeightDecayScope = .kernels
  ) -> Self {
    Adam(
      meanDecay: meanDecay, squareDecay: squareDecay, epsilon: epsilon, epsilonForm: epsilonForm,
      weightDecay: weightDecay, decayForm: .decoupled, decaying: decaying)
  }
}
