import ConvNetTensors

extension Operation {
  /// Axes in another order: axis i of the output is axis permutation[i] of the input.
  public struct Transpose: OperationAttributes {
    public static let name = "transpose"

    /// Every axis of the input once, counted from the batch, which is 0.
    public var permutation: [Int]

    /// Axes in that order.
    public init(permutation: [Int]) {
      self.permutation = permutation
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: permutation.first == 0 ? .separately(linear: .inEach([0])) : .together,
        recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      var result = inputs[0]
      let dimensions = result.shape.dimensions
      guard permutation.sorted() == Array(dimensions.indices) else {
        throw .attribute(
          name: "permutation", value: "\(permutation)",
          requirement: "an order of all axes of an input of shape \(result.shape)")
      }
      result.shape = Shape(permutation.map { dimensions[$0] })
      return [result]
    }

    public func summary(inputs: [ValueType]) -> String { "transpose \(permutation)" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      let inverse = permutation.indices.sorted { permutation[$0] < permutation[$1] }
      return try builder.append(Transpose(permutation: inverse), to: [gradient], of: operation)
    }
  }
}
