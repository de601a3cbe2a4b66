public import ConvNetTensors

extension Operation {
  /// All elements of an example in one row.
  ///
  /// Input: [N, C, (H,) W], or [N, C] as it is. Output: [N, C (H) W], ordered as the data format
  /// says.
  public struct Flatten: OperationAttributes {
    public static let name = "flatten"

    /// Whether a row has its elements position by position (channels last) or channel by channel.
    public var order: DataFormat

    /// A flattening in that order.
    public init(order: DataFormat) {
      self.order = order
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0])), recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .partOfLayerBefore
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireRank(inputs, 0, 2...4)
      var result = inputs[0]
      let example = saturatingProduct(Array(result.shape.dimensions.dropFirst()))
      result.shape = try resultShape([result.shape[0], example])
      return [result]
    }

    public func summary(inputs: [ValueType]) -> String { "flatten \(order)" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      let input = builder.type(of: operation.inputs[0]).shape
      return try builder.append(
        Unflatten(order: order, shape: input.withoutBatch), to: [gradient], of: operation)
    }
  }
}

extension Operation {
  /// The inverse of ``Flatten``: a row of elements as channels and positions.
  ///
  /// Input: [N, F]. Output: [N, C, (H,) W] or [N, C], of F elements an example.
  public struct Unflatten: OperationAttributes {
    public static let name = "unflatten"

    /// In which order the elements stand in the row.
    public var order: DataFormat
    /// Of one example: channels first, whatever the order of the row.
    public var shape: Shape

    /// The inverse of a flattening in that order, to the shape of one example, channels first.
    public init(order: DataFormat, shape: Shape) {
      self.order = order
      self.shape = shape
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: .separately(linear: .inEach([0])), recomputable: .all, overwritesInput: true,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...1)
      try requireRank(inputs, 0, 2...2)
      guard 1...3 ~= shape.rank else {
        throw .attribute(name: "shape", value: "\(shape)", requirement: "of 1 to 3 dimensions")
      }
      var result = inputs[0]
      try requireShape(inputs, 0, [result.shape[0], shape.count])
      result.shape = try shape.batched(result.shape[0])
      return [result]
    }

    public func summary(inputs: [ValueType]) -> String { "unflatten \(order) to \(shape)" }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return [nil] }
      return try builder.append(Flatten(order: order), to: [gradient], of: operation)
    }
  }
}
