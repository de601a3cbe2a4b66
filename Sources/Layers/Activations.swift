public import ConvNetGraphs

/// A layer that applies a nonlinearity to every element.
public protocol ActivationLayer: Layer {
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
  public init() {}
  public var function: ActivationFunction { .relu }
}

/// min(max(x, 0), 6)
public struct ReLU6: ActivationLayer {
  public init() {}
  public var function: ActivationFunction { .relu6 }
}

/// min(max(x, lower), upper), from -1 to 1 where nothing else is said: see ``ConvNetGraphs/Operation/Clip``.
public struct Clip: Layer {
  public var operation: Operation.Clip

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
  public init() {}
  public var function: ActivationFunction { .tanh }
}

/// 1 / (1 + exp(-x))
public struct Sigmoid: ActivationLayer {
  public init() {}
  public var function: ActivationFunction { .sigmoid }
}

/// x / (1 + exp(-x))
public struct SiLU: ActivationLayer {
  public init() {}
  public var function: ActivationFunction { .silu }
}

/// x (1 + erf(x / sqrt 2)) / 2
public struct GELU: ActivationLayer {
  public init() {}
  public var function: ActivationFunction { .gelu }
}

/// x where x > 0, slope x elsewhere
public struct LeakyReLU: ActivationLayer {
  public var slope: Float

  public init(slope: Float = 0.01) {
    self.slope = slope
  }

  public var function: ActivationFunction { .leakyReLU(slope: slope) }
}

/// x where x > 0, alpha (exp(x) - 1) elsewhere
public struct ELU: ActivationLayer {
  public var alpha: Float

  public init(alpha: Float = 1) {
    self.alpha = alpha
  }

  public var function: ActivationFunction { .elu(alpha: alpha) }
}
