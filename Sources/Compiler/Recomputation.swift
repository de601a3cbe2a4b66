/// What a training step computes a second time in its backward pass, instead of keeping it in memory since the forward pass.
/// The numbers are the same bit for bit.
public enum Recomputation: String, Hashable, Sendable, Codable, CaseIterable {
  /// Nothing.
  case off
  /// Large results of batch normalization, and every second of the largest residual sums of them: passes over memory, since what
  /// they are computed from is kept for the gradients anyway (G. Pleiss et al., "Memory-Efficient Implementation of DenseNets",
  /// 2017).
  case normalizations
  /// Whole stretches of the forward pass, of which only what crosses from one to the next is kept (T. Chen et al., "Training
  /// Deep Nets with Sublinear Memory Cost", 2016), and large normalizations of the rest. At most a second forward pass.
  case blocks

  /// Smaller values are kept: they cost little memory. A normalization is repeated in one step, a sum in three.
  package static let largeNormalizationByteCount = 4 << 20
  package static let largeSumByteCount = 32 << 20
}
