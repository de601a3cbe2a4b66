public import ConvNetGraphs
import ConvNetTensors

/// Convolution over pictures: see ``Operation/Convolution``. Parameters `weight` [O,
/// C / groups, KH, KW] and `bias` [O].
public struct Conv2D: Layer {
  /// O: channels of the output.
  public var channels: Int
  /// Height and width of the kernel.
  public var kernel: [Int]
  /// Rows and columns from one window to the next.
  public var strides: [Int]
  /// Rows and columns from one element of the kernel to the next; 1 leaves no gaps.
  public var dilations: [Int]
  /// How many zeros stand around the picture.
  public var padding: Padding
  /// How many parts the channels are cut into, each convolved by itself; both numbers of channels must be multiples of it.
  public var groups: Int
  /// Whether something learned is added to each output channel.
  public var bias: Bool
  /// How `weight` begins.
  public var initializer: Initializer
  /// How `bias` begins, where there is one.
  public var biasInitializer: Initializer

  /// - Parameters:
  ///   - channels: of the output.
  ///   - initializer: of the kernel.
  public init(
    _ channels: Int, kernel: Int, stride: Int = 1, dilation: Int = 1, padding: Padding = .valid,
    groups: Int = 1, bias: Bool = true, initializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    self.init(
      channels, kernel: [kernel, kernel], strides: [stride, stride],
      dilations: [dilation, dilation], padding: padding, groups: groups, bias: bias,
      initializer: initializer, biasInitializer: biasInitializer)
  }

  /// A kernel of different height and width.
  public init(
    _ channels: Int, kernel: [Int], strides: [Int] = [1, 1], dilations: [Int] = [1, 1],
    padding: Padding = .valid, groups: Int = 1, bias: Bool = true,
    initializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    self.channels = channels
    self.kernel = kernel
    self.strides = strides
    self.dilations = dilations
    self.padding = padding
    self.groups = groups
    self.bias = bias
    self.initializer = initializer
    self.biasInitializer = biasInitializer
  }

  public var defaultName: String { "conv" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try builder.appendConvolution(
      Operation.Convolution(
        strides: strides, dilations: dilations, padding: padding, groups: groups, hasBias: bias),
      channels: channels, kernel: kernel, initializer: initializer,
      biasInitializer: biasInitializer, to: input)
  }
}

/// Convolution over signals [N, C, W]. Parameters `weight` [O, C / groups, K] and `bias` [O].
public struct Conv1D: Layer {
  /// O: channels of the output.
  public var channels: Int
  /// K: positions under the kernel.
  public var kernel: Int
  /// Positions from one window to the next.
  public var stride: Int
  /// Positions from one element of the kernel to the next; 1 leaves no gaps.
  public var dilation: Int
  /// How many zeros stand around the signal.
  public var padding: Padding
  /// How many parts the channels are cut into, each convolved by itself; both numbers of channels must be multiples of it.
  public var groups: Int
  /// Whether something learned is added to each output channel.
  public var bias: Bool
  /// How `weight` begins.
  public var initializer: Initializer
  /// How `bias` begins, where there is one.
  public var biasInitializer: Initializer

  /// A convolution to that many channels.
  ///
  /// - Parameter initializer: of the kernel.
  public init(
    _ channels: Int, kernel: Int, stride: Int = 1, dilation: Int = 1, padding: Padding = .valid,
    groups: Int = 1, bias: Bool = true, initializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    self.channels = channels
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
    self.groups = groups
    self.bias = bias
    self.initializer = initializer
    self.biasInitializer = biasInitializer
  }

  public var defaultName: String { "conv" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try builder.appendConvolution(
      Operation.Convolution(
        strides: [stride], dilations: [dilation], padding: padding, groups: groups, hasBias: bias),
      channels: channels, kernel: [kernel], initializer: initializer,
      biasInitializer: biasInitializer, to: input)
  }
}

extension LayerBuilder {
  fileprivate mutating func appendConvolution(
    _ convolution: Operation.Convolution, channels: Int, kernel: [Int], initializer: Initializer,
    biasInitializer: Initializer, to input: ValueID
  ) throws(GraphError) -> ValueID {
    let shape = shape(input)
    func require(
      _ isFulfilled: Bool, _ name: String, _ value: some Any, _ requirement: String
    ) throws(GraphError) {
      guard !isFulfilled else { return }
      throw GraphError(
        subject: layerName,
        problem: .attribute(name: name, value: "\(value)", requirement: requirement))
    }
    try require(channels > 0, "channels", channels, "at least 1: channels of the output")
    try require(
      kernel.allSatisfy { $0 > 0 }, "kernel", joined(kernel), "of at least 1 position each way")
    try require(convolution.groups > 0, "groups", convolution.groups, "at least 1")
    try require(
      shape.rank == kernel.count + 2, "the input", shape, "of \(kernel.count + 2) dimensions")
    let weight = try addParameter(
      "weight", [channels, shape[1] / convolution.groups] + kernel, .kernel,
      initializer: initializer)
    guard convolution.hasBias else { return try append(convolution, to: input, weight) }
    let bias = try addParameter("bias", [channels], .bias, initializer: biasInitializer)
    return try append(convolution, to: input, weight, bias)
  }
}
