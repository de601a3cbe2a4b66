import ConvNetTensors

extension Operation {
  /// `count` consecutive positions of an axis, from `start` on.
  public struct Slice: OperationAttributes {
    public static let name = "slice"

    /// The axis that becomes shorter, counted from the batch, which is 0.
    public var axis: Int
    /// The first position that is kept.
    public var start: Int
    /// How many are kept.
    public var count: Int

    /// The positions `start..<start + count` of an axis.
    public init(axis: Int, start: Int, count: Int) {
      self.axis = axis
      self.start = start
      self.count = count
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: axis == 0 ? .together : .separately(linear: .inEach([0])), recomputable: .all,
        overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      var result = inputs[0]
      try requireAxis(axis, of: result.shape)
      try requirePositive([count], "count")
      let extent = result.shape[axis]
      guard start >= 0, count <= extent, start <= extent - count else {
        throw .attribute(
          name: "start and count", value: "\(start), \(count)",
          requirement: "within the \(extent) positions of axis \(axis) of \(result.shape)")
      }
      result.shape = result.shape.replacing(axis: axis, with: count)
      return [result]
    }

    public func summary(inputs: [ValueType]) -> String {
      "slice \(start)..<\(start + count) of axis \(axis)"
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      let extent = builder.type(of: operation.inputs[0]).shape[axis]
      return try builder.append(
        SliceGradient(self, extent: extent), to: [gradient], of: operation)
    }
  }
}

extension Operation {
  /// The gradient of a slice: its output's gradient in place, zeros around it.
  public struct SliceGradient: OperationAttributes {
    public static let name = "sliceGradient"

    /// The forward operation.
    public var slice: Slice
    /// Of the forward input, along the slice's axis.
    public var extent: Int

    package init(_ slice: Slice, extent: Int) {
      self.slice = slice
      self.extent = extent
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: slice.axis == 0 ? .together : .separately(linear: .inEach([0])), recomputable: .all,
        overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      try requireAxis(slice.axis, of: inputs[0].shape)
      try requirePositive([extent], "extent")
      let input = ValueType(
        try resultShape(inputs[0].shape.dimensions(replacing: slice.axis, with: extent)))
      try requireShape(inputs, 0, slice.outputTypes(for: [input])[0].shape)
      return [input]
    }
  }
}
