public import ConvNetGraphs

/// A layer that applies a nonlinearity to every element.
public protocol ActivationLayer: Layer {
  /// What every element goes through. Its name, in small letters, is the layer's usual one.
  var function: ActivationFunction { get }
}

extension ActivationLayer {
  public var defaultName: String { "\(function)".prefix { $0 != "(" }.lowercased() }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try builder.append(Operation.Activation(function), to: input)
  }
}

/// max(x, 0)
public struct ReLU: ActivationLayer {
  /// The layer; it has no settings.
  public init() {}
  /// Negative elements become zero.
  public var function: ActivationFunction { .relu }
}

/// min(max(x, 0), 6)
public struct ReLU6: ActivationLayer {
  /// The layer; it has no settings.
  public init() {}
  /// Elements become at least 0 and at most 6.
  public var function: ActivationFunction { .relu6 }
}

/// min(max(x, lower), upper), from -1 to 1 where nothing else is said: see ``Operation/Clip``.
public struct Clip: Layer {
  /// The operation, with the bounds.
  public var operation: Operation.Clip

  /// A clip to a range of finite numbers.
  public init(_ range: ClosedRange<Float> = -1...1) {
    operation = Operation.Clip(lower: range.lowerBound, upper: range.upperBound)
  }

  public var defaultName: String { "clip" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try builder.append(operation, to: input)
  }
}

/// The hyperbolic tangent
public struct Tanh: ActivationLayer {
  /// The layer; it has no settings.
  public init() {}
  /// Elements become numbers between -1 and 1.
  public var function: ActivationFunction { .tanh }
}

/// 1 / (1 + exp(-x))
public struct Sigmoid: ActivationLayer {
  /// The layer; it has no settings.
  public init() {}
  /// Elements become numbers between 0 and 1.
  public var function: ActivationFunction { .sigmoid }
}

/// min(max(x + 3, 0), 6) / 6
public struct HardSigmoid: ActivationLayer {
  /// The layer; it has no settings.
  public init() {}
  /// Elements become numbers between 0 and 1, by a line.
  public var function: ActivationFunction { .hardSigmoid }
}

/// x min(max(x + 3, 0), 6) / 6
public struct HardSwish: ActivationLayer {
  /// The layer; it has no settings.
  public init() {}
  /// Every element times its hard sigmoid.
  public var function: ActivationFunction { .hardSwish }
}

/// x / (1 + exp(-x))
public struct SiLU: ActivationLayer {
  /// The layer; it has no settings.
  public init() {}
  /// Every element times its sigmoid.
  public var function: ActivationFunction { .silu }
}

/// x (1 + erf(x / sqrt 2)) / 2
public struct GELU: ActivationLayer {
  /// The layer; it has no settings.
  public init() {}
  /// Every element times the share of a normal distribution that lies below it.
  public var function: ActivationFunction { .gelu }
}

/// x where x > 0, slope x elsewhere
public struct LeakyReLU: ActivationLayer {
  /// What negative elements are multiplied by.
  public var slope: Float

  /// A layer with that slope; PyTorch's where none is given.
  public init(slope: Float = 0.01) {
    self.slope = slope
  }

  /// Negative elements become small, but are not lost.
  public var function: ActivationFunction { .leakyReLU(slope: slope) }
}

/// x where x > 0, alpha (exp(x) - 1) elsewhere
public struct ELU: ActivationLayer {
  /// What large negative elements come to, negated.
  public var alpha: Float

  /// A layer with that bound.
  public init(alpha: Float = 1) {
    self.alpha = alpha
  }

  /// Negative elements approach minus alpha.
  public var function: ActivationFunction { .elu(alpha: alpha) }
}
