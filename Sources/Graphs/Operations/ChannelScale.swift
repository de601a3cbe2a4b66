import ConvNetTensors

extension Operation {
  /// Multiplies every channel by a number: y[n, c, ...] = x[n, c, ...] factor[n, c] or factor[c].
  ///
  /// With one factor an example and channel it is what "squeeze and excitation" ends in (J. Hu, L. Shen, G. Sun, 2017); with one
  /// a channel, "layer scale" (H. Touvron et al., "Going deeper with Image Transformers", 2021).
  ///
  /// Inputs: `x` [N, C, (H,) W]; `factor` [N, C, (1,) 1], or without the batch: [C], [C, (1,) 1]. Output: of the shape of `x`.
  public struct ChannelScale: OperationAttributes {
    public static let name = "channelScale"

    /// The one multiplication that there is: the factor's shape says whether examples share it.
    public init() {}

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0, 1])), recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 3...4)
      let (shape, factor) = (inputs[0].shape, inputs[1].shape)
      let ones = shape.spatial.map { _ in 1 }
      if factor.rank == shape.rank {
        try requireShape(inputs, 1, [shape[0], shape[1]] + ones)
      } else {
        try requireShape(inputs, 1, factor.rank == 1 ? [shape[1]] : [shape[1]] + ones)
      }
      return [inputs[0]]
    }

    public func summary(inputs: [ValueType]) -> String {
      inputs.count == 2 && inputs[1].shape.rank < inputs[0].shape.rank
        ? "scale of channels" : "scale of each example's channels"
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil, nil] }
      let (input, factor) = (operation.inputs[0], operation.inputs[1])
      var gradients: [ValueID?] = [nil, nil]
      if builder.needsGradient(input) {
        gradients[0] = try builder.append(ChannelScale(), to: [gradient, factor], of: operation)[0]
      }
      if builder.needsGradient(factor) {
        let rank = builder.type(of: factor).shape.rank
        gradients[1] =
          try builder.append(
            ChannelScaleGradient(
              sharedRank: rank < builder.type(of: input).shape.rank ? rank : nil),
            to: [input, gradient], of: operation, role: "factor gradient")[0]
      }
      return gradients
    }
  }

  /// The gradient of ``ChannelScale`` by its factor: the sum of x dy over the positions, and over the examples where they share
  /// the factor.
  ///
  /// Inputs: the forward input [N, C, ...]; the output's gradient. Output: of the factor's shape.
  public struct ChannelScaleGradient: OperationAttributes {
    public static let name = "channelScaleGradient"

    /// The dimensions of a factor that all examples share, the first of them C, the others 1; `nil` for one of each example.
    public var sharedRank: Int?

    package init(sharedRank: Int?) {
      self.sharedRank = sharedRank
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: sharedRank == nil ? .separately(linear: .inEach([0, 1])) : .sum, recomputable: .all,
        overwritesInput: false, isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 3...4)
      let shape = inputs[0].shape
      try requireShape(inputs, 1, shape)
      guard let sharedRank else {
        return [ValueType(Shape([shape[0], shape[1]] + shape.spatial.map { _ in 1 }))]
      }
      guard sharedRank == 1 || sharedRank == shape.rank - 1 else {
        throw .attribute(
          name: "the factor's rank", value: "\(sharedRank)",
          requirement: "1 or \(shape.rank - 1), for a value of shape \(shape)")
      }
      return [ValueType(Shape([shape[1]] + (1..<sharedRank).map { _ in 1 }))]
    }
  }
}
