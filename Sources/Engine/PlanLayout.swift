import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors

/// A graph as steps in memory: all of a ``Plan`` but the numbers that are computed in advance. What a plan takes of memory is
/// known here, where no weight has been packed.
struct PlanLayout {
  let lowering: Lowering
  /// The steps of a run.
  let steps: [Step]
  let inputs: [String: Plan.Port]
  let outputs: [String: Plan.Port]
  /// When each arena buffer is in use, by the steps' numbers.
  let lifetimes: [Int: ClosedRange<Int>]
  /// The place of every arena buffer.
  let placement: [Int: Int]
  let arenaByteCount: Int
  /// Buffers that the runs read and do not change: packed weights, and in inference parameters as they are.
  let kept: Set<Int>

  /// - Parameter parameters: those that lie in files, which a single run gives back; needed for nothing else.
  /// - Throws: ``GraphError`` from a pass, ``EngineError`` from the lowering.
  init(
    _ source: Graph, parameters: [String: Tensor] = [:], options: CompilationOptions
  ) throws {
    let graph = try PassPipeline(
      mode: options.mode, recomputation: options.compute.recomputation
    ).run(on: source)
    let lowering = try Lowering(graph, options: options)
    try PlacementVerifier.verify(lowering.preparation + lowering.steps)
    self.lowering = lowering
    let steps = Self.releasing(of: parameters, in: lowering)
    self.steps = steps

    var inputs: [String: Plan.Port] = [:]
    for input in graph.inputs {
      let value = graph[input]
      inputs[value.name] = Plan.Port(
        buffer: lowering.nativePlace(input).buffer,
        shape: Shape(options.inputFormat.ordered(value.shape.dimensions)),
        elementType: value.type.elementType)
    }
    self.inputs = inputs
    var outputs: [String: Plan.Port] = [:]
    for output in graph.outputs {
      let layout = try lowering.outputLayout(of: output.value)
      guard let place = lowering.places[output.value]?.first(where: { $0.layout == layout }) else {
        fatalError("output \(output.name) was not placed")
      }
      outputs[output.name] = Plan.Port(
        buffer: place.buffer, shape: graph[output.value].shape, elementType: .float32)
    }
    self.outputs = outputs

    let results = outputs.values.map(\.buffer)
    (lifetimes, placement, arenaByteCount) = Self.placeBuffers(
      lowering.buffers, steps, outputs: results)
    kept = Set(
      (steps.flatMap { $0.places.map(\.buffer) } + results).filter { buffer in
        switch lowering.buffers[buffer].home {
        case .prepared: true
        case .parameter: options.mode == .inference
        case .arena, .input: false
        }
      })
  }

  /// Bytes of what stays between runs.
  var constantByteCount: Int { kept.reduce(0) { $0 + lowering.buffers[$1].byteCount } }

  /// The steps of a run. Of a graph that runs once, each large parameter that lies in a file gives its memory back after the
  /// last step that reads it.
  private static func releasing(
    of parameters: [String: Tensor], in lowering: Lowering
  ) -> [Step] {
    guard !lowering.options.keepsPreparation else { return lowering.steps }
    // Less is not worth a call of the system.
    let leastByteCount = 1 << 16
    var lastReaders: [Int: Int] = [:]
    for (index, step) in lowering.steps.enumerated() {
      for place in step.places { lastReaders[place.buffer] = index }
    }
    var ended: [Int: [Step]] = [:]
    for (buffer, index) in lastReaders.sorted(by: { $0.key < $1.key }) {
      guard case .parameter(let value) = lowering.buffers[buffer].home,
        let tensor = parameters[lowering.graph.values[value].name], tensor.isMapped,
        tensor.byteCount >= leastByteCount
      else { continue }
      ended[index, default: []].append(
        Step(
          operation: lowering.steps[index].operation, implementation: "release of weights",
          kind: .movement, work: .kernel({ _, _ in tensor.releasePages() }, places: KernelPlaces()))
      )
    }
    return lowering.steps.enumerated().flatMap { [$1] + ended[$0, default: []] }
  }

  private static func placeBuffers(
    _ buffers: [Buffer], _ steps: [Step], outputs: [Int]
  ) -> (lifetimes: [Int: ClosedRange<Int>], placement: [Int: Int], byteCount: Int) {
    let end = steps.count
    var lifetimes: [Int: ClosedRange<Int>] = [:]
    for (index, step) in steps.enumerated() {
      for place in step.places {
        switch buffers[place.buffer].home {
        case .arena:
          lifetimes[place.buffer] = (lifetimes[place.buffer]?.lowerBound ?? index)...index
        case .input, .prepared, .parameter: break
        }
      }
    }
    for output in outputs where buffers[output].home == .arena {
      lifetimes[output] = (lifetimes[output]?.lowerBound ?? 0)...end
    }
    let indices = lifetimes.keys.sorted()
    let requests = indices.compactMap { index in
      lifetimes[index].map {
        MemoryPlanner.Request(byteCount: buffers[index].byteCount, lifetime: $0)
      }
    }
    let plan = MemoryPlanner.plan(requests)
    let placement = Dictionary(uniqueKeysWithValues: zip(indices, plan.offsets))
    return (lifetimes, placement, plan.byteCount)
  }
}

extension Graph {
  /// What computes each operation of a run, compiled with these options: names of implementations, once for each step.
  package func implementations(
    options: CompilationOptions
  ) throws -> [(operation: String, implementation: String)] {
    try PlanLayout(self, options: options).steps.map { ($0.operation, $0.implementation) }
  }

  /// The operations that the kernel library computes, of a run and of what is computed in advance.
  package func operationsOfLibrary(options: CompilationOptions) throws -> [String] {
    let layout = try PlanLayout(self, options: options)
    return (layout.lowering.preparation + layout.steps).compactMap { step in
      switch step.work {
      case .primitive, .calls: step.operation
      case .kernel: nil
      }
    }
  }
}
