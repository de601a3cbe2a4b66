import COneDNN
import ConvNetGraphs
import ConvNetTensors

extension Lowering {
  /// An operation from outside the package: its kernel reads and writes plain memory.
  mutating func lower(custom attributes: any CustomOperation, _ operation: Operation) throws {
    let types = operation.inputs.map { graph[$0].type }
    guard operation.outputs.allSatisfy({ graph[$0].type.elementType == .float32 }),
      types.allSatisfy({ [.float32, .int32].contains($0.elementType) })
    else {
      throw EngineError(
        subject: operation.name,
        problem: .unsupported(
          requirement: "a kernel of one's own reads float32 and int32, and writes float32"))
    }
    let sources = try operation.inputs.map { input in
      graph[input].type.elementType == .int32 ? read(input) : try readRowMajor(input)
    }
    let results = try operation.outputs.map { output in
      let layout = try Layout.rowMajor(shape(output))
      let overwritten = operation.inputs.indices.first { index in
        operation.outputs.count == 1 && types[index] == graph[output].type
          && sources.count { $0.buffer == sources[index].buffer } == 1
      }
      return overwritten.map { make(output, over: sources[$0], of: operation.inputs[$0]) }
        ?? make(output, layout)
    }
    let counts = operation.outputs.map { shape($0).count }
    var places = KernelPlaces()
    let written = results.map { places.writes($0, as: Float.self) }
    let given = places.reads(all: sources)
    emitKernel(
      operation.kind.name, places, for: operation, kind: .custom,
      multiplyAdds: multiplyAdds(of: operation)
    ) { memory, context in
      let inputs = KernelInputs(
        memory[given], types: types, seed: context.seed, step: Int(context.step),
        firstExample: context.firstExample)
      for (output, count) in counts.enumerated() {
        var result = UnsafeMutableBufferPointer(start: memory[written[output]], count: count)
          .mutableSpan
        attributes.compute(output: output, from: inputs, into: &result)
      }
    }
  }
}
