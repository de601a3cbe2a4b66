import ConvNetGraphs
import ConvNetTensors

extension Operation.BatchNormalization: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    exporter.emit(
      "BatchNormalization", try operation.inputs.map { try exporter.read($0) }, for: operation,
      [ONNXAttribute("epsilon", epsilon)])
  }
}

extension Operation.LayerNormalization: ExportedOperation {
  /// ONNX normalizes over the last axes, so the channels become the last.
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let rank = exporter.shape(operation.inputs[0]).rank
    let parameters = try operation.inputs.dropFirst().map { try exporter.read($0) }
    let x = try exporter.read(operation.inputs[0])
    let attributes = [ONNXAttribute("axis", -1), ONNXAttribute("epsilon", epsilon)]
    guard rank > 2 else {
      return exporter.emit("LayerNormalization", [x] + parameters, for: operation, attributes)
    }
    let last = exporter.step(
      "Transpose", [x], "channels last", for: operation,
      [ONNXAttribute("perm", [0] + Array(2..<rank) + [1])])
    let normalized = exporter.step(
      "LayerNormalization", [last] + parameters, "normalized", for: operation, attributes)
    exporter.emit(
      "Transpose", [normalized], for: operation,
      [ONNXAttribute("perm", [0, rank - 1] + Array(1..<rank - 1))])
  }
}

extension Operation.LocalResponseNormalization: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let shape = exporter.shape(operation.inputs[0])
    let x = try exporter.read(operation.inputs[0])
    let coefficient = sumCoefficient(rank: shape.rank)
    guard region == .withinChannel || shape.rank != 4 else {
      return exporter.emit(
        "LRN", [x], for: operation,
        [
          ONNXAttribute("size", size), ONNXAttribute("alpha", coefficient * Float(size)),
          ONNXAttribute("beta", beta), ONNXAttribute("bias", bias),
        ])
    }
    // ONNX's operator is for neighbouring channels of pictures. Means of squares, zeros around them counted, times their number.
    let squares = exporter.step("Mul", [x, x], "squares", for: operation)
    let means: String
    var count = size
    switch region {
    case .withinChannel:
      count = shape.spatial.reduce(1) { count, _ in count * size }
      let pads = shape.spatial.map { _ in size / 2 }
      means = exporter.step(
        "AveragePool", [squares], "means", for: operation,
        [
          ONNXAttribute("kernel_shape", shape.spatial.map { _ in size }),
          ONNXAttribute("pads", pads + pads), ONNXAttribute("count_include_pad", 1),
        ])
    case .acrossChannels:
      // The channels as the positions of a picture of one channel.
      let positions = shape.spatial.reduce(1, *)
      let picture = exporter.integers([0, 1, shape[1], positions], "picture", for: operation)
      let own = exporter.integers([0] + shape.dimensions.dropFirst(), "shape", for: operation)
      let seen = exporter.step("Reshape", [squares, picture], "as a picture", for: operation)
      let pooled = exporter.step(
        "AveragePool", [seen], "pooled", for: operation,
        [
          ONNXAttribute("kernel_shape", [size, 1]),
          ONNXAttribute("pads", [size / 2, 0, size / 2, 0]),
          ONNXAttribute("count_include_pad", 1),
        ])
      means = exporter.step("Reshape", [pooled, own], "means", for: operation)
    }
    let factor = exporter.numbers([coefficient * Float(count)], "coefficient", for: operation)
    let sums = exporter.step("Mul", [means, factor], "sums", for: operation)
    let added = exporter.numbers([bias], "bias", for: operation)
    let based = exporter.step("Add", [sums, added], "base", for: operation)
    let exponent = exporter.numbers([beta], "exponent", for: operation)
    let divisor = exporter.step("Pow", [based, exponent], "divisor", for: operation)
    exporter.emit("Div", [x, divisor], for: operation)
  }
}
