import ConvNetGraphs
import ConvNetTensors

// Layers with weights, and what moves elements.

extension [Padding.Sides] {
  /// As ONNX lists them: of all axes before, then of all behind.
  var listed: [Int] { map(\.before) + map(\.after) }
}

extension Operation.Convolution: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    guard fused.isEmpty else {
      throw ONNXError.Problem.withoutForm(["\(operation.name), which is compiled already"])
    }
    let (input, kernel) = (operation.inputs[0], operation.inputs[1])
    let sides = try sides(input: exporter.shape(input), kernel: exporter.shape(kernel))
    exporter.emit(
      "Conv", try operation.inputs.map { try exporter.read($0) }, for: operation,
      [
        ONNXAttribute("kernel_shape", exporter.shape(kernel).spatial),
        ONNXAttribute("strides", strides), ONNXAttribute("dilations", dilations),
        ONNXAttribute("pads", sides.listed), ONNXAttribute("group", groups),
      ])
  }
}

extension Operation.TransposedConvolution: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    exporter.emit(
      "ConvTranspose", try operation.inputs.map { try exporter.read($0) }, for: operation,
      [
        ONNXAttribute("kernel_shape", exporter.shape(operation.inputs[1]).spatial),
        ONNXAttribute("strides", strides), ONNXAttribute("dilations", dilations),
        ONNXAttribute("pads", try sides().listed),
        ONNXAttribute("output_padding", outputPadding),
        ONNXAttribute("group", groups),
      ])
  }
}

extension Operation.Dense: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    guard fused.isEmpty else {
      throw ONNXError.Problem.withoutForm(["\(operation.name), which is compiled already"])
    }
    exporter.emit(
      "Gemm", try operation.inputs.map { try exporter.read($0) }, for: operation,
      [ONNXAttribute("transB", 1)])
  }
}

extension Operation.Constant: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    exporter.settle(operation.outputs[0], Tensor(repeating: value, shape: shape))
  }
}

extension Operation.Flatten: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let shape = exporter.shape(operation.inputs[0])
    var value = try exporter.read(operation.inputs[0])
    // Of single positions both orders are one.
    if order == .channelsLast, shape.rank > 2, shape.spatial.contains(where: { $0 > 1 }) {
      value = exporter.step(
        "Transpose", [value], "channels last", for: operation,
        [ONNXAttribute("perm", [0] + Array(2..<shape.rank) + [1])])
    }
    exporter.emit("Flatten", [value], for: operation, [ONNXAttribute("axis", 1)])
  }
}

extension Operation.Unflatten: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let value = try exporter.read(operation.inputs[0])
    guard order == .channelsLast, shape.rank > 1 else {
      let extents = exporter.integers([0] + shape.dimensions, "shape", for: operation)
      return exporter.emit("Reshape", [value, extents], for: operation)
    }
    let innermost = Array(shape.dimensions.dropFirst()) + [shape[0]]
    let extents = exporter.integers([0] + innermost, "shape", for: operation)
    let reshaped = exporter.step("Reshape", [value, extents], "channels last", for: operation)
    exporter.emit(
      "Transpose", [reshaped], for: operation,
      [ONNXAttribute("perm", [0, shape.rank] + Array(1..<shape.rank))])
  }
}

extension Operation.Reshape: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let (input, output) = (operation.inputs[0], operation.outputs[0])
    if let tensor = exporter.constant(input) {
      return exporter.settle(
        output, tensor.reshaped(to: exporter.shape(output)), name: exporter.constantName(input))
    }
    let extents = exporter.integers([0] + shape.dimensions, "shape", for: operation)
    exporter.emit("Reshape", [try exporter.read(input), extents], for: operation)
  }
}

extension Operation.Transpose: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    exporter.emit(
      "Transpose", [try exporter.read(operation.inputs[0])], for: operation,
      [ONNXAttribute("perm", permutation)])
  }
}

extension Operation.Concatenate: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    exporter.emit(
      "Concat", try operation.inputs.map { try exporter.read($0) }, for: operation,
      [ONNXAttribute("axis", axis)])
  }
}

extension Operation.Slice: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let value = try exporter.read(operation.inputs[0])
    let first = exporter.integers([start], "start", for: operation)
    let end = exporter.integers([start + count], "end", for: operation)
    let axes = exporter.integers([axis], "axis", for: operation)
    exporter.emit("Slice", [value, first, end, axes], for: operation)
  }
}

extension Operation.Pad: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let none = Padding.Sides(before: 0, after: 0)
    var value = try exporter.read(operation.inputs[0])
    let kind =
      switch mode {
      case .zero: "constant"
      case .edge: "edge"
      case .reflect: "reflect"
      }
    // Added channels are zeros in every mode.
    if channels != none, mode != .zero {
      let pads = [none, channels] + sides.map { _ in none }
      value = exporter.step(
        "Pad", [value, exporter.integers(pads.listed, "channels", for: operation)],
        "padded channels", for: operation, [ONNXAttribute("mode", "constant")])
    }
    let pads = [none, mode == .zero ? channels : none] + sides
    exporter.emit(
      "Pad", [value, exporter.integers(pads.listed, "sides", for: operation)], for: operation,
      [ONNXAttribute("mode", kind)])
  }
}

extension Operation.Upsample: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let value = try exporter.read(operation.inputs[0])
    let scales = exporter.numbers(
      [1, 1] + factors.map(Float.init), shape: [factors.count + 2], "scales", for: operation)
    let attributes =
      switch mode {
      case .nearest:
        [
          ONNXAttribute("mode", "nearest"), ONNXAttribute("nearest_mode", "floor"),
          ONNXAttribute("coordinate_transformation_mode", "asymmetric"),
        ]
      case .bilinear:
        [
          ONNXAttribute("mode", "linear"),
          ONNXAttribute("coordinate_transformation_mode", "half_pixel"),
        ]
      }
    exporter.emit("Resize", [value, "", scales], for: operation, attributes)
  }
}
