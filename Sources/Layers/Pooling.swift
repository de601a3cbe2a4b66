public import ConvNetGraphs
import ConvNetTensors

/// The largest element of every window.
public struct MaxPool2D: Layer {
  /// Rows and columns under a window.
  public var window: Int
  /// Rows and columns from one window to the next.
  public var stride: Int
  /// How far windows reach beyond the picture, where nothing is the largest.
  public var padding: Padding
  /// Whether the last window may reach beyond the padded picture, so that no position is left out.
  public var ceilMode: Bool

  /// - Parameter stride: the window where not given.
  public init(
    _ window: Int, stride: Int? = nil, padding: Padding = .valid, ceilMode: Bool = false
  ) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
    self.ceilMode = ceilMode
  }

  public var defaultName: String { "pool" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try builder.append(
      Operation.MaxPooling(
        window: [window, window], strides: [stride, stride], padding: padding, ceilMode: ceilMode),
      to: input)
  }
}

/// The mean of every window.
public struct AveragePool2D: Layer {
  /// Rows and columns under a window.
  public var window: Int
  /// Rows and columns from one window to the next.
  public var stride: Int
  /// How many zeros stand around the picture.
  public var padding: Padding
  /// Whether the last window may reach beyond the padded picture, so that no position is left out.
  public var ceilMode: Bool
  /// Whether zeros of the padding count in the mean.
  public var countIncludesPadding: Bool

  /// - Parameters:
  ///   - stride: the window where not given.
  ///   - countIncludesPadding: whether zeros of the padding count in the mean.
  public init(
    _ window: Int, stride: Int? = nil, padding: Padding = .valid, ceilMode: Bool = false,
    countIncludesPadding: Bool = false
  ) {
    self.window = window
    self.stride = stride ?? window
    self.padding = padding
    self.ceilMode = ceilMode
    self.countIncludesPadding = countIncludesPadding
  }

  public var defaultName: String { "pool" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try builder.append(
      Operation.AveragePooling(
        window: [window, window], strides: [stride, stride], padding: padding, ceilMode: ceilMode,
        countIncludesPadding: countIncludesPadding), to: input)
  }
}

/// The mean or the largest element of every channel: [N, C, H, W] to [N, C], or to [N, C, 1, 1]
/// where the positions are kept.
public struct GlobalPool: Layer {
  /// Whether a channel's number is its mean or its largest element.
  public var kind: Operation.GlobalPooling.Reduction
  /// Whether the result has a height and a width, of one each.
  public var keepsPositions: Bool

  /// A pooling of whole channels.
  ///
  /// - Parameter keepsPositions: for a convolution behind it; a dense layer wants none.
  public init(_ kind: Operation.GlobalPooling.Reduction, keepsPositions: Bool = false) {
    self.kind = kind
    self.keepsPositions = keepsPositions
  }

  /// The mean of each channel: what networks since GoogLeNet have before their last layer.
  public static var average: GlobalPool { GlobalPool(.average) }
  /// The largest element of each channel.
  public static var max: GlobalPool { GlobalPool(.max) }

  public var defaultName: String { "pool" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    let pooled = try builder.append(Operation.GlobalPooling(kind: kind), to: input)
    guard !keepsPositions else { return pooled }
    return try builder.append(
      Operation.Flatten(order: .channelsFirst), to: pooled, part: "flatten")
  }
}
