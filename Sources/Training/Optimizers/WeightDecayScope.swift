public import ConvNetGraphs

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

  /// What a parameter is drawn to zero by: nothing where it is none of these.
  func decay(_ weightDecay: Float, in step: borrowing OptimizerStep) -> Float {
    includes(step.kind) ? step.decayFactor * weightDecay : 0
  }
}
