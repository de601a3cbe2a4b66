extension Operation {
  /// In training, makes all of an example zero with probability `rate` and divides the other examples by 1 - rate, so that the
  /// expected value stays: on the layers of a residual block, an example then passes the block by its shortcut alone (G. Huang et
  /// al., "Deep Networks with Stochastic Depth", 2016, equations 2 to 5, who scale in inference what is divided here). It is
  /// torchvision's `stochastic_depth(mode="row")`. Compiling for inference removes it.
  ///
  /// Whether an example is kept is a function of the run's seed and step, of `index`, and of the example's place in the whole
  /// batch; nothing is stored. So the gradient is the same operation applied to the output's gradient.
  ///
  /// Input: any shape, the examples along the first axis. Output: the same.
  public struct StochasticDepth: OperationAttributes {
    public static let name = "stochasticDepth"

    /// The share of examples that become zero, from 0 to below 1.
    public var rate: Float
    /// Tells this from others of a network, and from its dropouts.
    public var index: Int

    /// A drop of whole examples; `index` should be another number in each of a network, or they drop the same examples.
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

    public func summary(inputs: [ValueType]) -> String { "stochastic depth \(rate)" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      return try builder.append(self, to: [gradient], of: operation)
    }
  }
}
