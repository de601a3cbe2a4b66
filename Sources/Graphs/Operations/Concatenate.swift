import ConvNetTensors

extension Operation {
  /// Values one after the other along an axis, by default that of the channels.
  ///
  /// Inputs: one or more that agree in every extent but that of the axis. Output: their extents
  /// along the axis add up.
  public struct Concatenate: OperationAttributes {
    public static let name = "concatenate"

    /// Which extents add up, counted from the batch, which is 0: 1 for channels.
    public var axis: Int

    /// A concatenation along that axis.
    public init(axis: Int = 1) {
      self.axis = axis
    }

    public var traits: OperationTraits {
      OperationTraits(
        batch: axis == 0 ? .together : .separately(linear: .inAll), recomputable: .all,
        overwritesInput: false,
        isRandom: false, isGradient: false, isIdentityInInference: false)
    }

    public func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

    public func tableEntry(inputs: [ValueType], outputs: [ValueType]) -> StageTableEntry {
      .unlisted
    }

    public func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
      try requireInputs(inputs, 1...Int.max)
      var result = inputs[0]
      try requireAxis(axis, of: result.shape)
      var extent = 0
      for index in inputs.indices {
        let shape = inputs[index].shape
        try requireElementType(inputs, index, result.elementType)
        try requireRank(inputs, index, result.shape.rank...result.shape.rank)
        try requireShape(inputs, index, result.shape.dimensions(replacing: axis, with: shape[axis]))
        let (sum, overflow) = extent.addingReportingOverflow(shape[axis])
        guard !overflow else { throw .invariant("makes an extent that cannot be represented") }
        extent = sum
      }
      result.shape = try resultShape(result.shape.dimensions(replacing: axis, with: extent))
      return [result]
    }

    public func summary(inputs: [ValueType]) -> String {
      axis == 1 ? "concatenate" : "concatenate along axis \(axis)"
    }

    public func appendGradient(
      of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
    ) throws(GraphError) -> [ValueID?] {
      guard let gradient = outputGradients[0] else { return operation.inputs.map { _ in nil } }
      var gradients: [ValueID?] = []
      var start = 0
      for input in operation.inputs {
        let count = builder.type(of: input).shape[axis]
        gradients.append(
          builder.needsGradient(input)
            ? try builder.append(
              Slice(axis: axis, start: start, count: count), to: [gradient], of: operation)[0]
            : nil)
        start += count
      }
      return gradients
    }
  }
}

func requireAxis(_ axis: Int, of shape: Shape) throws(GraphError.Problem) {
  guard shape.dimensions.indices.contains(axis) else {
    throw .attribute(
      name: "axis", value: "\(axis)",
      requirement: "from 0 to below the rank of an input of shape \(shape)")
  }
}
