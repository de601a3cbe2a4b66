import ConvNetGraphs
import ConvNetTensors

// Poolings. Where windows hang over the padded input, the padding is said to be so much larger: runtimes disagree on rounding up.

extension SlidingWindow {
  /// The padding behind that the last window needs beside what there is.
  fileprivate func overhang(
    input: Shape, output: Shape, sides: [Padding.Sides]
  ) -> [Int] {
    kernel.indices.map { axis in
      let covered = (output.spatial[axis] - 1) * strides[axis] + extent(axis)
      return max(0, covered - input.spatial[axis] - sides[axis].before - sides[axis].after)
    }
  }
}

extension Operation.MaxPooling: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let input = exporter.shape(operation.inputs[0])
    let window = SlidingWindow(
      kernel: self.window, strides: strides, dilations: strides.map { _ in 1 })
    var sides = try padding.sides(window: window, input: input.spatial)
    let overhang = window.overhang(
      input: input, output: exporter.shape(operation.outputs[0]), sides: sides)
    for axis in sides.indices { sides[axis].after += overhang[axis] }
    exporter.emit(
      "MaxPool", [try exporter.read(operation.inputs[0])], for: operation,
      [
        ONNXAttribute("kernel_shape", self.window), ONNXAttribute("strides", strides),
        ONNXAttribute("pads", sides.listed),
      ])
  }
}

extension Operation.AveragePooling: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let input = exporter.shape(operation.inputs[0])
    let window = SlidingWindow(
      kernel: self.window, strides: strides, dilations: strides.map { _ in 1 })
    var sides = try padding.sides(window: window, input: input.spatial)
    let overhang = window.overhang(
      input: input, output: exporter.shape(operation.outputs[0]), sides: sides)
    var x = try exporter.read(operation.inputs[0])
    var counts = countIncludesPadding
    if counts, overhang.contains(where: { $0 > 0 }) {
      // Padding counts, and what hangs over it does not: the padding becomes a part of the input.
      let none = Padding.Sides(before: 0, after: 0)
      let pads = exporter.integers(([none, none] + sides).listed, "padding", for: operation)
      x = exporter.step("Pad", [x, pads], "padded", for: operation)
      sides = sides.map { _ in none }
      counts = false
    }
    for axis in sides.indices { sides[axis].after += overhang[axis] }
    exporter.emit(
      "AveragePool", [x], for: operation,
      [
        ONNXAttribute("kernel_shape", self.window), ONNXAttribute("strides", strides),
        ONNXAttribute("pads", sides.listed),
        ONNXAttribute("count_include_pad", counts ? 1 : 0),
      ])
  }
}

extension Operation.GlobalPooling: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    exporter.emit(
      reduction == .average ? "GlobalAveragePool" : "GlobalMaxPool",
      [try exporter.read(operation.inputs[0])], for: operation)
  }
}
