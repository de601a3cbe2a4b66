/// The nonlinearities, applied to every element.
public enum ActivationFunction: Hashable, Sendable, Codable {
  /// max(x, 0)
  case relu
  /// min(max(x, 0), 6)
  case relu6
  /// x where x > 0, slope x elsewhere
  case leakyReLU(slope: Float)
  /// x where x > 0, alpha (exp(x) - 1) elsewhere
  case elu(alpha: Float)
  /// x / (1 + exp(-x))
  case silu
  /// x Phi(x), with the exact normal distribution function: x (1 + erf(x / sqrt 2)) / 2
  case gelu
  /// (exp(x) - exp(-x)) / (exp(x) + exp(-x)), between -1 and 1
  case tanh
  /// 1 / (1 + exp(-x))
  case sigmoid
  /// min(max(x + 3, 0), 6) / 6, which is nearly the sigmoid and needs no exponential (A. Howard et al., "Searching for
  /// MobileNetV3", 2019, section 5.2).
  case hardSigmoid
  /// x min(max(x + 3, 0), 6) / 6: the same in place of the sigmoid of `silu`.
  case hardSwish

  /// Whether the derivative can be computed from the result alone, so that the input need not be
  /// kept: of a monotone function the result tells enough of its argument.
  package var derivativeNeedsOnlyOutput: Bool { isNonDecreasing }

  /// Whether a larger number never has a smaller result.
  package var isNonDecreasing: Bool {
    switch self {
    case .relu, .relu6, .tanh, .sigmoid, .hardSigmoid: true
    case .leakyReLU(let slope): slope >= 0
    case .elu(let alpha): alpha >= 0
    case .silu, .gelu, .hardSwish: false
    }
  }
}

extension ActivationFunction: CustomStringConvertible {
  public var description: String {
    switch self {
    case .relu: "relu"
    case .relu6: "relu6"
    case .leakyReLU(let slope): "leakyReLU(\(slope))"
    case .elu(let alpha): "elu(\(alpha))"
    case .silu: "silu"
    case .gelu: "gelu"
    case .tanh: "tanh"
    case .sigmoid: "sigmoid"
    case .hardSigmoid: "hardSigmoid"
    case .hardSwish: "hardSwish"
    }
  }
}

extension Operation {
  /// A nonlinearity on every element. One input of any shape, one output of the same.
  public struct Activation: OperationAttributes {
    public static let name = "activation"

    /// What every element goes through.
    public var function: ActivationFunction

    /// An activation by this function.
    public init(_ function: ActivationFunction) {
      self.function = function
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inNone), recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      return inputs
    }

    public func summary(inputs: [ValueType]) -> String { "\(function)" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      let kept =
        function.derivativeNeedsOnlyOutput ? operation.outputs[0] : operation.inputs[0]
      return try builder.append(ActivationGradient(function), to: [kept, gradient], of: operation)
    }
  }
}

extension Operation {
  /// The output's gradient times the derivative of the function.
  ///
  /// Inputs: the forward output where the derivative can be computed from it, else the forward
  /// input; the output's gradient.
  public struct ActivationGradient: OperationAttributes {
    public static let name = "activationGradient"

    /// The function whose derivative is taken.
    public var function: ActivationFunction

    package init(_ function: ActivationFunction) {
      self.function = function
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([1])), recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      try requireShape(inputs, 1, inputs[0].shape)
      return [inputs[1]]
    }

    public func summary(inputs: [ValueType]) -> String { "\(function) gradient" }
  }
}
