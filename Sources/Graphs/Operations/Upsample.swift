import ConvNetTensors

extension Operation {
  /// Every channel enlarged by whole factors.
  ///
  /// Input: [N, C, (H,) W]. Output: each spatial extent times its factor.
  public struct Upsample: OperationAttributes {
    public static let name = "upsample"

    /// What stands between the elements of the input.
    public enum Mode: String, Hashable, Sendable, Codable, CaseIterable {
      /// Every element is repeated: y[i] = x[floor(i / factor)].
      case nearest
      /// Linear interpolation along every axis between the centres of elements, where output i lies
      /// at (i + 1/2) / factor - 1/2 of the input; beyond the outermost centres the edge goes on
      /// (PyTorch's `align_corners=False`, ONNX's `half_pixel`).
      case bilinear
    }

    /// One a spatial axis.
    public var factors: [Int]
    /// How an element of the output comes from those of the input.
    public var mode: Mode

    /// An enlargement by these factors, at least 1, one a spatial axis.
    public init(factors: [Int], mode: Mode) {
      self.factors = factors
      self.mode = mode
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0])), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 3...4)
      let input = inputs[0].shape
      try requireCount(factors, input.rank - 2, "factors")
      guard factors.allSatisfy({ 1...windowLimit ~= $0 }) else {
        throw .attribute(
          name: "factors", value: "\(factors)", requirement: "between 1 and \(windowLimit)")
      }
      let extents = zip(input.spatial, factors).map { saturatingProduct([$0, $1]) }
      return [ValueType(try resultShape([input[0], input[1]] + extents))]
    }

    public func summary(inputs: [ValueType]) -> String { "upsample \(describe(factors)) \(mode)" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      return try builder.append(UpsampleGradient(self), to: [gradient], of: operation)
    }
  }
}

extension Operation {
  /// The gradient of upsampling: every element sums the gradients of the outputs that it went into,
  /// times its weights in them.
  ///
  /// Input: gradient by the output. Output: gradient by the input.
  public struct UpsampleGradient: OperationAttributes {
    public static let name = "upsampleGradient"

    /// The forward operation.
    public var upsample: Upsample

    package init(_ upsample: Upsample) {
      self.upsample = upsample
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0])), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 3...4)
      let gradient = inputs[0].shape
      try requireCount(upsample.factors, gradient.rank - 2, "factors")
      try requirePositive(upsample.factors, "factors")
      guard zip(gradient.spatial, upsample.factors).allSatisfy({ $0 % $1 == 0 }) else {
        throw .shape(
          input: 0, expected: "of multiples of \(upsample.factors)", actual: gradient)
      }
      let extents = zip(gradient.spatial, upsample.factors).map { $0 / $1 }
      return [ValueType(Shape([gradient[0], gradient[1]] + extents))]
    }
  }
}
