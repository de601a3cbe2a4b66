public import ConvNetTensors

extension Operation {
  /// The same elements under another shape, batch included, in row-major order of the logical extents.
  ///
  /// ``Reshape`` is the operation for the elements of each example. This one mixes examples, so a network that has it computes as
  /// many at once as its shape says.
  public struct Regroup: OperationAttributes {
    public static let name = "regroup"

    /// The whole shape of the output.
    public var shape: Shape

    /// The same elements under this shape.
    public init(shape: Shape) {
      self.shape = shape
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .together, recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      var result = inputs[0]
      try requirePositive(shape.dimensions, "shape")
      guard result.shape.count == shape.count else {
        throw .shape(
          input: 0, expected: "of \(shape.count) elements, to become \(shape)",
          actual: result.shape)
      }
      result.shape = shape
      return [result]
    }

    public func summary(inputs: [ValueType]) -> String { "regroup to \(shape)" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      return try builder.append(
        Regroup(shape: builder.type(of: operation.inputs[0]).shape), to: [gradient], of: operation)
    }
  }
}
