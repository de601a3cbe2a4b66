import ConvNetTensors

extension Operation {
  /// The sum over batch and positions of each channel: the gradient of what is added to or scales
  /// a whole channel.
  ///
  /// Input: [N, C, ...]. Output: [C].
  public struct ChannelSum: OperationAttributes {
    public static let name = "channelSum"

    /// The one sum that there is.
    public init() {}

    public var traits: OperationTraits {
      OperationTraits(
        batch: .sum, recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 2...4)
      return [ValueType([inputs[0].shape[1]])]
    }
  }
}
