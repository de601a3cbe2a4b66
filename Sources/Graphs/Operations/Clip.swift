extension Operation {
  /// Holds every element between two bounds: y = min(max(x, lower), upper). What is not a number stays so.
  ///
  /// Between -1 and 1 it is the "hard tanh" (R. Collobert, "Large Scale Machine Learning", 2004); ONNX calls it Clip.
  /// One input of any shape, one output of the same.
  public struct Clip: OperationAttributes {
    public static let name = "clip"

    /// The least result.
    public var lower: Float
    /// The largest result, not below ``lower``.
    public var upper: Float

    /// A clip to `lower...upper`. Bounds in the other order are refused when it is appended to a graph.
    public init(lower: Float, upper: Float) {
      self.lower = lower
      self.upper = upper
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
      guard lower.isFinite, upper.isFinite, lower <= upper else {
        throw .attribute(
          name: "the range", value: "\(lower) to \(upper)",
          requirement: "of two finite numbers, the smaller one first")
      }
      return inputs
    }

    public func summary(inputs: [ValueType]) -> String { "clip \(lower) to \(upper)" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      return try builder.append(
        ClipGradient(clip: self), to: [operation.inputs[0], gradient], of: operation)
    }
  }

  /// The output's gradient where the input is not beyond the bounds, zero elsewhere.
  ///
  /// Inputs: the forward input, the output's gradient.
  public struct ClipGradient: OperationAttributes {
    public static let name = "clipGradient"

    /// The forward operation.
    public var clip: Clip

    package init(clip: Clip) {
      self.clip = clip
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
  }
}
