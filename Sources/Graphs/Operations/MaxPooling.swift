public import ConvNetTensors

extension Operation {
  /// The largest element under a window, per channel: minor translation invariance.
  ///
  ///     y[n, c, i, j] = max over m, n' of x[n, c, i S + m - p, j S + n' - p]
  ///
  /// Padding never wins. Of equal elements the first in row-major order counts as the largest and
  /// takes the whole gradient.
  ///
  /// Input: [N, C, (H,) W]. Outputs: [N, C, (OH,) OW]; where indices are recorded, a second one of
  /// the same shape that only the engine reads.
  public struct MaxPooling: OperationAttributes {
    public static let name = "maxPooling"

    /// Positions under a window, one number a spatial axis: (height,) width.
    public var window: [Int]
    /// S: positions from one window to the next, one number a spatial axis.
    public var strides: [Int]
    /// How far windows reach beyond the input, p positions before it.
    public var padding: Padding
    /// Rounds the number of windows up, so that the last may reach beyond the padded input. A
    /// window that would start beyond the input and its padding in front is dropped.
    public var ceilMode: Bool
    /// Whether the place of each maximum is a second output, for the gradient.
    public package(set) var recordsIndices = false

    /// A pooling with these settings.
    public init(
      window: [Int], strides: [Int], padding: Padding = .valid, ceilMode: Bool = false
    ) {
      self.window = window
      self.strides = strides
      self.padding = padding
      self.ceilMode = ceilMode
    }

    package var slidingWindow: SlidingWindow {
      SlidingWindow(kernel: window, strides: strides, dilations: window.map { _ in 1 })
    }

    /// One byte holds a place in all but the largest windows.
    private var indexType: ElementType {
      saturatingProduct(window) < Int(UInt8.max) ? .uint8 : .int32
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inNone), recomputable: .all, overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .layer("\(joined(window)) max pool", strides: strides)
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireFloat(inputs)
      try requireRank(inputs, 0, 3...4)
      let output = try slidingWindow.pooledShape(
        input: inputs[0].shape, padding: padding, ceilMode: ceilMode)
      return recordsIndices
        ? [ValueType(output), ValueType(output, indexType)] : [ValueType(output)]
    }

    public func summary(inputs: [ValueType]) -> String {
      slidingWindow.summary(Self.words, padding: padding, ceilMode: ceilMode)
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      var recording = self
      recording.recordsIndices = true
      let indices = try builder.extendForward(operation, to: recording)[1]
      let input = builder.type(of: operation.inputs[0]).shape
      return try builder.append(
        MaxPoolingGradient(recording, inputShape: input.withoutBatch), to: [gradient, indices],
        of: operation)
    }
  }
}

extension Operation {
  /// The gradient of max pooling: every output gives its gradient to the element that won it.
  ///
  /// Inputs: gradient by the output; the recorded indices. Output: gradient by the input.
  public struct MaxPoolingGradient: OperationAttributes {
    public static let name = "maxPoolingGradient"

    /// The forward operation.
    public var pooling: MaxPooling
    /// The forward input's shape without its batch.
    public var inputShape: Shape

    package init(_ pooling: MaxPooling, inputShape: Shape) {
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
      try requireInputs(inputs, 2...2)
      try requireRank(inputs, 0, 3...4)
      let input = ValueType(try inputShape.batched(inputs[0].shape[0]))
      var recording = pooling
      recording.recordsIndices = true
      let outputs = try recording.outputTypes(for: [input])
      for index in 0..<2 {
        try requireShape(inputs, index, outputs[index].shape)
        try requireElementType(inputs, index, outputs[index].elementType)
      }
      return [input]
    }
  }
}
