public import ConvNetTensors

extension Operation {
  /// The same number everywhere. No inputs.
  public struct Constant: OperationAttributes {
    public static let name = "constant"

    /// What every element is.
    public var value: Float
    /// The shape of the output, batch included.
    public var shape: Shape

    /// A value of that shape, all of one number.
    public init(_ value: Float, shape: Shape) {
      self.value = value
      self.shape = shape
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: shape.count == 1 ? .separately(linear: .inNone) : .together, recomputable: .all,
        overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 0...0)
      return [ValueType(shape)]
    }

    public func summary(inputs: [ValueType]) -> String { "constant \(value)" }
  }
}
