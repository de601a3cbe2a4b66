/// How a picture's elements are ordered in memory.
public enum DataFormat: String, Hashable, Sendable, Codable, CaseIterable {
  /// [N, H, W, C]: the channels of a pixel are neighbours. The usual order of pictures.
  case channelsLast
  /// [N, C, H, W]: each channel is a plane.
  case channelsFirst
}

extension DataFormat {
  /// Extents of a batch in this order.
  ///
  /// - Parameter logical: batch and channels, then height and width or what else there is; or batch and features, which have but
  ///   one order.
  package func ordered(_ logical: [Int]) -> [Int] {
    guard self == .channelsLast, logical.count > 2 else { return logical }
    return [logical[0]] + logical[2...] + [logical[1]]
  }

  /// Extents of a batch in logical order, of those in this order.
  package func logical(_ ordered: [Int]) -> [Int] {
    guard self == .channelsLast, let channels = ordered.last, ordered.count > 2 else {
      return ordered
    }
    return [ordered[0], channels] + ordered[1..<ordered.count - 1]
  }

  /// The axes behind the batch, for messages: `height, width, channels`.
  package func axes(rank: Int) -> String {
    let positions = rank == 4 ? "height, width" : "positions"
    guard rank > 2 else { return "features" }
    return self == .channelsLast ? "\(positions), channels" : "channels, \(positions)"
  }

  /// The other order.
  package var other: DataFormat { self == .channelsLast ? .channelsFirst : .channelsLast }
}
