import ConvNetTensors

extension Operation {
  /// Local response normalization: elements inhibit their neighbours.
  ///
  ///     y = x / (bias + a sum over the neighbourhood of x^2)^beta
  ///
  /// (A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep Convolutional
  /// Neural Networks", 2012, section 3.3, whose constants are the defaults with `size` 5.) The
  /// neighbourhood is cut at the border.
  ///
  /// Input: [N, C, ...]. Outputs: the same shape; where a workspace is kept, a second one of the
  /// same shape that only the engine reads.
  public struct LocalResponseNormalization: OperationAttributes {
    public static let name = "localResponseNormalization"

    /// What a is: frameworks differ.
    public enum AlphaConvention: String, Hashable, Sendable, Codable, CaseIterable {
      /// a = alpha, as in the paper and in TensorFlow.
      case sum
      /// a = alpha / number of elements of an uncut neighbourhood, as in Caffe, PyTorch and ONNX.
      case mean
    }

    /// What the neighbourhood of an element is.
    public enum Region: String, Hashable, Sendable, Codable, CaseIterable {
      /// `size` channels around its own, at the same position.
      case acrossChannels
      /// `size` positions around its own along every spatial axis, in the same channel.
      case withinChannel
    }

    /// Odd, so that the neighbourhood has a middle.
    public var size: Int
    /// The factor of the sum of squares, or of their mean: see ``alphaConvention``.
    public var alpha: Float
    /// The exponent of the denominator.
    public var beta: Float
    /// What the sum is added to: k in the paper, positive.
    public var bias: Float
    /// Whether ``alpha`` is divided by the size of the neighbourhood.
    public var alphaConvention: AlphaConvention
    /// Whether neighbours are channels or positions.
    public var region: Region
    /// Whether what the gradient needs is a second output.
    public package(set) var keepsWorkspace = false

    /// A normalization with the paper's constants where none are given.
    public init(
      size: Int, alpha: Float = 1e-4, beta: Float = 0.75, bias: Float = 2,
      alphaConvention: AlphaConvention = .sum, region: Region = .acrossChannels
    ) {
      self.size = size
      self.alpha = alpha
      self.beta = beta
      self.bias = bias
      self.alphaConvention = alphaConvention
      self.region = region
    }

    /// What the sum of squares is multiplied by, for an input of the given rank.
    package func sumCoefficient(rank: Int) -> Float {
      switch (alphaConvention, region) {
      case (.sum, _): alpha
      case (.mean, .acrossChannels): alpha / Float(size)
      case (.mean, .withinChannel): alpha / Float(repeatElement(size, count: rank - 2).reduce(1, *))
      }
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inNone), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      try requireRank(inputs, 0, region == .acrossChannels ? 2...4 : 3...4)
      try requirePositive([size], "size")
      guard size % 2 == 1 else {
        throw .attribute(
          name: "size", value: "\(size)",
          requirement: "odd: frameworks disagree on where an even neighbourhood lies")
      }
      try requireNonNegative(alpha, "alpha")
      try requireNonNegative(beta, "beta")
      guard bias > 0, bias.isFinite else {
        throw .attribute(name: "bias", value: "\(bias)", requirement: "a finite number above zero")
      }
      return keepsWorkspace ? [inputs[0], inputs[0]] : [inputs[0]]
    }

    public func summary(inputs: [ValueType]) -> String {
      "\(Self.words) \(size) \(region == .acrossChannels ? "across channels" : "within channel")"
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      var keeping = self
      keeping.keepsWorkspace = true
      let workspace = try builder.extendForward(operation, to: keeping)[1]
      return try builder.append(
        LocalResponseNormalizationGradient(keeping),
        to: [operation.inputs[0], gradient, workspace], of: operation)
    }
  }
}

extension Operation {
  /// The gradient of local response normalization. With d = bias + a (sum of squares), each element
  /// also acts through the neighbourhoods that it belongs to:
  ///
  ///     dx[i] = dy[i] d[i]^-beta - 2 a beta x[i] sum of dy[j] x[j] d[j]^(-beta - 1)
  ///
  /// where the sum is over the j that have i in their neighbourhood, which are those in its own.
  ///
  /// Inputs: forward input; gradient by the output; the kept workspace. Output: gradient by the
  /// input.
  public struct LocalResponseNormalizationGradient: OperationAttributes {
    public static let name = "localResponseNormalizationGradient"

    /// The forward operation.
    public var forward: LocalResponseNormalization

    package init(_ forward: LocalResponseNormalization) {
      self.forward = forward
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([1])), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: true, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 3...3)
      try requireFloat(inputs)
      _ = try forward.outputTypes(for: [inputs[0]])
      for index in 1..<3 { try requireShape(inputs, index, inputs[0].shape) }
      return [inputs[0]]
    }
  }
}
