import ConvNetTensors

extension Operation {
  /// Softmax and the cross-entropy of its result to the labels, in one numerically safe step:
  ///
  ///     p = softmax(logits),  loss = -1/N sum over n, c of q[n, c] log p[n, c]
  ///
  /// where q is the label (1 for the class, 0 elsewhere; or a given distribution) smoothed towards
  /// the uniform distribution, q = (1 - labelSmoothing) label + labelSmoothing / C (C. Szegedy et
  /// al., "Rethinking the Inception Architecture for Computer Vision", 2016, section 7).
  ///
  /// With class weights w the mean is weighted, each example by its label's:
  ///
  ///     loss = -sum over n, c of w[c] q[n, c] log p[n, c] / sum over n, c of w[c] label[n, c]
  ///
  /// which for labels that are classes is PyTorch's, smoothed or not, and for mixed ones weighs by what they are mixed of. The
  /// sum below is of the whole batch, which then cannot be computed in parts.
  ///
  /// Inputs: logits [N, C]; labels, `int32` [N] of classes in 0..<C or `float32` [N, C] of
  /// distributions, each with sum one. Outputs: mean loss [1] in nats; probabilities [N, C].
  public struct CrossEntropy: OperationAttributes {
    public static let name = "crossEntropy"

    /// The share of every label that goes to all classes alike, from 0 to below 1.
    public var labelSmoothing: Float
    /// What errors at each class weigh, above zero; `nil` where all weigh the same.
    public var classWeights: [Float]?

    /// A cross-entropy to labels that are smoothed by this share.
    ///
    /// - Parameters:
    ///
    /// - classWeights: one a class, above zero.
    public init(labelSmoothing: Float = 0, classWeights: [Float]? = nil) {
      self.labelSmoothing = labelSmoothing
      self.classWeights = classWeights
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: classWeights == nil ? .mean : .together, recomputable: .none, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireElementType(inputs, 0, .float32)
      try requireRank(inputs, 0, 2...2)
      try requireLabels(inputs, 1, logits: inputs[0].shape)
      try requireFraction(labelSmoothing, "labelSmoothing")
      try requireWeights(classWeights, classes: inputs[0].shape[1])
      return [ValueType([1]), inputs[0]]
    }

    public func summary(inputs: [ValueType]) -> String {
      labelSmoothing == 0 ? "cross-entropy" : "cross-entropy label smoothing \(labelSmoothing)"
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard outputGradients[1] == nil else {
        throw GraphError(
          subject: operation.name,
          problem: .invariant(
            "the loss depends on its probabilities; use a softmax of the logits for that"))
      }
      guard !builder.needsGradient(operation.inputs[1]) else {
        throw GraphError(
          subject: operation.name, problem: .invariant("has no gradient by its labels"))
      }
      guard let gradient = outputGradients[0] else { return [nil, nil] }
      return try builder.append(
        CrossEntropyGradient(labelSmoothing: labelSmoothing, classWeights: classWeights),
        to: [operation.outputs[1], operation.inputs[1], gradient], of: operation) + [nil]
    }
  }
}

extension Operation {
  /// The gradient of cross-entropy by the logits: (p - q) dloss / N; with class weights
  /// (p[c] sum over k of w[k] q[k] - w[c] q[c]) dloss / sum over n, c of w[c] label[n, c].
  ///
  /// Inputs: probabilities [N, C]; labels as in the forward operation; gradient by the loss [1].
  /// Output: [N, C].
  public struct CrossEntropyGradient: OperationAttributes {
    public static let name = "crossEntropyGradient"

    /// As in the forward operation.
    public var labelSmoothing: Float
    /// As in the forward operation.
    public var classWeights: [Float]?

    package init(labelSmoothing: Float, classWeights: [Float]? = nil) {
      self.labelSmoothing = labelSmoothing
      self.classWeights = classWeights
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: classWeights == nil ? .shareOfMean : .together, recomputable: .all,
        overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 3...3)
      try requireElementType(inputs, 0, .float32)
      try requireRank(inputs, 0, 2...2)
      try requireLabels(inputs, 1, logits: inputs[0].shape)
      try requireElementType(inputs, 2, .float32)
      try requireShape(inputs, 2, [1])
      try requireFraction(labelSmoothing, "labelSmoothing")
      try requireWeights(classWeights, classes: inputs[0].shape[1])
      return [inputs[0]]
    }
  }
}

private func requireWeights(_ weights: [Float]?, classes: Int) throws(GraphError.Problem) {
  guard let weights else { return }
  guard weights.count == classes, weights.allSatisfy({ $0.isFinite && $0 > 0 }) else {
    throw .attribute(
      name: "classWeights", value: "\(weights)",
      requirement: "a finite number above zero for each of the \(classes) classes")
  }
}

/// Classes, one an example, or distributions of the logits' shape.
private func requireLabels(
  _ inputs: [ValueType], _ input: Int, logits: Shape
) throws(GraphError.Problem) {
  if inputs[input].elementType == .int32 {
    try requireShape(inputs, input, [logits[0]])
  } else {
    guard inputs[input].elementType == .float32 else {
      throw .attribute(
        name: "type of the labels", value: "\(inputs[input].elementType)",
        requirement: "int32 for classes or float32 for distributions")
    }
    try requireShape(inputs, input, logits)
  }
}
