extension Operation {
  /// The weighted sum of values of one shape, element by element.
  ///
  /// Inputs: one or more of the same shape. Output: coefficient[0] x[0] + coefficient[1] x[1] + ...
  public struct Add: OperationAttributes {
    public static let name = "add"

    /// One an input; `nil` for all one.
    public var coefficients: [Float]?

    /// A sum with these coefficients, one an input; a plain sum without them.
    public init(coefficients: [Float]? = nil) {
      self.coefficients = coefficients
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inAll), recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...Int.max)
      if let coefficients { try requireInputs(inputs, coefficients.count...coefficients.count) }
      try requireFloat(inputs)
      for index in inputs.indices { try requireShape(inputs, index, inputs[0].shape) }
      return [inputs[0]]
    }

    public func summary(inputs: [ValueType]) -> String {
      coefficients.map { "add weighted \($0)" } ?? "add"
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return operation.inputs.map { _ in nil } }
      guard let coefficients else { return operation.inputs.map { _ in gradient } }
      var gradients: [ValueID?] = []
      for (input, coefficient) in zip(operation.inputs, coefficients) {
        gradients.append(
          builder.needsGradient(input)
            ? try builder.append(Add(coefficients: [coefficient]), to: [gradient], of: operation)[0]
            : nil)
      }
      return gradients
    }
  }
}
