extension Operation {
  /// The product of two values of one shape, element by element.
  public struct Multiply: OperationAttributes {
    public static let name = "multiply"

    /// The one product that there is: two inputs.
    public init() {}

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0, 1])), recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      try requireShape(inputs, 1, inputs[0].shape)
      return [inputs[0]]
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil, nil] }
      var gradients: [ValueID?] = [nil, nil]
      for index in 0..<2 where builder.needsGradient(operation.inputs[index]) {
        gradients[index] =
          try builder.append(
            Multiply(), to: [gradient, operation.inputs[1 - index]], of: operation)[0]
      }
      return gradients
    }
  }
}
