import ConvNetTensors

extension Operation {
  /// Positions of an axis from others of it, by a table of weights:
  ///
  ///     y[..., i, ...] = sum over t of weight[i, t] x[..., source[i, t], ...]
  ///
  /// So positions are taken in any order, repeated, left out or mirrored (each with one term), a border is put around (where a
  /// position has no term, the result is `fill`), and pictures are resized by any filter, one axis after the other.
  ///
  /// Input: any shape. Output: the same with another extent along the axis.
  public struct AxisMap: OperationAttributes {
    public static let name = "axisMap"

    /// Counted from the batch, which is 0.
    public var axis: Int
    /// Of the input along the axis.
    public var extent: Int
    /// The terms of each position of the output, one position after the other; -1 for none.
    public var sources: [Int]
    /// One a source; empty where all are 1.
    public var weights: [Float]
    /// Terms of each position.
    public var termCount: Int
    /// What positions without a term are.
    public var fill: Float

    /// A map with so many terms for each position of the output.
    public init(
      axis: Int, extent: Int, sources: [Int], weights: [Float] = [], termCount: Int = 1,
      fill: Float = 0
    ) {
      self.axis = axis
      self.extent = extent
      self.sources = sources
      self.weights = weights
      self.termCount = termCount
      self.fill = fill
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: axis == 0 ? .together : .separately(linear: fill == 0 ? .inEach([0]) : .inNone),
        recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      var result = inputs[0]
      try requireAxis(axis, of: result.shape)
      try requirePositive([extent, termCount], "extent and terms")
      try requireShape(inputs, 0, result.shape.dimensions(replacing: axis, with: extent))
      guard !sources.isEmpty, sources.count % termCount == 0,
        sources.allSatisfy({ -1..<extent ~= $0 })
      else {
        throw .attribute(
          name: "sources", value: "\(sources.prefix(8))…",
          requirement: "\(termCount) for each position, from -1 to below \(extent)")
      }
      guard fill.isFinite else {
        throw .attribute(name: "fill", value: "\(fill)", requirement: "a finite number")
      }
      guard weights.isEmpty || weights.count == sources.count else {
        throw .attribute(
          name: "weights", value: "\(weights.prefix(8))…", requirement: "none, or one a source")
      }
      result.shape = try resultShape(
        result.shape.dimensions(replacing: axis, with: sources.count / termCount))
      return [result]
    }

    public func summary(inputs: [ValueType]) -> String {
      "map of axis \(axis), \(extent) to \(sources.count / max(1, termCount)) positions"
    }

    /// The map that goes the other way, each source to where it went.
    package var transposed: AxisMap {
      var targets = [[(Int, Float)]](repeating: [], count: extent)
      for (place, source) in sources.enumerated() where source >= 0 {
        targets[source].append((place / termCount, weights.isEmpty ? 1 : weights[place]))
      }
      let count = max(1, targets.reduce(0) { max($0, $1.count) })
      var result = AxisMap(
        axis: axis, extent: sources.count / termCount, sources: [], termCount: count)
      for terms in targets {
        for index in 0..<count {
          result.sources.append(index < terms.count ? terms[index].0 : -1)
          if !weights.isEmpty { result.weights.append(index < terms.count ? terms[index].1 : 0) }
        }
      }
      return result
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      return try builder.append(transposed, to: [gradient], of: operation)
    }
  }
}
