import COneDNN
import ConvNetGraphs
import ConvNetTensors

/// What max and average pooling have in common.
private struct PoolingGeometry {
  var algorithm: cdnn_algorithm
  var window: PaddedWindow
  /// For means that count the padding, where windows hang over it: what each must be multiplied by, since the library counts
  /// the overhang too. Row-major over the output's positions.
  var corrections: [Float]?

  /// - Parameters:
  ///   - input, output: with batch and channels.
  init(
    _ algorithm: cdnn_algorithm, kernel: [Int], strides: [Int], padding: Padding, input: Shape,
    output: Shape
  ) throws {
    let window = SlidingWindow(kernel: kernel, strides: strides, dilations: kernel.map { _ in 1 })
    let extents = Array(input.dimensions.dropFirst(2))
    var sides = try padding.sides(window: window, input: extents)
    // The library knows no ceil mode: the last window's overhang is padding after the input.
    let padded = sides
    for axis in extents.indices {
      let covered = (output[axis + 2] - 1) * strides[axis] + kernel[axis]
      sides[axis].after = max(sides[axis].after, covered - extents[axis] - sides[axis].before)
    }
    if algorithm == CDNN_POOLING_AVERAGE_INCLUDING_PADDING, sides != padded {
      corrections = extents.indices.reduce([1]) { factors, axis in
        let ofAxis = (0..<output[axis + 2]).map { position in
          Float(kernel[axis])
            / Float(
              window.paddedCount(
                at: position, axis: axis, input: extents[axis], sides: padded[axis]))
        }
        return factors.flatMap { factor in ofAxis.map { factor * $0 } }
      }
    }
    self.algorithm = algorithm
    self.window = PaddedWindow(
      kernel: kernel, strides: strides, dilations: window.dilations, sides: sides)
  }
}

extension Lowering {
  mutating func lower(_ pooling: Operation.MaxPooling, _ operation: Operation) throws {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    let geometry = try PoolingGeometry(
      CDNN_POOLING_MAX, kernel: pooling.window, strides: pooling.strides, padding: pooling.padding,
      input: shape(input), output: shape(output))
    try lowerPooling(
      geometry, operation, indices: pooling.recordsIndices ? operation.outputs[1] : nil)
  }

  mutating func lower(_ pooling: Operation.AveragePooling, _ operation: Operation) throws {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    if try isMeanOfTwoByTwo(pooling, nativeLayout(input)) {
      return try lowerMeanOfTwoByTwo(operation)
    }
    try lowerPooling(
      averageGeometry(pooling, input: shape(input), output: shape(output)), operation, indices: nil)
  }

  mutating func lower(_ pooling: Operation.GlobalPooling, _ operation: Operation) throws {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    let extents = Array(shape(input).dimensions.dropFirst(2))
    let algorithm =
      switch pooling.reduction {
      case .max: CDNN_POOLING_MAX
      case .average: CDNN_POOLING_AVERAGE_EXCLUDING_PADDING
      }
    let geometry = try PoolingGeometry(
      algorithm, kernel: extents, strides: extents, padding: .valid, input: shape(input),
      output: shape(output))
    try lowerPooling(geometry, operation, indices: nil)
  }

  mutating func lower(_ gradient: Operation.MaxPoolingGradient, _ operation: Operation) throws {
    let pooling = gradient.pooling
    let (input, output) = (operation.outputs[0], operation.inputs[0])
    let geometry = try PoolingGeometry(
      CDNN_POOLING_MAX, kernel: pooling.window, strides: pooling.strides, padding: pooling.padding,
      input: shape(input), output: shape(output))
    try lowerPoolingGradient(geometry, operation, indices: operation.inputs[1])
  }

  mutating func lower(
    _ gradient: Operation.AveragePoolingGradient, _ operation: Operation
  ) throws {
    let (input, output) = (operation.outputs[0], operation.inputs[0])
    if let wanted = layoutWanted(by: input), try isMeanOfTwoByTwo(gradient.pooling, wanted) {
      return try lowerMeanOfTwoByTwoGradient(operation)
    }
    try lowerPoolingGradient(
      averageGeometry(gradient.pooling, input: shape(input), output: shape(output)), operation,
      indices: nil)
  }

  private func averageGeometry(
    _ pooling: Operation.AveragePooling, input: Shape, output: Shape
  ) throws -> PoolingGeometry {
    try PoolingGeometry(
      pooling.countIncludesPadding
        ? CDNN_POOLING_AVERAGE_INCLUDING_PADDING : CDNN_POOLING_AVERAGE_EXCLUDING_PADDING,
      kernel: pooling.window, strides: pooling.strides, padding: pooling.padding, input: input,
      output: output)
  }

  private mutating func lowerPooling(
    _ geometry: PoolingGeometry, _ operation: Operation, indices: ValueID?
  ) throws {
    let source = read(operation.inputs[0])
    let output = operation.outputs[0]
    let destination = try Layout.any(shape(output))
    let primitive = try geometry.window.withLibraryWindow { window in
      try Primitive {
        cdnn_pooling_forward(
          &$0, indices != nil, geometry.algorithm, source.layout.handle, destination.handle, window)
      }
    }
    let layout = try primitive.requiredLayout(of: CDNN_DST, shape: shape(output))
    let result = make(output, layout)
    var arguments = [(CDNN_SRC, source), (CDNN_DST, result)]
    if let indices {
      let layout = try primitive.requiredLayout(of: CDNN_WORKSPACE, shape: shape(indices))
      arguments.append((CDNN_WORKSPACE, make(indices, layout)))
    }
    try emit(primitive, arguments, for: operation)
    if let corrections = geometry.corrections {
      try emitCorrection(corrections, from: result, to: result, for: operation)
    }
  }

  /// Multiplies every position by a constant.
  private mutating func emitCorrection(
    _ corrections: [Float], from source: Place, to result: Place, for operation: Operation
  ) throws {
    let factors = try addConstant(
      corrections, Shape([1, 1] + result.layout.shape.dimensions.dropFirst(2)),
      for: operation)
    let multiply = try Primitive {
      cdnn_binary(
        &$0, CDNN_BINARY_MULTIPLY, source.layout.handle, factors.layout.handle,
        result.layout.handle)
    }
    try emit(
      multiply, [(CDNN_SRC, source), (CDNN_SRC_1, factors), (CDNN_DST, result)], for: operation)
  }

  private mutating func lowerPoolingGradient(
    _ geometry: PoolingGeometry, _ operation: Operation, indices: ValueID?
  ) throws {
    let input = operation.outputs[0]
    let output = operation.inputs[0]
    // Recorded indices follow the layout of the forward result, and so must both gradients. Without them, the order that the
    // reader of the result wants is best: it costs less to reorder before the gradient grows.
    let wanted = indices.map(forwardLayout) ?? layoutWanted(by: input) ?? nativeLayout(output)
    let inputLayout = try (try? wanted.applied(to: shape(input))) ?? .rowMajor(shape(input))
    var outputGradient = try read(output, as: inputLayout.applied(to: shape(output)))
    if let corrections = geometry.corrections {
      let layout = outputGradient.layout
      let corrected = Place(buffer: scratch(byteCount: layout.byteCount), layout: layout)
      try emitCorrection(corrections, from: outputGradient, to: corrected, for: operation)
      outputGradient = corrected
    }
    let primitive = try geometry.window.withLibraryWindow { window in
      try Primitive {
        cdnn_pooling_backward(
          &$0, geometry.algorithm, inputLayout.handle, outputGradient.layout.handle, window)
      }
    }
    var arguments = [(CDNN_DIFF_DST, outputGradient), (CDNN_DIFF_SRC, make(input, inputLayout))]
    if let indices { arguments.append((CDNN_WORKSPACE, read(indices))) }
    try emit(primitive, arguments, for: operation)
  }

  /// The layout of the pooled value that was made together with the indices.
  private func forwardLayout(ofIndices indices: ValueID) -> Layout {
    guard let forward = producers[indices] else {
      preconditionFailure("indices \(graph[indices].name) have no producer")
    }
    return nativeLayout(graph.operations[forward].outputs[0])
  }
}
