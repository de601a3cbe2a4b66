import ConvNetTensors

extension Operation {
  /// The mean over all elements of (prediction - target)^2, or of mask (prediction - target)^2. The
  /// mean is over all elements in both cases, also where the mask is zero.
  ///
  /// Inputs: prediction, target, optionally a mask, all of one shape. Output: [1].
  public struct MeanSquaredError: OperationAttributes {
    public static let name = "meanSquaredError"

    /// Whether there is a third input, by which each squared difference is multiplied.
    public var hasMask: Bool

    /// An error over all elements, or with a mask over those where it is not zero.
    public init(hasMask: Bool = false) {
      self.hasMask = hasMask
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .mean, recomputable: .none, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      let count = hasMask ? 3 : 2
      try requireInputs(inputs, count...count)
      try requireFloat(inputs)
      for index in 1..<count { try requireShape(inputs, index, inputs[0].shape) }
      return [ValueType([1])]
    }

    public func summary(inputs: [ValueType]) -> String {
      hasMask ? "masked mean squared error" : "mean squared error"
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      let inputs = operation.inputs
      if hasMask, builder.needsGradient(inputs[2]) {
        throw GraphError(
          subject: operation.name, problem: .invariant("has no gradient by its mask"))
      }
      var gradients = [ValueID?](repeating: nil, count: inputs.count)
      guard let gradient = outputGradients[0] else { return gradients }
      // The error is symmetric in prediction and target.
      for index in 0..<2 where builder.needsGradient(inputs[index]) {
        gradients[index] =
          try builder.append(
            MeanSquaredErrorGradient(hasMask: hasMask),
            to: [inputs[index], inputs[1 - index]] + inputs.dropFirst(2) + [gradient],
            of: operation)[0]
      }
      return gradients
    }
  }
}

extension Operation {
  /// The gradient of the mean squared error by the prediction: 2 mask (prediction - target) dloss
  /// divided by the number of elements.
  ///
  /// Inputs: prediction, target, optionally the mask, all of one shape; gradient by the loss [1].
  /// Output: the shape of the prediction.
  public struct MeanSquaredErrorGradient: OperationAttributes {
    public static let name = "meanSquaredErrorGradient"

    /// As in the forward operation.
    public var hasMask: Bool

    package init(hasMask: Bool) {
      self.hasMask = hasMask
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .shareOfMean, recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      let count = hasMask ? 4 : 3
      try requireInputs(inputs, count...count)
      try requireFloat(inputs)
      for index in 1..<(count - 1) { try requireShape(inputs, index, inputs[0].shape) }
      try requireShape(inputs, count - 1, [1])
      return [inputs[0]]
    }
  }
}
