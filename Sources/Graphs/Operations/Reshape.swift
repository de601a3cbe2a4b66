public import ConvNetTensors

extension Operation {
  /// The same elements of every example under another shape, in row-major order of the logical
  /// extents (channels before positions).
  public struct Reshape: OperationAttributes {
    public static let name = "reshape"

    /// Of one example, without the batch.
    public var shape: Shape

    /// The same elements under this shape of one example.
    public init(shape: Shape) {
      self.shape = shape
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0])), recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireRank(inputs, 0, 1...Int.max)
      var result = inputs[0]
      guard result.shape.withoutBatch.count == shape.count else {
        throw .shape(
          input: 0, expected: "[N] + \(shape.count) elements, to become \(shape)",
          actual: result.shape)
      }
      result.shape = try shape.batched(result.shape[0])
      return [result]
    }

    public func summary(inputs: [ValueType]) -> String { "reshape to \(shape)" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      let input = builder.type(of: operation.inputs[0]).shape
      return try builder.append(
        Reshape(shape: input.withoutBatch), to: [gradient], of: operation)
    }
  }
}
