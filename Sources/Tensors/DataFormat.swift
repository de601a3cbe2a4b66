/// How a picture's elements are ordered in memory.
public enum DataFormat: String, Hashable, Sendable, Codable, CaseIterable {
  /// [N, H, W, C]: the channels of a pixel are neighbours. The usual order of pictures.
  case channelsLast
  /// [N, C, H, W]: each channel is a plane.
  case channelsFirst
}
