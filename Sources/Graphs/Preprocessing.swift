public import ConvNetTensors

/// How a picture becomes a network's input: resized, its channels converted, its grey levels scaled to 0 ... 1 and
/// normalized. Stored in the model file and applied by default, so that prediction prepares as training did.
public struct Preprocessing: Hashable, Sendable, Codable {
  public var height: Int
  public var width: Int
  /// 1 for grey, 3 for colour.
  public var channels: Int
  /// Subtracted from each channel, in units of the full scale; zeros for nothing.
  public var mean: [Float]
  /// Then each channel is divided by this.
  public var standardDeviation: [Float]
  /// The order of the elements that the network is given.
  public var dataFormat: DataFormat

  public init(
    height: Int, width: Int, channels: Int, mean: [Float]? = nil, standardDeviation: [Float]? = nil,
    dataFormat: DataFormat = .channelsLast
  ) {
    self.height = height
    self.width = width
    self.channels = channels
    self.mean = mean ?? [Float](repeating: 0, count: channels)
    self.standardDeviation = standardDeviation ?? [Float](repeating: 1, count: channels)
    self.dataFormat = dataFormat
  }
}
