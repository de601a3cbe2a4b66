import ConvNetGraphs
import ConvNetTensors

// Poolings. Where windows hang over the padded input, the padding is said to be so much larger: runtimes disagree on rounding up.

/// The padding of a pooling.
private struct PoolingPadding {
  /// As the pooling says it.
  var sides: [Padding.Sides]
  /// What the last window of each axis needs behind that.
  var overhang: [Int]

  /// With what hangs over, as attributes list it.
  var whole: [Int] {
    zip(sides, overhang).map { Padding.Sides(before: $0.before, after: $0.after + $1) }.listed
  }
}

extension ONNXExporter {
  fileprivate func padding(
    of operation: Operation, _ window: [Int], _ strides: [Int], _ padding: Padding
  ) throws -> PoolingPadding {
    let input = shape(operation.inputs[0]).spatial
    let output = shape(operation.outputs[0]).spatial
    let window = SlidingWindow(
      kernel: window, strides: strides, dilations: strides.map { _ in 1 })
    let sides = try padding.sides(window: window, input: input)
    let overhang = sides.indices.map { axis in
      let covered = (output[axis] - 1) * strides[axis] + window.extent(axis)
      return max(0, covered - input[axis] - sides[axis].before - sides[axis].after)
    }
    return PoolingPadding(sides: sides, overhang: overhang)
  }
}

extension Operation.MaxPooling: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let padded = try exporter.padding(of: operation, window, strides, padding)
    exporter.emit(
      "MaxPool", [try exporter.read(operation.inputs[0])], for: operation,
      [
        ONNXAttribute("kernel_shape", window), ONNXAttribute("strides", strides),
        ONNXAttribute("pads", padded.whole),
      ])
  }
}

extension Operation.AveragePooling: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    var padded = try exporter.padding(of: operation, window, strides, padding)
    var x = try exporter.read(operation.inputs[0])
    var counts = countIncludesPadding
    if counts, padded.overhang.contains(where: { $0 > 0 }) {
      // Padding counts, and what hangs over it does not: the padding becomes a part of the input.
      let none = Padding.Sides(before: 0, after: 0)
      let pads = exporter.integers(([none, none] + padded.sides).listed, "padding", for: operation)
      x = exporter.step("Pad", [x, pads], "padded", for: operation)
      padded.sides = padded.sides.map { _ in none }
      counts = false
    }
    exporter.emit(
      "AveragePool", [x], for: operation,
      [
        ONNXAttribute("kernel_shape", window), ONNXAttribute("strides", strides),
        ONNXAttribute("pads", padded.whole),
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
