import ConvNetTensors

extension Operation {
  /// Sigmoid and the binary cross-entropy of its result to the labels, in one numerically safe step: for several labels an
  /// example, each of which is there or not.
  ///
  ///     p = 1 / (1 + exp(-x)),  loss = -1/(N L) sum over n, l of w[l] t log p + (1 - t) log(1 - p)
  ///
  /// with w = 1 unless labels that are there shall weigh more or less than others: PyTorch's `BCEWithLogitsLoss(pos_weight=w)`.
  ///
  /// Inputs: logits x [N, L]; targets t of the same shape, from 0 to 1. Outputs: mean loss [1] in nats; probabilities [N, L].
  public struct BinaryCrossEntropy: OperationAttributes {
    public static let name = "binaryCrossEntropy"

    /// What a label that is there weighs beside one that is not, w above, one a label, above zero; `nil` where both weigh the
    /// same.
    public var positiveWeights: [Float]?

    /// A mean over all examples and labels.
    public init(positiveWeights: [Float]? = nil) {
      self.positiveWeights = positiveWeights
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .mean, recomputable: .none, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 2...2)
      try requireShape(inputs, 1, inputs[0].shape)
      try requirePositiveWeights(positiveWeights, labels: inputs[0].shape[1])
      return [ValueType([1]), inputs[0]]
    }

    public func summary(inputs: [ValueType]) -> String { "binary cross-entropy" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard outputGradients[1] == nil else {
        throw GraphError(
          subject: operation.name,
          problem: .invariant(
            "the loss depends on its probabilities; use a sigmoid of the logits for that"))
      }
      guard !builder.needsGradient(operation.inputs[1]) else {
        throw GraphError(
          subject: operation.name, problem: .invariant("has no gradient by its targets"))
      }
      guard let gradient = outputGradients[0] else { return [nil, nil] }
      return try builder.append(
        BinaryCrossEntropyGradient(positiveWeights: positiveWeights),
        to: [operation.outputs[1], operation.inputs[1], gradient], of: operation) + [nil]
    }
  }
}

extension Operation {
  /// The gradient of binary cross-entropy by the logits: ((1 - t) p - w t (1 - p)) dloss / (N L), which without weights is
  /// (p - t) dloss / (N L).
  ///
  /// Inputs: probabilities [N, L]; targets [N, L]; gradient by the loss [1]. Output: [N, L].
  public struct BinaryCrossEntropyGradient: OperationAttributes {
    public static let name = "binaryCrossEntropyGradient"

    /// As in the forward operation.
    public var positiveWeights: [Float]?

    package init(positiveWeights: [Float]? = nil) {
      self.positiveWeights = positiveWeights
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .shareOfMean, recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 3...3)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 2...2)
      try requireShape(inputs, 1, inputs[0].shape)
      try requireShape(inputs, 2, [1])
      try requirePositiveWeights(positiveWeights, labels: inputs[0].shape[1])
      return [inputs[0]]
    }
  }
}

private func requirePositiveWeights(
  _ weights: [Float]?, labels: Int
) throws(GraphError.Problem) {
  guard let weights else { return }
  guard weights.count == labels, weights.allSatisfy({ $0.isFinite && $0 > 0 }) else {
    throw .attribute(
      name: "positiveWeights", value: "\(weights)",
      requirement: "a finite number above zero for each of the \(labels) labels")
  }
}
