import ConvNetTensors

extension Operation {
  /// Layer normalization over the channels of each position (J. Ba, J. Kiros, G. Hinton, "Layer Normalization", 2016, as Z. Liu
  /// et al., "A ConvNet for the 2020s", 2022, have it): at each position of each example
  ///
  ///     y[c] = scale[c] (x[c] - mean) / sqrt(variance + epsilon) + shift[c]
  ///
  /// with the mean and the population variance over the channels. The same in training and in inference.
  ///
  /// Inputs: `x` [N, C, ...]; scale and shift, each [C]. Output: of the shape of `x`.
  public struct LayerNormalization: OperationAttributes {
    public static let name = "layerNormalization"

    /// Added to the variance, within the root.
    public var epsilon: Float

    /// A normalization with PyTorch's constant, where none is given.
    public init(epsilon: Float = 1e-5) {
      self.epsilon = epsilon
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
      try requireInputs(inputs, 3...3)
      try requireFloat(inputs)
      try requireNonNegative(epsilon, "epsilon")
      try requireRank(inputs, 0, 2...4)
      for index in 1...2 { try requireShape(inputs, index, [inputs[0].shape[1]]) }
      return [inputs[0]]
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil, nil, nil] }
      let (input, scale, shift) = (operation.inputs[0], operation.inputs[1], operation.inputs[2])
      var gradients: [ValueID?] = [nil, nil, nil]
      if builder.needsGradient(input) {
        gradients[0] =
          try builder.append(
            LayerNormalizationInputGradient(epsilon: epsilon), to: [input, gradient, scale],
            of: operation, role: "input gradient")[0]
      }
      if builder.needsGradient(scale) || builder.needsGradient(shift) {
        let byParameters = try builder.append(
          LayerNormalizationParameterGradient(epsilon: epsilon), to: [input, gradient],
          of: operation, role: "parameter gradient")
        gradients[1...2] = [byParameters[0], byParameters[1]]
      }
      return gradients
    }
  }

  /// The gradient of layer normalization by its input. With x^ the normalized input, g = scale dy, and means over the channels:
  ///
  ///     dx = (g - mean of g - x^ mean of (g x^)) / sqrt(variance + epsilon)
  ///
  /// Inputs: the forward input; the output's gradient; scale [C]. Mean and variance are computed again.
  public struct LayerNormalizationInputGradient: OperationAttributes {
    public static let name = "layerNormalizationInputGradient"

    /// Added to the variance, as in the forward operation.
    public var epsilon: Float

    package init(epsilon: Float) {
      self.epsilon = epsilon
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([1, 2])), recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 3...3)
      try requireFloat(inputs)
      try requireNonNegative(epsilon, "epsilon")
      try requireRank(inputs, 0, 2...4)
      try requireShape(inputs, 1, inputs[0].shape)
      try requireShape(inputs, 2, [inputs[0].shape[1]])
      return [inputs[0]]
    }
  }

  /// The gradients of layer normalization by its scale, the sum of dy x^ over examples and positions, and by its shift, that of
  /// dy.
  ///
  /// Inputs: the forward input; the output's gradient. Outputs: the gradients by the scale and the shift, each [C].
  public struct LayerNormalizationParameterGradient: OperationAttributes {
    public static let name = "layerNormalizationParameterGradient"

    /// Added to the variance, as in the forward operation.
    public var epsilon: Float

    package init(epsilon: Float) {
      self.epsilon = epsilon
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .sum, recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      try requireNonNegative(epsilon, "epsilon")
      try requireRank(inputs, 0, 2...4)
      try requireShape(inputs, 1, inputs[0].shape)
      let channels = ValueType([inputs[0].shape[1]])
      return [channels, channels]
    }
  }
}
