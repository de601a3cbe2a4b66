public import ConvNetTensors

extension Operation {
  /// The same number everywhere. No inputs.
  public struct Constant: OperationAttributes {
    public static let name = "constant"
    public var kind: OperationKind { .constant(self) }

    public var value: Float
    public var shape: Shape

    public init(_ value: Float, shape: Shape) {
      self.value = value
      self.shape = shape
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 0...0)
      return [ValueType(shape)]
    }

    public func summary(inputs: [ValueType]) -> String { "constant \(value)" }
  }
}
