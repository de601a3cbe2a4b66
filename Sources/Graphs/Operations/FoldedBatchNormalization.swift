import ConvNetTensors

extension Operation {
  /// The kernel and bias of a convolution or dense layer that does the work of the batch
  /// normalization after it as well:
  ///
  ///     s = scale / sqrt(variance + epsilon)
  ///     kernel' = kernel s,  bias' = (bias - mean) s + shift
  ///
  /// Inputs: kernel [O, ...]; optionally the bias [O], else it is zero; scale, shift, running mean,
  /// running variance, each [O]. Outputs: kernel' of the kernel's shape, bias' [O].
  public struct FoldedBatchNormalization: OperationAttributes {
    public static let name = "foldedBatchNormalization"

    /// Added to the variance, as in the normalization that is folded.
    public var epsilon: Float
    /// Whether the layer has a bias of its own, which is then the second input.
    public var hasBias: Bool

    /// The folding of a normalization with that epsilon.
    public init(epsilon: Float, hasBias: Bool) {
      self.epsilon = epsilon
      self.hasBias = hasBias
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
      let count = hasBias ? 6 : 5
      try requireInputs(inputs, count...count)
      try requireFloat(inputs)
      try requireNonNegative(epsilon, "epsilon")
      try requireRank(inputs, 0, 2...4)
      let bias = ValueType([inputs[0].shape[0]])
      for index in 1..<count { try requireShape(inputs, index, bias.shape) }
      return [inputs[0], bias]
    }
  }
}
