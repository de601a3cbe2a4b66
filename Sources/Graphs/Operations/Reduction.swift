import ConvNetTensors

extension Operation {
  /// One element for all along some axes, whose extents become 1.
  ///
  /// Input: any shape. Output: the same with 1 along the axes. Sums are in double precision.
  public struct Reduction: OperationAttributes {
    public static let name = "reduction"

    /// What becomes of the elements.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
      /// Their sum.
      case sum
      /// Their sum through their number.
      case mean
      /// Their product.
      case product
      /// The largest of them; what is not a number stays so.
      case maximum
      /// The smallest of them; what is not a number stays so.
      case minimum
    }

    /// What becomes of the elements.
    public var reduction: Kind
    /// Each once, in ascending order, counted from the batch, which is 0.
    public var axes: [Int]

    /// A reduction along these axes.
    public init(_ kind: Kind, axes: [Int]) {
      reduction = kind
      self.axes = axes
    }

    public var traits: OperationTraits {
      let isLinear = reduction == .sum || reduction == .mean
      return OperationTraits(
        batch: axes.contains(0)
          ? .together : .separately(linear: isLinear ? .inEach([0]) : .inNone),
        recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      var extents = inputs[0].shape.dimensions
      guard zip(axes, axes.dropFirst()).allSatisfy(<), axes.allSatisfy(extents.indices.contains)
      else {
        throw .attribute(
          name: "axes", value: "\(axes)",
          requirement:
            "in ascending order, from 0 to below the rank of an input of shape \(inputs[0].shape)"
        )
      }
      for axis in axes { extents[axis] = 1 }
      return [ValueType(try resultShape(extents))]
    }

    public func summary(inputs: [ValueType]) -> String { "\(reduction) along axes \(axes)" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      let (x, y) = (operation.inputs[0], operation.outputs[0])
      func append(
        _ attributes: some OperationAttributes, _ inputs: [ValueID], _ role: String = "gradient"
      ) throws(GraphError) -> ValueID {
        try builder.append(attributes, to: inputs, of: operation, role: role)[0]
      }
      switch reduction {
      case .sum: return [try append(Elementwise(.second), [x, gradient])]
      case .mean:
        let count = builder.type(of: x).shape.count / builder.type(of: y).shape.count
        let share = try append(Add(coefficients: [1 / Float(count)]), [gradient], "share")
        return [try append(Elementwise(.second), [x, share])]
      case .product:
        let product = try append(Elementwise(.multiply), [gradient, y], "product")
        return [try append(Elementwise(.divide), [product, x])]
      case .maximum, .minimum:
        // Elements that are all the largest share the gradient.
        let isIt = try append(Elementwise(.equal), [x, y], "which")
        let count = try append(Reduction(.sum, axes: axes), [isIt], "how many")
        let share = try append(Elementwise(.divide), [gradient, count], "share")
        return [try append(Elementwise(.multiply), [isIt, share])]
      }
    }
  }
}
