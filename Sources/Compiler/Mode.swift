/// What a graph is compiled for.
public enum Mode: String, Hashable, Sendable, Codable, CaseIterable {
  /// Parameters are constants: batch normalization uses its moving averages and may be folded away, dropout and auxiliary
  /// classifiers are gone.
  case inference
  /// Parameters change between runs: batch statistics with moving averages updated, dropout, auxiliary classifiers.
  case training
}
