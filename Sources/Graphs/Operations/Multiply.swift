extension Operation {
  /// The product of two values of one shape, element by element.
  public struct Multiply: OperationAttributes {
    public static let name = "multiply"
    public var kind: OperationKind { .multiply(self) }

    public init() {}

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
