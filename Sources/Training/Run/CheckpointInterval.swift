/// How often a training's state is kept within an epoch; at its end it is kept in any case.
public enum CheckpointInterval: Hashable, Sendable, Codable {
  /// After so many steps.
  case steps(Int)
  /// After so many seconds.
  case seconds(Double)
}
