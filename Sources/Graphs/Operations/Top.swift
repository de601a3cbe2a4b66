import ConvNetTensors

extension Operation {
  /// The largest elements along an axis, in descending order, or the smallest, in ascending order; and where they are.
  ///
  /// Input: any shape. Outputs: the elements, and their places along the axis as numbers; both of the input's shape with `count`
  /// along the axis.
  public struct Top: OperationAttributes {
    public static let name = "top"

    /// Counted from the batch, which is 0.
    public var axis: Int
    /// How many elements.
    public var count: Int
    /// Whether the largest are asked for.
    public var isLargest: Bool
    /// Whether of equal elements the last comes first.
    public var prefersLast: Bool

    /// The `count` largest elements along an axis.
    public init(axis: Int, count: Int, isLargest: Bool = true, prefersLast: Bool = false) {
      self.axis = axis
      self.count = count
      self.isLargest = isLargest
      self.prefersLast = prefersLast
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: axis == 0 ? .together : .separately(linear: .inNone), recomputable: .all,
        overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      let shape = inputs[0].shape
      try requireAxis(axis, of: shape)
      guard 1...shape[axis] ~= count else {
        throw .attribute(
          name: "count", value: "\(count)",
          requirement: "from 1 to the \(shape[axis]) positions of axis \(axis) of \(shape)")
      }
      let result = ValueType(shape.replacing(axis: axis, with: count))
      return [result, result]
    }

    public func summary(inputs: [ValueType]) -> String {
      "\(isLargest ? "largest" : "smallest") \(count) of axis \(axis)"
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      // Places are the same nearby.
      guard let gradient = outputGradients[0] else { return [nil] }
      let extent = builder.type(of: operation.inputs[0]).shape[axis]
      return try builder.append(
        TopGradient(axis: axis, extent: extent), to: [gradient, operation.outputs[1]],
        of: operation)
    }
  }

  /// The gradient of ``Top``: each element's where it came from, zero elsewhere.
  ///
  /// Inputs: gradient by the elements; their places along the axis. Output: gradient by the input.
  public struct TopGradient: OperationAttributes {
    public static let name = "topGradient"

    /// As in the forward operation.
    public var axis: Int
    /// Of the forward input along the axis.
    public var extent: Int

    package init(axis: Int, extent: Int) {
      self.axis = axis
      self.extent = extent
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: axis == 0 ? .together : .separately(linear: .inEach([0])), recomputable: .all,
        overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      let shape = inputs[0].shape
      try requireAxis(axis, of: shape)
      try requireShape(inputs, 1, shape)
      try requirePositive([extent], "extent")
      guard shape[axis] <= extent else {
        throw .attribute(
          name: "extent", value: "\(extent)", requirement: "at least \(shape[axis])")
      }
      return [ValueType(try resultShape(shape.dimensions(replacing: axis, with: extent)))]
    }
  }
}
