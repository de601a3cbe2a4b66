/// The order in which a picture's numbers are written one after the other.
///
/// Shapes in a graph are always batch, channels, height, width; the format says in which order
/// elements enter, leave, and are flattened.
public enum DataFormat: String, Hashable, Sendable, Codable, CaseIterable {
  /// Height, width, channels: the channels of one position lie together.
  case channelsLast
  /// Channels, height, width: the positions of one channel lie together.
  case channelsFirst
}
