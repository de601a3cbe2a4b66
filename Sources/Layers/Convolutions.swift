public import ConvNetGraphs
import ConvNetTensors

/// Convolution over pictures: see ``ConvNetGraphs/Operation/Convolution``. Parameters `weight` [O,
/// C / groups, KH, KW] and `bias` [O].
public struct Conv2D: Layer {
  public var channels: Int
  public var kernel: [Int]
  public var strides: [Int]
  public var dilations: [Int]
  public var padding: Padding
  public var groups: Int
  public var bias: Bool
  public var initializer: Initializer
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
  public var channels: Int
  public var kernel: Int
  public var stride: Int
  public var dilation: Int
  public var padding: Padding
  public var groups: Int
  public var bias: Bool
  public var initializer: Initializer
  public var biasInitializer: Initializer

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
    guard shape.rank == kernel.count + 2, convolution.groups > 0, channels > 0,
      kernel.allSatisfy({ $0 > 0 })
    else {
      throw GraphError(
        subject: layerName,
        problem: .attribute(
          name: "convolution", value: "\(channels) channels, kernel \(kernel) on \(shape)",
          requirement: "positive, on an input of \(kernel.count + 2) dimensions"))
    }
    let weight = try addParameter(
      "weight", [channels, shape[1] / convolution.groups] + kernel, .kernel,
      initializer: initializer)
    guard convolution.hasBias else { return try append(convolution, to: input, weight) }
    let bias = try addParameter("bias", [channels], .bias, initializer: biasInitializer)
    return try append(convolution, to: input, weight, bias)
  }
}
