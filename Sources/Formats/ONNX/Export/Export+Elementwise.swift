import ConvNetGraphs
import ConvNetTensors

// What is done to every element, or to those of several values at one place.

extension Operation.Activation: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let x = try exporter.read(operation.inputs[0])
    switch function {
    case .relu: exporter.emit("Relu", [x], for: operation)
    case .relu6:
      let bounds = [Float(0), 6].map { exporter.numbers([$0], "bound", for: operation) }
      exporter.emit("Clip", [x] + bounds, for: operation)
    case .leakyReLU(let slope):
      exporter.emit("LeakyRelu", [x], for: operation, [ONNXAttribute("alpha", slope)])
    case .elu(let alpha):
      exporter.emit("Elu", [x], for: operation, [ONNXAttribute("alpha", alpha)])
    case .tanh: exporter.emit("Tanh", [x], for: operation)
    case .sigmoid: exporter.emit("Sigmoid", [x], for: operation)
    case .hardSigmoid:
      exporter.emit(
        "HardSigmoid", [x], for: operation,
        [ONNXAttribute("alpha", 1 / Float(6)), ONNXAttribute("beta", Float(0.5))])
    case .hardSwish: exporter.emit("HardSwish", [x], for: operation)
    case .silu:
      let gate = exporter.step("Sigmoid", [x], "sigmoid", for: operation)
      exporter.emit("Mul", [x, gate], for: operation)
    case .gelu:
      // In the form that runtimes know as one operator; ONNX has it as such from version 20 on.
      let root = exporter.numbers([Float(2).squareRoot()], "root", for: operation)
      let one = exporter.numbers([1], "one", for: operation)
      let half = exporter.numbers([0.5], "half", for: operation)
      let scaled = exporter.step("Div", [x, root], "scaled", for: operation)
      let error = exporter.step("Erf", [scaled], "erf", for: operation)
      let share = exporter.step("Add", [error, one], "share", for: operation)
      let product = exporter.step("Mul", [x, share], "product", for: operation)
      exporter.emit("Mul", [product, half], for: operation)
    }
  }
}

extension Operation.Clip: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let x = try exporter.read(operation.inputs[0])
    let bounds = [lower, upper].map { exporter.numbers([$0], "bound", for: operation) }
    exporter.emit("Clip", [x] + bounds, for: operation)
  }
}

extension Operation.Add: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    var terms = try operation.inputs.map { try exporter.read($0) }
    for (index, coefficient) in (coefficients ?? []).enumerated() where coefficient != 1 {
      let factor = exporter.numbers([coefficient], "coefficient", for: operation)
      terms[index] = exporter.step("Mul", [terms[index], factor], "term", for: operation)
    }
    exporter.emit(terms.count == 2 ? "Add" : "Sum", terms, for: operation)
  }
}

extension Operation.Multiply: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    exporter.emit("Mul", try operation.inputs.map { try exporter.read($0) }, for: operation)
  }
}

extension Operation.ChannelScale: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    let (input, factor) = (operation.inputs[0], operation.inputs[1])
    let shape = exporter.shape(input)
    let x = try exporter.read(input)
    var factors = exporter.shape(factor)
    guard factors.rank == 1 else {
      return exporter.emit("Mul", [x, try exporter.read(factor)], for: operation)
    }
    // Axes are matched from the last on.
    factors = Shape([shape[1]] + shape.spatial.map { _ in 1 })
    if exporter.constant(factor) != nil {
      return exporter.emit("Mul", [x, try exporter.read(factor, as: factors)], for: operation)
    }
    let extents = exporter.integers(factors.dimensions, "shape", for: operation)
    let reshaped = exporter.step(
      "Reshape", [try exporter.read(factor), extents], "factors", for: operation)
    exporter.emit("Mul", [x, reshaped], for: operation)
  }
}

extension Operation.Softmax: ExportedOperation {
  func export(_ operation: Operation, to exporter: inout ONNXExporter) throws {
    exporter.emit(
      isLogarithmic ? "LogSoftmax" : "Softmax", [try exporter.read(operation.inputs[0])],
      for: operation, [ONNXAttribute("axis", 1)])
  }
}
