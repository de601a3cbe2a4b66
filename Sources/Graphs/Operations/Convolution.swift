public import ConvNetTensors

extension Operation {
  /// Convolution layer in one or two dimensions, as the lecture defines it: cross-correlation of
  /// the input with a kernel, shifted by the stride, summed over the channels of the output's
  /// group, plus a bias:
  ///
  ///     y[n, o, i, j] = b[o]
  ///       + sum over c, m, n' of x[n, c, i S + m D - p, j S + n' D - p] K[o, c, m, n']
  ///
  /// Inputs: `x` [N, C, (H,) W]; kernel [O, C / groups, (KH,) KW]; optionally a bias [O]; for a
  /// fused addition, last, a value of the output's shape. Output: [N, O, (OH,) OW].
  public struct Convolution: OperationAttributes {
    public static let name = "convolution"

    /// S: positions from one window to the next, one number a spatial axis.
    public var strides: [Int]
    /// D: positions from one element of the kernel to the next, one number a spatial axis; 1 leaves no gaps.
    public var dilations: [Int]
    /// How many zeros stand around the input, p of them before it.
    public var padding: Padding
    /// Output channels see only the input channels of their own group.
    public var groups: Int
    /// Whether there is a third input, the bias.
    public var hasBias: Bool
    /// Applied to the result while it is in registers, in order.
    public package(set) var fused: [FusedOperation] = []

    /// What a pass may move into the convolution.
    public enum FusedOperation: Hashable, Sendable, Codable {
      /// Puts each element through a nonlinearity.
      case activation(ActivationFunction)
      /// Adds the operation's last input.
      case addition
    }

    /// A convolution with these settings.
    ///
    /// - Parameter dilations: `nil` for 1 along every axis.
    public init(
      strides: [Int], dilations: [Int]? = nil, padding: Padding = .valid, groups: Int = 1,
      hasBias: Bool = true
    ) {
      self.strides = strides
      self.dilations = dilations ?? strides.map { _ in 1 }
      self.padding = padding
      self.groups = groups
      self.hasBias = hasBias
    }

    package func window(kernel: Shape) -> SlidingWindow {
      SlidingWindow(
        kernel: kernel.spatial, strides: strides, dilations: dilations)
    }

    package func sides(input: Shape, kernel: Shape) throws(GraphError.Problem) -> [Padding.Sides] {
      try padding.sides(window: window(kernel: kernel), input: input.spatial)
    }

    private var hasAddition: Bool { fused.contains(.addition) }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: hasBias || !fused.isEmpty ? .inNone : .inEach([0, 1])),
        recomputable: .all, overwritesInput: hasAddition,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      let text = "\(joined(inputs[1].shape.spatial)) \(outputs[0].shape[1])"
      return .layer(groups == 1 ? text : "\(text) groups \(groups)", strides: strides)
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      let count = 2 + (hasBias ? 1 : 0) + (hasAddition ? 1 : 0)
      try requireInputs(inputs, count...count)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 3...4)
      let input = inputs[0].shape
      let kernel = inputs[1].shape
      try requireRank(inputs, 1, input.rank...input.rank)
      try requirePositive([groups], "groups")
      guard input[1] % groups == 0, kernel[0] % groups == 0 else {
        throw .attribute(
          name: "groups", value: "\(groups)",
          requirement: "a divisor of the \(input[1]) input and the \(kernel[0]) output channels")
      }
      try requireShape(inputs, 1, kernel.dimensions(replacing: 1, with: input[1] / groups))
      if hasBias { try requireShape(inputs, 2, [kernel[0]]) }
      let window = window(kernel: kernel)
      let extents = try window.outputExtents(input: input.spatial, padding: padding)
      try requireVisitable(window, padding.sides(window: window, input: input.spatial))
      let output = try resultShape([input[0], kernel[0]] + extents)
      if hasAddition { try requireShape(inputs, inputs.count - 1, output) }
      return [ValueType(output)]
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int {
      saturatingProduct([outputs[0].shape.count] + inputs[1].shape.dimensions.dropFirst())
    }

    public func summary(inputs: [ValueType]) -> String {
      var text = "convolution \(joined(inputs[1].shape.spatial)) stride \(describe(strides))"
      if dilations.contains(where: { $0 != 1 }) { text += " dilation \(describe(dilations))" }
      text += " \(padding)"
      if groups != 1 { text += " groups \(groups)" }
      return ([text] + fused.map(\.description)).joined(separator: " + ")
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return operation.inputs.map { _ in nil } }
      try requireUnfused(fused, of: operation)
      let (input, kernel) = (operation.inputs[0], operation.inputs[1])
      var gradients = [ValueID?](repeating: nil, count: operation.inputs.count)
      // First, so that the forward input's memory may serve its gradient.
      if operation.inputs.dropFirst().contains(where: builder.needsGradient) {
        let parameters = try builder.append(
          ConvolutionParameterGradient(self, kernel: builder.type(of: kernel).shape),
          to: [input, gradient], of: operation, role: "parameter gradient")
        for (index, value) in parameters.enumerated() { gradients[1 + index] = value }
      }
      if builder.needsGradient(input) {
        gradients[0] =
          try builder.append(
            ConvolutionInputGradient(self, input: builder.type(of: input).shape),
            to: [gradient, kernel], of: operation, role: "input gradient")[0]
      }
      return gradients
    }
  }
}

/// A layer of a kernel, whose first axis is the output channel, and a bias: what normalizations are folded into, and activations
/// and additions fused with.
package protocol WeightLayer: OperationAttributes {
  var hasBias: Bool { get set }
  /// Applied to the result while it is in registers, in order.
  var fused: [Operation.Convolution.FusedOperation] { get set }
}

extension Operation.Convolution: WeightLayer {}
extension Operation.Dense: WeightLayer {}

extension Operation.Convolution.FusedOperation: CustomStringConvertible {
  public var description: String {
    switch self {
    case .activation(let function): "\(function)"
    case .addition: "addition"
    }
  }
}

/// Fusion loses what the gradient needs, so it comes after differentiation.
func requireUnfused(
  _ fused: [Operation.Convolution.FusedOperation], of operation: Operation
) throws(GraphError) {
  guard fused.isEmpty else {
    throw GraphError(
      subject: operation.name,
      problem: .invariant("is fused with \(fused), so it has no gradient; differentiate first"))
  }
}

extension Operation {
  /// The gradient of a convolution by its input: each output position gives its gradient, times the
  /// kernel, back to the positions that it read.
  ///
  /// Inputs: gradient by the output [N, O, ...]; kernel. Output: gradient by the input [N, C, ...].
  public struct ConvolutionInputGradient: OperationAttributes {
    public static let name = "convolutionInputGradient"

    /// The forward operation.
    public var convolution: Convolution
    /// The forward input's shape without its batch: several sizes of input lead to one size of
    /// output where the stride is above one.
    public var inputShape: Shape

    package init(_ convolution: Convolution, input: Shape) {
      self.convolution = convolution
      inputShape = input.withoutBatch
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0, 1])), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      try requireRank(inputs, 0, 3...4)
      let input = ValueType(try inputShape.batched(inputs[0].shape[0]))
      var forward = convolution
      forward.hasBias = false
      forward.fused = []
      try requireShape(inputs, 0, forward.outputTypes(for: [input, inputs[1]])[0].shape)
      return [input]
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int {
      saturatingProduct([inputs[0].shape.count] + inputs[1].shape.dimensions.dropFirst())
    }
  }
}

extension Operation {
  /// The gradient of a convolution by its kernel (the correlation of the input with the output's
  /// gradient) and by its bias (the sum of the output's gradient over batch and positions).
  ///
  /// Inputs: forward input [N, C, ...]; gradient by the output [N, O, ...]. Outputs: kernel's
  /// gradient; bias's where there is one.
  public struct ConvolutionParameterGradient: OperationAttributes {
    public static let name = "convolutionParameterGradient"

    /// The forward operation.
    public var convolution: Convolution
    /// [O, C / groups, (KH,) KW], which the inputs' shapes leave open where the stride is above one.
    public var kernelShape: Shape

    package init(_ convolution: Convolution, kernel: Shape) {
      self.convolution = convolution
      kernelShape = kernel
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .sum, recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 2...2)
      var forward = convolution
      forward.hasBias = false
      forward.fused = []
      try requireShape(
        inputs, 1, forward.outputTypes(for: [inputs[0], ValueType(kernelShape)])[0].shape)
      let kernel = ValueType(kernelShape)
      return convolution.hasBias ? [kernel, ValueType([kernelShape[0]])] : [kernel]
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int {
      saturatingProduct([inputs[1].shape.count] + kernelShape.dimensions.dropFirst())
    }
  }
}
