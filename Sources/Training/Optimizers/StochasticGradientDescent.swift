import CKernels
public import ConvNetGraphs

/// Gradient descent with momentum and weight decay, in the lecture's form (Krizhevsky et al., 2012):
///
///     v <- momentum v - learningRate dL/dw - weightDecay learningRate w
///     w <- w + v
public struct StochasticGradientDescent: Optimizer {
  public static let name = "sgd"
  private static let velocity = "velocity"

  /// The share of the last step that goes into this one, from 0 to below 1.
  public var momentum: Float
  /// What the weights are drawn to zero by, beside the gradient: 0.0005 in AlexNet.
  public var weightDecay: Float
  /// What weight decay acts on.
  public var decaying: WeightDecayScope

  /// Plain gradient descent, unless momentum or weight decay are given.
  public init(momentum: Float = 0, weightDecay: Float = 0, decaying: WeightDecayScope = .all) {
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.decaying = decaying
  }

  public func validate() throws(TrainingError) {
    try require((0..<1).contains(momentum), "momentum", momentum, "from 0 to below 1")
    try require(
      weightDecay.isFinite && weightDecay >= 0, "weight decay", weightDecay,
      "a finite number, zero or more")
  }

  public var slots: [String] { [Self.velocity] }

  public var updatesElementsSeparately: Bool { true }

  public func update(
    _ weights: inout MutableSpan<Float>, gradient: Span<Float>, in step: borrowing OptimizerStep
  ) {
    let decay = decaying.includes(step.kind) ? step.decayFactor * weightDecay : 0
    step.withSlot(Self.velocity) { velocity in
      gradient.withUnsafeBufferPointer { gradient in
        weights.withUnsafeMutableBufferPointer { weights in
          velocity.withUnsafeMutableBufferPointer { velocity in
            ck_momentum_step(
              weights.baseAddress, velocity.baseAddress, gradient.baseAddress, weights.count,
              step.learningRate, momentum, decay)
          }
        }
      }
    }
  }

  public var description: String {
    "SGD of momentum \(momentum) and weight decay \(weightDecay) on \(decaying)"
  }
}

extension Optimizer where Self == StochasticGradientDescent {
  /// ``StochasticGradientDescent``: v <- momentum v - learningRate dL/dw - weightDecay learningRate w, w <- w + v.
  public static func sgd(
    momentum: Float = 0, weightDecay: Float = 0, decaying: WeightDecayScope = .all
  ) -> Self {
    StochasticGradientDescent(momentum: momentum, weightDecay: weightDecay, decaying: decaying)
  }
}

/// Which parameters weight decay pulls towards zero.
public enum WeightDecayScope: String, Hashable, Sendable, Codable, CaseIterable {
  /// Every trainable parameter, as the lecture's formula has it.
  case all
  /// Kernels of convolutions and dense layers only: not biases, not batch normalization's scale and
  /// shift.
  case kernels

  /// Whether it is one of them.
  public func includes(_ kind: ParameterKind) -> Bool {
    switch self {
    case .all: kind.isTrainable
    case .kernels: kind == .kernel
    }
  }
}
