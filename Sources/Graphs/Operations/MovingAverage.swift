extension Operation {
  /// One step of an exponential moving average:
  ///
  ///     momentum old + (1 - momentum) correction new
  ///
  /// After t steps the value that the average began at still has the weight momentum^t, the new values together 1 - momentum^t.
  /// A training divides by that, so that a model has the average of what was seen alone.
  ///
  /// Inputs: old and new, of one shape. Output: of the same.
  public struct MovingAverage: OperationAttributes {
    public static let name = "movingAverage"

    /// The weight of the old average.
    public var momentum: Float
    /// What the new value is multiplied by: m / (m - 1) turns a population variance over m elements
    /// into the sample variance.
    public var correction: Float

    /// A step in which the old average weighs `momentum`, from 0 to 1.
    public init(momentum: Float, correction: Float = 1) {
      self.momentum = momentum
      self.correction = correction
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .together, recomputable: .none, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      try requireFraction(momentum, "momentum")
      try requireNonNegative(correction, "correction")
      try requireShape(inputs, 1, inputs[0].shape)
      return [inputs[0]]
    }

    public func summary(inputs: [ValueType]) -> String { "moving average \(momentum)" }
  }
}
