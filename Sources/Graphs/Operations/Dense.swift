import ConvNetTensors

extension Operation {
  /// Fully connected layer: every output is a weighted sum of all inputs plus a bias,
  ///
  ///     y[n, o] = b[o] + sum over c of x[n, c] K[o, c]
  ///
  /// Inputs: `x` [N, C]; kernel [O, C]; optionally a bias [O]; for a fused addition, last, a value
  /// of the output's shape. Output: [N, O].
  public struct Dense: OperationAttributes {
    public static let name = "dense"

    /// Whether there is a third input, the bias.
    public var hasBias: Bool
    /// Applied to the result while it is in registers, in order.
    public package(set) var fused: [Convolution.FusedOperation]

    /// A layer with or without a bias.
    public init(hasBias: Bool = true) {
      self.init(hasBias: hasBias, fused: [])
    }

    package init(hasBias: Bool, fused: [Convolution.FusedOperation]) {
      self.hasBias = hasBias
      self.fused = fused
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: hasBias || !fused.isEmpty ? .inNone : .inEach([0, 1])),
        recomputable: .all, overwritesInput: fused.contains(.addition),
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .layer("dense \(outputs[0].shape[1])")
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      let hasAddition = fused.contains(.addition)
      let count = 2 + (hasBias ? 1 : 0) + (hasAddition ? 1 : 0)
      try requireInputs(inputs, count...count)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 2...2)
      try requireRank(inputs, 1, 2...2)
      let outputs = inputs[1].shape[0]
      try requireShape(inputs, 1, [outputs, inputs[0].shape[1]])
      if hasBias { try requireShape(inputs, 2, [outputs]) }
      let output = try resultShape([inputs[0].shape[0], outputs])
      if hasAddition { try requireShape(inputs, count - 1, output) }
      return [ValueType(output)]
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int {
      saturatingProduct([outputs[0].shape.count, inputs[0].shape[1]])
    }

    public func summary(inputs: [ValueType]) -> String {
      (["dense \(inputs[1].shape[0])"] + fused.map(\.description)).joined(separator: " + ")
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return operation.inputs.map { _ in nil } }
      try requireUnfused(fused, of: operation)
      var gradients = [ValueID?](repeating: nil, count: operation.inputs.count)
      if operation.inputs.dropFirst().contains(where: builder.needsGradient) {
        let parameters = try builder.append(
          DenseParameterGradient(hasBias: hasBias), to: [operation.inputs[0], gradient],
          of: operation, role: "parameter gradient")
        for (index, value) in parameters.enumerated() { gradients[1 + index] = value }
      }
      if builder.needsGradient(operation.inputs[0]) {
        gradients[0] =
          try builder.append(
            DenseInputGradient(), to: [gradient, operation.inputs[1]], of: operation,
            role: "input gradient")[0]
      }
      return gradients
    }
  }
}

extension Operation {
  /// The gradient of a dense layer by its input: dx[n, c] = sum over o of dy[n, o] K[o, c].
  ///
  /// Inputs: gradient by the output [N, O]; kernel [O, C]. Output: [N, C].
  public struct DenseInputGradient: OperationAttributes {
    public static let name = "denseInputGradient"

    package init() {}

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0, 1])), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 2...2)
      try requireRank(inputs, 1, 2...2)
      try requireShape(inputs, 1, [inputs[0].shape[1], inputs[1].shape[1]])
      return [ValueType(try resultShape([inputs[0].shape[0], inputs[1].shape[1]]))]
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int {
      saturatingProduct([inputs[0].shape.count, inputs[1].shape[1]])
    }
  }
}

extension Operation {
  /// The gradient of a dense layer by its kernel, dK[o, c] = sum over n of dy[n, o] x[n, c], and
  /// by its bias, the sum of dy over the batch.
  ///
  /// Inputs: forward input [N, C]; gradient by the output [N, O]. Outputs: kernel's gradient
  /// [O, C]; bias's [O] where there is one.
  public struct DenseParameterGradient: OperationAttributes {
    public static let name = "denseParameterGradient"

    /// Whether the forward operation has a bias, whose gradient is then the second output.
    public var hasBias: Bool

    package init(hasBias: Bool) {
      self.hasBias = hasBias
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .sum, recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 2...2)
      try requireRank(inputs, 1, 2...2)
      let (input, gradient) = (inputs[0].shape, inputs[1].shape)
      try requireShape(inputs, 1, [input[0], gradient[1]])
      let kernel = ValueType(try resultShape([gradient[1], input[1]]))
      return hasBias ? [kernel, ValueType([gradient[1]])] : [kernel]
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int {
      saturatingProduct([inputs[1].shape.count, inputs[0].shape[1]])
    }
  }
}
