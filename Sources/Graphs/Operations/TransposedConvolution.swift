package import ConvNetTensors

extension Operation {
  /// Transposed convolution in one or two dimensions: the linear map of a convolution read
  /// backwards, so that it enlarges where the convolution of the same geometry reduces. Every
  /// input position adds its value, times the kernel, to the outputs under its window:
  ///
  ///     y[n, o, i S + m D - p] += x[n, c, i] K[c, o, m]     and then + b[o]
  ///
  /// (V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016, chapter
  /// 4.)
  ///
  /// Inputs: `x` [N, I, (H,) W]; kernel [I, O / groups, (KH,) KW]; optionally a bias [O].
  /// Output: [N, O, (OH,) OW], each extent (in - 1) stride - padding + extent of the dilated
  /// kernel + outputPadding.
  public struct TransposedConvolution: OperationAttributes {
    public static let name = "transposedConvolution"

    /// S: positions of the output from one window to the next, one number a spatial axis.
    public var strides: [Int]
    /// D: positions from one element of the kernel to the next, one number a spatial axis.
    public var dilations: [Int]
    /// Cut from the output. `.same` has no meaning here and is refused.
    public var padding: Padding
    /// Rows and columns added at the bottom and right, below the stride: the sizes that a
    /// convolution reduces to the same input differ by less than that.
    public var outputPadding: [Int]
    /// Output channels see only the input channels of their own group.
    public var groups: Int
    /// Whether there is a third input, the bias.
    public var hasBias: Bool

    /// A transposed convolution with these settings.
    ///
    /// - Parameters:
    ///
    /// - dilations: `nil` for 1 along every axis.
    ///
    /// - outputPadding: `nil` for 0 along every axis.
    public init(
      strides: [Int], dilations: [Int]? = nil, padding: Padding = .valid,
      outputPadding: [Int]? = nil, groups: Int = 1, hasBias: Bool = true
    ) {
      self.strides = strides
      self.dilations = dilations ?? strides.map { _ in 1 }
      self.padding = padding
      self.outputPadding = outputPadding ?? strides.map { _ in 0 }
      self.groups = groups
      self.hasBias = hasBias
    }

    package func window(kernel: Shape) -> SlidingWindow {
      SlidingWindow(kernel: kernel.spatial, strides: strides, dilations: dilations)
    }

    /// The padding of each axis, for as many axes as there are strides.
    package func sides() throws(GraphError.Problem) -> [Padding.Sides] {
      guard padding != .same else {
        throw .attribute(
          name: "padding", value: "same",
          requirement: "valid, symmetric or explicit in a transposed convolution")
      }
      let window = SlidingWindow(kernel: strides, strides: strides, dilations: dilations)
      return try padding.sides(window: window, input: strides)
    }

    /// The convolution of which this is the transpose, without a bias.
    package func convolution() throws(GraphError.Problem) -> Convolution {
      Convolution(
        strides: strides, dilations: dilations, padding: .explicit(try sides()), groups: groups,
        hasBias: false)
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: hasBias ? .inNone : .inEach([0, 1])), recomputable: .all,
        overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      let count = hasBias ? 3 : 2
      try requireInputs(inputs, count...count)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 3...4)
      let input = inputs[0].shape
      let kernel = inputs[1].shape
      try requireRank(inputs, 1, input.rank...input.rank)
      let axes = input.rank - 2
      try requireCount(strides, axes, "strides")
      try requireCount(dilations, axes, "dilations")
      try requireCount(outputPadding, axes, "outputPadding")
      try requirePositive(strides, "strides")
      try requirePositive(dilations, "dilations")
      try requirePositive(kernel.spatial, "kernel")
      try requirePositive([groups], "groups")
      guard zip(outputPadding, strides).allSatisfy({ 0..<$1 ~= $0 }) else {
        throw .attribute(
          name: "outputPadding", value: "\(outputPadding)",
          requirement: "from zero to below the strides \(strides)")
      }
      guard input[1] % groups == 0 else {
        throw .attribute(
          name: "groups", value: "\(groups)",
          requirement: "a divisor of the \(input[1]) input channels")
      }
      try requireShape(inputs, 1, kernel.dimensions(replacing: 0, with: input[1]))
      let channels = saturatingProduct([kernel[1], groups])
      if hasBias { try requireShape(inputs, 2, [channels]) }
      let sides = try sides()
      let window = window(kernel: kernel)
      try requireVisitable(window, sides)
      let extents = input.spatial.indices.map { axis in
        (input[2 + axis] - 1) * strides[axis] - sides[axis].before - sides[axis].after
          + window.extent(axis) + outputPadding[axis]
      }
      guard extents.allSatisfy({ $0 > 0 }) else {
        throw .attribute(
          name: "padding", value: "\(sides.map { [$0.before, $0.after] })",
          requirement: "so small that something of the output remains (its extents are \(extents))")
      }
      return [ValueType(try resultShape([input[0], channels] + extents))]
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int {
      saturatingProduct([inputs[0].shape.count] + inputs[1].shape.dimensions.dropFirst())
    }

    public func summary(inputs: [ValueType]) -> String {
      var text = "transposed convolution \(joined(inputs[1].shape.spatial))"
      text += " stride \(describe(strides))"
      if dilations.contains(where: { $0 != 1 }) { text += " dilation \(describe(dilations))" }
      text += " \(padding)"
      if outputPadding.contains(where: { $0 != 0 }) {
        text += " output padding \(describe(outputPadding))"
      }
      return groups == 1 ? text : text + " groups \(groups)"
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return operation.inputs.map { _ in nil } }
      let convolution: Convolution
      do {
        convolution = try self.convolution()
      } catch {
        throw GraphError(subject: operation.name, problem: error)
      }
      let (input, kernel) = (operation.inputs[0], operation.inputs[1])
      var gradients = [ValueID?](repeating: nil, count: operation.inputs.count)
      if builder.needsGradient(input) {
        gradients[0] =
          try builder.append(
            convolution, to: [gradient, kernel], of: operation, role: "input gradient")[0]
      }
      if builder.needsGradient(kernel) {
        // The convolution reads the output's gradient and makes what has the input's shape, so
        // input and gradient change places.
        gradients[1] =
          try builder.append(
            ConvolutionParameterGradient(convolution, kernel: builder.type(of: kernel).shape),
            to: [gradient, input], of: operation, role: "kernel gradient")[0]
      }
      if hasBias, builder.needsGradient(operation.inputs[2]) {
        gradients[2] =
          try builder.append(ChannelSum(), to: [gradient], of: operation, role: "bias gradient")[0]
      }
      return gradients
    }
  }
}
