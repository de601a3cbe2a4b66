extension Operation {
  /// In training, zeroes each element with probability `rate` and divides the others by 1 - rate,
  /// so that the expected value stays (N. Srivastava et al., "Dropout: A Simple Way to Prevent
  /// Neural Networks from Overfitting", 2014). Compiling for inference removes it.
  ///
  /// Whether an element is kept is a function of the run's seed and step, of `index`, and of the
  /// element's row-major place in the logical shape; nothing is stored. So the gradient is the same
  /// operation applied to the output's gradient.
  ///
  /// Input: any shape. Output: the same.
  public struct Dropout: OperationAttributes {
    public static let name = "dropout"

    /// The share of elements that become zero, from 0 to below 1.
    public var rate: Float
    /// Tells the dropouts of a network apart.
    public var index: Int

    /// A dropout; `index` should be another number in each of a network, or they drop the same places.
    public init(rate: Float, index: Int) {
      self.rate = rate
      self.index = index
    }

    public var traits: OperationTraits { .dropping(rate: rate) }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireDrop(inputs, rate: rate, index: index)
      return inputs
    }

    public func summary(inputs: [ValueType]) -> String { "dropout \(rate)" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      return try builder.append(self, to: [gradient], of: operation)
    }
  }
}

// What it shares with ``Operation/StochasticDepth``.

extension OperationTraits {
  /// Of what leaves something out at random in training, and does nothing in inference.
  static func dropping(rate: Float) -> OperationTraits {
    OperationTraits(
      batch: .separately(linear: .inEach([0])), recomputable: .all, overwritesInput: true,
      isRandom: rate > 0, isGradient: false, isIdentityInInference: true)
  }
}

/// Refuses what cannot be left out at random.
func requireDrop(
  _ inputs: [ValueType], rate: Float, index: Int
) throws(GraphError.Problem) {
  try requireInputs(inputs, 1...1)
  try requireFloat(inputs)
  guard rate >= 0, rate < 1 else {
    throw .attribute(name: "rate", value: "\(rate)", requirement: "at least 0 and below 1")
  }
  guard 0...Int(UInt32.max) ~= index else {
    throw .attribute(
      name: "index", value: "\(index)", requirement: "between 0 and \(UInt32.max)")
  }
}
