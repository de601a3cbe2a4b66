public import ConvNetTensors

/// Names a value of one ``Graph``.
public struct ValueID: Hashable, Sendable, Codable {
  package let index: Int

  package init(_ index: Int) {
    self.index = index
  }

  public init(from decoder: any Decoder) throws {
    index = try decoder.singleValueContainer().decode(Int.self)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(index)
  }
}

/// What is known of a value before it is computed.
public struct ValueType: Hashable, Sendable, Codable {
  /// Logical extents: batch, channels, height, width for pictures; batch, channels, width for
  /// signals; batch, features after flattening. The order in memory is the compiler's choice.
  public var shape: Shape
  /// What each element is: `float32` but for labels and packed weights.
  public var elementType: ElementType
  /// For quantized integers: the real number that one unit stands for.
  public var scale: Float?

  /// The type of a value of that shape.
  public init(_ shape: Shape, _ elementType: ElementType = .float32, scale: Float? = nil) {
    self.shape = shape
    self.elementType = elementType
    self.scale = scale
  }
}

/// What a parameter is to its layer: decides its initialization, whether an optimizer updates it,
/// and whether weight decay applies.
public enum ParameterKind: String, Hashable, Sendable, Codable {
  /// The weights of a convolution or dense layer, output channels first.
  case kernel
  /// What is added to each output channel or feature.
  case bias
  /// Batch normalization's gamma and beta.
  case scale, shift
  /// Batch normalization's moving averages: updated by the forward pass of training, never by an
  /// optimizer.
  case runningMean, runningVariance
  /// A number of the network's formula, such as an imported file has: never updated.
  case constant

  /// Whether an optimizer changes it: all but moving averages and constants.
  public var isTrainable: Bool {
    switch self {
    case .kernel, .bias, .scale, .shift: true
    case .runningMean, .runningVariance, .constant: false
    }
  }
}

/// A named tensor of the graph.
public struct Value: Hashable, Sendable, Codable {
  /// Where a value comes from.
  public enum Source: Hashable, Sendable, Codable {
    /// Given at every run.
    case input
    /// Learned; stays between runs.
    case parameter(ParameterKind)
    /// Computed by an operation.
    case operation
  }

  /// Unique in the graph: the layer's path and the parameter, `conv1.weight`, or the name of the operation that computes it.
  public var name: String
  /// Its shape and element type.
  public var type: ValueType
  /// Whether it is given, learned or computed.
  public var source: Source

  package init(name: String, type: ValueType, source: Source) {
    self.name = name
    self.type = type
    self.source = source
  }

  /// Its logical extents, batch first, but for a parameter's.
  public var shape: Shape { type.shape }

  /// What it is to its layer; `nil` where it is no parameter.
  public var parameterKind: ParameterKind? {
    if case .parameter(let kind) = source { kind } else { nil }
  }
}
