extension Operation {
  /// The distribution over the channels (axis 1) that logits stand for,
  ///
  ///     y[c] = exp(x[c]) / sum over k of exp(x[k])
  ///
  /// or its logarithm. The largest logit is subtracted first, so no exponential overflows.
  ///
  /// Input: [N, C, ...]. Output: the same shape.
  public struct Softmax: OperationAttributes {
    public static let name = "softmax"

    /// Whether the result is the logarithm of the distribution.
    public var isLogarithmic: Bool

    /// A softmax, or its logarithm.
    public init(isLogarithmic: Bool = false) {
      self.isLogarithmic = isLogarithmic
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inNone), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 2...4)
      return inputs
    }

    public func summary(inputs: [ValueType]) -> String {
      isLogarithmic ? "log-softmax" : "softmax"
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      return try builder.append(
        SoftmaxGradient(isLogarithmic: isLogarithmic), to: [operation.outputs[0], gradient],
        of: operation)
    }
  }
}

extension Operation {
  /// The gradient of softmax from its result:
  ///
  ///     dx[c] = y[c] (dy[c] - sum over k of dy[k] y[k])
  ///     dx[c] = dy[c] - exp(y[c]) sum over k of dy[k]      for the logarithm
  ///
  /// Inputs: forward output; its gradient. Output: gradient by the input.
  public struct SoftmaxGradient: OperationAttributes {
    public static let name = "softmaxGradient"

    /// As in the forward operation.
    public var isLogarithmic: Bool

    package init(isLogarithmic: Bool) {
      self.isLogarithmic = isLogarithmic
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([1])), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 2...4)
      try requireShape(inputs, 1, inputs[0].shape)
      return [inputs[1]]
    }
  }
}
