public import ConvNetGraphs
import ConvNetTensors

/// The largest element of every window.
public struct MaxPool2D: Layer {
  public var window: Int
  public var stride: Int
  public var padding: Padding
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
  public var window: Int
  public var stride: Int
  public var padding: Padding
  public var ceilMode: Bool
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
  public var kind: Operation.GlobalPooling.Reduction
  public var keepsPositions: Bool

  public init(_ kind: Operation.GlobalPooling.Reduction, keepsPositions: Bool = false) {
    self.kind = kind
    self.keepsPositions = keepsPositions
  }

  public static var average: GlobalPool { GlobalPool(.average) }
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
