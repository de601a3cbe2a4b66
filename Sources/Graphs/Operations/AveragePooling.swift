public import ConvNetTensors

extension Operation {
  /// The mean of the elements under a window, per channel.
  ///
  /// The sum of the window's elements (padding is zero) is divided by the number of its positions
  /// that lie inside the input or, with `countIncludesPadding`, inside the padded input. Positions
  /// by which `ceilMode` lets the last window hang over the padded input are counted in neither
  /// case.
  ///
  /// Input: [N, C, (H,) W]. Output: [N, C, (OH,) OW].
  public struct AveragePooling: OperationAttributes {
    public static let name = "averagePooling"

    /// Positions under a window, one number a spatial axis: (height,) width.
    public var window: [Int]
    /// Positions from one window to the next, one number a spatial axis.
    public var strides: [Int]
    /// How many zeros stand around the input.
    public var padding: Padding
    /// Rounds the number of windows up, so that the last may reach beyond the padded input. A
    /// window that would start beyond the input and its padding in front is dropped.
    public var ceilMode: Bool
    /// Whether padding counts in the divisor.
    public var countIncludesPadding: Bool

    /// A pooling with these settings; by default it is what Keras calls `valid`.
    public init(
      window: [Int], strides: [Int], padding: Padding = .valid, ceilMode: Bool = false,
      countIncludesPadding: Bool = false
    ) {
      self.window = window
      self.strides = strides
      self.padding = padding
      self.ceilMode = ceilMode
      self.countIncludesPadding = countIncludesPadding
    }

    package var slidingWindow: SlidingWindow {
      SlidingWindow(kernel: window, strides: strides, dilations: window.map { _ in 1 })
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0])), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .layer("\(joined(window)) average pool", strides: strides)
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 3...4)
      let output = try slidingWindow.pooledShape(
        input: inputs[0].shape, padding: padding, ceilMode: ceilMode)
      return [ValueType(output)]
    }

    public func summary(inputs: [ValueType]) -> String {
      slidingWindow.summary(Self.words, padding: padding, ceilMode: ceilMode)
        + (countIncludesPadding ? " counting padding" : "")
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      let input = builder.type(of: operation.inputs[0]).shape
      return try builder.append(
        AveragePoolingGradient(self, inputShape: input.withoutBatch), to: [gradient],
        of: operation)
    }
  }
}

extension Operation {
  /// The gradient of average pooling: every output spreads its gradient, divided as in the forward
  /// pass, over the elements under its window.
  ///
  /// Input: gradient by the output. Output: gradient by the input.
  public struct AveragePoolingGradient: OperationAttributes {
    public static let name = "averagePoolingGradient"

    /// The forward operation.
    public var pooling: AveragePooling
    /// The forward input's shape without its batch.
    public var inputShape: Shape

    package init(_ pooling: AveragePooling, inputShape: Shape) {
      self.pooling = pooling
      self.inputShape = inputShape
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
      let input = ValueType(try inputShape.batched(inputs[0].shape[0]))
      try requireShape(inputs, 0, pooling.outputTypes(for: [input])[0].shape)
      return [input]
    }
  }
}
