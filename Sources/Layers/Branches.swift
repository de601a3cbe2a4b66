public import ConvNetGraphs
import ConvNetTensors

/// How a residual block brings its input to the shape of its result.
public enum Shortcut: Hashable, Sendable, Codable {
  /// The input itself; the shapes must agree.
  case identity
  /// A 1x1 convolution and batch normalization, with the stride that brings the positions into
  /// agreement.
  case projection(when: ProjectionCondition)
  /// The input subsampled by the stride, with channels of zeros appended: no parameters.
  case zeroPadded

  /// Which blocks get the convolution.
  public enum ProjectionCondition: Hashable, Sendable, Codable {
    /// Where the shapes differ; the input itself elsewhere.
    case channelsChange
    /// In every block.
    case always
  }
}

/// Adds the input to what the layers inside make of it (He et al., 2015, figure 2): y = F(x) +
/// shortcut(x).
public struct Residual: Layer {
  /// How the input comes to the shape of the sum.
  public var shortcut: Shortcut
  /// The names of the projection's convolution and normalization.
  public var projectionNames: (convolution: String, normalization: String)
  /// What follows the projection's convolution, where there is one.
  public var normalization: BatchNorm
  /// Whether the projection's convolution has a bias.
  public var projectionBias: Bool
  /// The share of examples that pass by the shortcut alone in training: ``StochasticDepth`` on what F makes.
  public var stochasticDepth: Float
  /// F: the layers whose result the input is added to. No activation follows the sum; put it behind the block.
  public var body: LayerSequence

  /// A residual block around these layers.
  ///
  /// - Parameter projectionNames: by which the projection's parameters are called; PyTorch's where not given.
  public init(
    shortcut: Shortcut = .projection(when: .channelsChange), normalization: BatchNorm = BatchNorm(),
    projectionBias: Bool = false, stochasticDepth: Float = 0,
    projectionNames: (convolution: String, normalization: String) = (
      "downsample.0", "downsample.1"
    ),
    @NetworkBuilder _ body: () -> LayerSequence
  ) {
    self.shortcut = shortcut
    self.normalization = normalization
    self.projectionBias = projectionBias
    self.stochasticDepth = stochasticDepth
    self.projectionNames = projectionNames
    self.body = body()
  }

  public var defaultName: String { "" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    var result = try builder.append(body, to: input)
    if stochasticDepth != 0 {
      result = try builder.append(
        Operation.StochasticDepth(rate: stochasticDepth, index: builder.nextDropoutIndex()),
        to: result, part: "stochastic depth")
    }
    let target = builder.shape(result)
    let carried = try appendShortcut(to: &builder, input: input, target: target)
    return try builder.append(Operation.Add(), to: result, carried, part: "add")
  }

  private func appendShortcut(
    to builder: inout LayerBuilder, input: ValueID, target: Shape
  ) throws(GraphError) -> ValueID {
    let shape = builder.shape(input)
    let strides = zip(shape.dimensions.dropFirst(2), target.dimensions.dropFirst(2))
      .map { max(1, ($0 + $1 - 1) / max(1, $1)) }
    switch shortcut {
    case .projection(let condition) where condition == .always || shape != target:
      return try builder.append(
        LayerSequence {
          Conv2D(
            target[1], kernel: [1, 1], strides: strides, bias: projectionBias,
            initializer: .heNormal
          ).named(projectionNames.convolution)
          normalization.named(projectionNames.normalization)
        }, to: input, as: .shortcut)
    case .zeroPadded where shape != target:
      return try appendZeroPadded(to: &builder, input: input, target: target, strides: strides)
    case .identity, .projection, .zeroPadded:
      return input
    }
  }

  /// Every stride-th position of the input (the mean of windows of one element), and zeros for the
  /// new channels.
  private func appendZeroPadded(
    to builder: inout LayerBuilder, input: ValueID, target: Shape, strides: [Int]
  ) throws(GraphError) -> ValueID {
    var value = input
    if strides.contains(where: { $0 > 1 }) {
      value = try builder.append(
        Operation.AveragePooling(window: strides.map { _ in 1 }, strides: strides), to: value,
        part: "subsample")
    }
    let missing = target[1] - builder.shape(value)[1]
    guard missing > 0 else { return value }
    return try builder.append(
      Operation.Pad(
        sides: strides.map { _ in .init(before: 0, after: 0) }, mode: .zero,
        channels: .init(before: 0, after: missing)), to: value, part: "zero padding")
  }
}

/// Gives the input to several branches and joins their results along the channels, as an Inception
/// block does.
public struct Concatenate: Layer {
  /// The branches, each given the same input; their results must agree in all but channels.
  public var branches: [LayerSequence]

  /// A block of these branches, joined in this order.
  public init(_ branches: LayerSequence...) {
    self.branches = branches
  }

  /// A block of as many branches as the list has.
  public init(branches: [LayerSequence]) {
    self.branches = branches
  }

  public var defaultName: String { "" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    var results: [ValueID] = []
    for branch in branches { results.append(try builder.append(branch, to: input, as: .branch)) }
    return try builder.append(Operation.Concatenate(), toAll: results, part: "concatenate")
  }
}

/// A classifier at the side of a network: its loss, times the weight, is added in training; absent
/// in inference. Passes its input on unchanged.
public struct Auxiliary: Layer {
  /// The name of its output, with which the names of its parameters begin.
  public var name: String
  /// What its loss counts beside that of the network: 0.3 in GoogLeNet.
  public var weight: Float
  /// The classifier: from the input to logits, one a class.
  public var body: LayerSequence

  /// A classifier that is called `name`, made of these layers.
  public init(_ name: String, weight: Float, @NetworkBuilder _ body: () -> LayerSequence) {
    self.name = name
    self.weight = weight
    self.body = body()
  }

  public var defaultName: String { "" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    let result = try builder.append(Named(name, body), to: input)
    builder.addOutput(name, result, auxiliaryWeight: weight)
    return input
  }
}
