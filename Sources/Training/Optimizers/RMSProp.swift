import CKernels
import Foundation

/// Gradients divided by the root of a moving average of their squares (T. Tieleman, G. Hinton, "Neural Networks for Machine
/// Learning", lecture 6.5, 2012), with momentum where it is wanted. With g = dL/dw + weightDecay w:
///
///     s <- squareDecay s + (1 - squareDecay) g^2
///     u = g / sqrt(s + epsilon)            epsilon inside the root, TensorFlow's and Keras's
///     u = g / (sqrt(s) + epsilon)          epsilon outside, PyTorch's
///     v <- momentum v + learningRate u,  w <- w - v
///
/// Centred, the variance s - m^2 stands for s, with m <- squareDecay m + (1 - squareDecay) g (A. Graves, "Generating Sequences
/// With Recurrent Neural Networks", 2013, equation 40).
///
/// The lecture trains Inception v3 with a decay of 0.9 and an epsilon of 1, inside the root as its authors' TensorFlow has it,
/// which also begins the average at 1 and not at 0: ``initialSquare``.
public struct RMSProp: Optimizer {
  public static let name = "rmsprop"
  private static let squares = "squares"
  private static let mean = "mean"

  /// The weight of the old average of squares, from 0 to below 1. PyTorch calls it alpha, Keras rho.
  public var squareDecay: Float
  /// The share of the last step that goes into this one, from 0 to below 1: classical momentum.
  public var momentum: Float
  /// Keeps small gradients from large steps, above zero.
  public var epsilon: Float
  /// Where epsilon is added.
  public var epsilonPlace: EpsilonPlace
  /// Whether the squares are taken around the mean of the gradients.
  public var isCentered: Bool
  /// Where the average of squares begins, zero or more.
  public var initialSquare: Float
  /// Added to the gradient, times the weights.
  public var weightDecay: Float
  /// What weight decay acts on.
  public var decaying: WeightDecayScope
  /// What the velocity adds up, where there is momentum.
  public var velocity: VelocityForm

  /// Keras's form without momentum, where nothing else is said.
  public init(
    squareDecay: Float = 0.9, momentum: Float = 0, epsilon: Float = 1e-7,
    epsilonPlace: EpsilonPlace = .insideRoot, isCentered: Bool = false, initialSquare: Float = 0,
    weightDecay: Float = 0, decaying: WeightDecayScope = .all, velocity: VelocityForm = .steps
  ) {
    self.squareDecay = squareDecay
    self.momentum = momentum
    self.epsilon = epsilon
    self.epsilonPlace = epsilonPlace
    self.isCentered = isCentered
    self.initialSquare = initialSquare
    self.weightDecay = weightDecay
    self.decaying = decaying
    self.velocity = velocity
  }

  public func validate() throws(TrainingError) {
    try require((0..<1).contains(squareDecay), "square decay", squareDecay, "from 0 to below 1")
    try requireMomentum(momentum)
    try requireEpsilon(epsilon)
    try require(
      initialSquare.isFinite && initialSquare >= 0, "initial square", initialSquare,
      "a finite number, zero or more")
    try requireDecay(weightDecay)
  }

  public var slots: [String] {
    [Self.squares] + (isCentered ? [Self.mean] : []) + (momentum > 0 ? [velocity.slot] : [])
  }

  public var updatesElementsSeparately: Bool { true }

  public func update(
    _ weights: inout MutableSpan<Float>, gradient: Span<Float>, in step: borrowing OptimizerStep
  ) {
    var settings = ck_rmsprop(
      rate: step.learningRate, decay: decaying.decay(weightDecay, in: step),
      old_share: squareDecay,
      beginning: initialSquare == 0
        ? 0 : initialSquare * Float(pow(Double(squareDecay), Double(step.number))),
      momentum: momentum, epsilon: epsilon, velocity: velocity.kernelForm,
      epsilon_inside: epsilonPlace == .insideRoot)
    let (isCentered, hasMomentum) = (isCentered, momentum > 0)
    step.withPointers(&weights, gradient, slots) { weights, gradient, slots, count in
      ck_rmsprop_step(
        weights, slots[0], isCentered ? slots[1] : nil, hasMomentum ? slots[slots.count - 1] : nil,
        gradient, count, &settings)
    }
  }

  public var description: String {
    var text = "\(isCentered ? "centered " : "")RMSProp of square decay \(squareDecay)"
    if initialSquare != 0 { text += " from \(initialSquare)" }
    text += ", epsilon \(epsilon) \(epsilonPlace == .insideRoot ? "inside" : "outside") the root"
    if momentum > 0 { text += ", momentum \(momentum)\(velocity.words)" }
    return text + ", weight decay \(weightDecay) on \(decaying)"
  }
}

/// Where an optimizer adds epsilon to what it divides by.
public enum EpsilonPlace: String, Hashable, Sendable, Codable, CaseIterable {
  /// sqrt(s + epsilon): Keras and TensorFlow.
  case insideRoot
  /// sqrt(s) + epsilon: PyTorch.
  case outsideRoot
}

extension Optimizer where Self == RMSProp {
  /// ``RMSProp``: gradients divided by the root of a moving average of their squares.
  public static func rmsProp(
    squareDecay: Float = 0.9, momentum: Float = 0, epsilon: Float = 1e-7,
    epsilonPlace: EpsilonPlace = .insideRoot, isCentered: Bool = false, initialSquare: Float = 0,
    weightDecay: Float = 0, decaying: WeightDecayScope = .all, velocity: VelocityForm = .steps
  ) -> Self {
    RMSProp(
      squareDecay: squareDecay, momentum: momentum, epsilon: epsilon, epsilonPlace: epsilonPlace,
      isCentered: isCentered, initialSquare: initialSquare, weightDecay: weightDecay,
      decaying: decaying, velocity: velocity)
  }
}
