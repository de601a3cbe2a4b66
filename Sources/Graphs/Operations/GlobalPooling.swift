import ConvNetTensors

extension Operation {
  /// One number a channel: the mean or the largest of all its positions.
  ///
  /// Input: [N, C, (H,) W]. Output: [N, C, (1,) 1].
  public struct GlobalPooling: OperationAttributes {
    public static let name = "globalPooling"

    /// What becomes of a channel's positions.
    public enum Reduction: String, Hashable, Sendable, Codable, CaseIterable {
      /// Their mean.
      case average
      /// The largest of them.
      case max
    }

    /// What one number a channel stands for.
    public var reduction: Reduction

    /// A pooling over all positions.
    public init(kind reduction: Reduction) {
      self.reduction = reduction
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inNone), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .layer("global \(reduction.rawValue) pool")
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 3...4)
      let input = inputs[0].shape
      return [ValueType(try resultShape([input[0], input[1]] + input.spatial.map { _ in 1 }))]
    }

    public func summary(inputs: [ValueType]) -> String { "global \(reduction) pooling" }

    /// The gradient is that of pooling with one window over everything.
    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      let window = builder.type(of: operation.inputs[0]).shape.spatial
      switch reduction {
      case .average:
        return try AveragePooling(window: window, strides: window)
          .appendGradient(of: operation, outputGradients: outputGradients, to: &builder)
      case .max:
        return try MaxPooling(window: window, strides: window)
          .appendGradient(of: operation, outputGradients: outputGradients, to: &builder)
      }
    }
  }
}
