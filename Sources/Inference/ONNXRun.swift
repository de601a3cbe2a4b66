package import ConvNetEngine
import ConvNetFiles
package import ConvNetFormats
import ConvNetGraphs
package import ConvNetTensors

/// One run of an ONNX file's network, of any number of inputs and outputs: nothing is prepared, and no axis is a batch.
package struct ONNXRun {
  /// By the file's names, in its order, with what the file says that the elements are: those of a byte and less are `int8`,
  /// `uint8` or `float32` here.
  package let outputs: [(name: String, tensor: Tensor, type: ONNXElementType)]

  /// - Parameters:
  ///   - inputs: one tensor an input, with the name where it is given; others are taken in the file's order.
  /// - Throws: ``ONNXError``, ``EngineError``, ``InferenceError``.
  package init(
    _ path: String, inputs: [(name: String?, tensor: Tensor)], compute: ComputeOptions = .init()
  ) throws {
    let file = try ONNXFile(path)
    let initializers = Set(file.model.graph.initializers.map(\.name))
    let names = file.model.graph.inputs.map(\.name).filter { !initializers.contains($0) }
    var options = ONNXImportOptions()
    var unnamed = names.filter { name in !inputs.contains { $0.name == name } }[...]
    for input in inputs {
      guard let name = input.name ?? unnamed.popFirst(), names.contains(name) else {
        throw ONNXRunError.unknownInput(
          path: path, name: input.name ?? "number \(inputs.count)", known: names)
      }
      options.values[name] = input.tensor
    }
    let missing = names.filter { options.values[$0] == nil }
    guard missing.isEmpty else { throw ONNXRunError.missingInputs(path: path, names: missing) }
    let network = try file.imported(options)
    let computed = network.outputs.filter { $0.constant == nil }
    var results: [String: Tensor] = [:]
    if !computed.isEmpty {
      var compute = compute
      compute.expectedRuns = 1
      // Threads would take a part of the batch each, and of what is given along with it: weights may be.
      if network.graph.inputs.count > 1 { compute.threads = 1 }
      var executable = try Executable(
        network.graph, parameters: network.parameters,
        options: CompilationOptions(inputFormat: .channelsFirst, compute: compute).suited(
          to: network.graph))
      for id in network.graph.inputs {
        let value = network.graph[id]
        guard let given = network.inputNames[value.name].flatMap({ options.values[$0] }) else {
          continue
        }
        try executable.write(
          given.converted(to: .float32).reshaped(to: value.shape), to: value.name)
      }
      try executable.run()
      for output in computed { results[output.name] = try executable.output(output.name) }
    }
    outputs = network.outputs.compactMap { output in
      guard let tensor = output.constant ?? results[output.name] else { return nil }
      return (
        output.name,
        tensor.reshaped(to: Shape(output.shape)).rounded(to: output.type.elementType ?? .float32),
        output.type
      )
    }
  }
}

/// What an ONNX file's network is given is not what it takes.
package enum ONNXRunError: ReadableError, Hashable {
  case unknownInput(path: String, name: String, known: [String])
  case missingInputs(path: String, names: [String])

  package var description: String {
    switch self {
    case .unknownInput(let path, let name, let known):
      "\(path): there is no input \(name); it takes \(known.joined(separator: ", "))"
    case .missingInputs(let path, let names):
      "\(path): needs a tensor for \(names.joined(separator: ", ")) as well"
    }
  }
}

extension Tensor {
  /// Numbers as another type has them: whole ones rounded to nearest, and held within its range.
  fileprivate func rounded(to type: ElementType) -> Tensor {
    guard type != elementType else { return self }
    if type.isFloatingPoint { return converted(to: type) }
    let numbers = converted(to: .float64).elements(of: Double.self)
    func of<Scalar: TensorScalar & FixedWidthInteger>(_ scalar: Scalar.Type) -> Tensor {
      Tensor(
        numbers.map { number in
          let whole = number.rounded(.toNearestOrEven)
          return Scalar(exactly: whole) ?? (whole > 0 ? .max : whole < 0 ? .min : 0)
        }, shape: shape)
    }
    if let integer = type.integer { return of(integer) }
    return Tensor(integers: numbers.map { $0 == 0 ? 0 : 1 }, shape: shape, as: type)
  }
}
