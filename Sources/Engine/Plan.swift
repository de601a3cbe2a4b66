import COneDNN
import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors

/// A compiled graph: steps, the memory that they share, and what was computed in advance. Immutable, so that several
/// executables run it at once, each in an arena of its own.
final class Plan: Sendable {
  /// An input or output: its memory and what it holds.
  struct Port: Sendable {
    var buffer: Int
    /// The shape in the order of the elements in memory.
    var shape: Shape
    var elementType: ElementType

    var byteCount: Int { shape.count * elementType.byteCount }
  }

  let name: String
  let options: CompilationOptions
  /// The graph after every pass.
  let graph: Graph
  let steps: [Step]
  let buffers: [Buffer]
  /// The place of every arena buffer.
  let placement: [Int: Int]
  let lifetimes: [Int: ClosedRange<Int>]
  let arenaByteCount: Int
  let inputs: [String: Port]
  let outputs: [String: Port]
  /// Memory that the steps read and that no run changes: packed weights, or parameters as they are.
  private let constants: [Int: TensorStorage]
  /// Parameters that stay where they are, kept alive.
  private let tensors: [Int: Tensor]

  /// - Throws: ``GraphError`` from a pass, ``EngineError`` from the lowering or a parameter that does not fit.
  init(
    _ source: Graph, parameters: [String: Tensor], options: CompilationOptions
  ) throws {
    let graph = try PassPipeline(
      mode: options.mode, recomputation: options.compute.recomputation
    ).run(on: source)
    let arithmetic = Executable.beginComputing(threads: options.threads)
    defer { Executable.endComputing(arithmetic) }
    let lowering = try Lowering(graph, options: options)
    try PlacementVerifier.verify(lowering.preparation + lowering.steps)
    name = source.name
    self.options = options
    self.graph = graph
    let steps = Self.releasing(of: parameters, in: lowering)
    self.steps = steps
    buffers = lowering.buffers

    var inputs: [String: Port] = [:]
    for input in graph.inputs {
      let value = graph[input]
      let isLast = options.inputFormat == .channelsLast && value.shape.rank > 2
      inputs[value.name] = Port(
        buffer: lowering.nativePlace(input).buffer,
        shape: isLast
          ? Shape([value.shape[0]] + value.shape.dimensions.dropFirst(2) + [value.shape[1]])
          : value.shape,
        elementType: value.type.elementType)
    }
    self.inputs = inputs
    var outputs: [String: Port] = [:]
    for output in graph.outputs {
      let layout = try lowering.outputLayout(of: output.value)
      guard let place = lowering.places[output.value]?.first(where: { $0.layout == layout }) else {
        fatalError("output \(output.name) was not placed")
      }
      outputs[output.name] = Port(
        buffer: place.buffer, shape: graph[output.value].shape, elementType: .float32)
    }
    self.outputs = outputs

    let results = outputs.values.map(\.buffer)
    (lifetimes, placement, arenaByteCount) = Self.placeBuffers(
      lowering.buffers, steps, outputs: results)
    (constants, tensors) = try Self.prepare(lowering, parameters: parameters, outputs: results)
  }

  // MARK: Memory

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

  /// Runs the preparation, and keeps what the steps read of it.
  private static func prepare(
    _ lowering: Lowering, parameters: [String: Tensor], outputs: [Int]
  ) throws -> (constants: [Int: TensorStorage], tensors: [Int: Tensor]) {
    var tensors: [Int: Tensor] = [:]
    var constants: [Int: TensorStorage] = [:]
    for (index, buffer) in lowering.buffers.enumerated() {
      switch buffer.home {
      case .parameter(let value) where lowering.options.mode == .inference:
        let value = lowering.graph.values[value]
        tensors[index] = try checked(parameters[value.name], for: value, in: lowering.graph)
      case .arena, .input, .prepared, .parameter: break
      }
    }
    let read = Set(lowering.steps.flatMap { $0.places.map(\.buffer) } + outputs)
    var lastUse: [Int: Int] = [:]
    for (index, step) in lowering.preparation.enumerated() {
      for place in step.places { lastUse[place.buffer] = index }
    }
    let context = RunContext(seed: 0, step: 0)
    for (index, step) in lowering.preparation.enumerated() {
      let used = Set(step.places.map(\.buffer))
      for buffer in used where constants[buffer] == nil {
        guard lowering.buffers[buffer].home == .prepared else { continue }
        constants[buffer] = try TensorStorage(
          byteCount: lowering.buffers[buffer].byteCount,
          for: "the packed weights of \(lowering.graph.name)")
      }
      let bound = try BoundStep(step) { constants.address($0) ?? tensors.address($0) }
      let status = bound.run(context)
      guard status == 0 else { throw EngineError(status, subject: step.operation) }
      // What only the preparation reads, such as folded weights before they are packed, goes at once.
      for buffer in used where lastUse[buffer] == index && !read.contains(buffer) {
        constants[buffer] = nil
        tensors.removeValue(forKey: buffer)?.releasePages()
      }
    }
    return (constants, tensors.filter { read.contains($0.key) })
  }

  private static func checked(
    _ tensor: Tensor?, for value: Value, in graph: Graph
  ) throws -> Tensor {
    guard let tensor else {
      throw EngineError(subject: graph.name, problem: .missingParameter(value.name))
    }
    guard tensor.shape == value.shape else {
      throw EngineError(
        subject: graph.name,
        problem: .parameterShape(name: value.name, expected: value.shape, actual: tensor.shape))
    }
    guard tensor.elementType == .float32 else {
      throw EngineError(
        subject: graph.name,
        problem: .parameterType(name: value.name, actual: tensor.elementType))
    }
    return tensor
  }

  /// The address of a buffer outside the arena; `nil` where it is in the arena, or a parameter in training.
  func constantAddress(_ buffer: Int) -> UnsafeMutableRawPointer? {
    constants.address(buffer) ?? tensors.address(buffer)
  }

  /// Bytes of what stays between runs: packed weights and parameters that are used as they are.
  var constantByteCount: Int {
    constants.values.reduce(0) { $0 + $1.bytes.count }
      + tensors.values.reduce(0) { $0 + $1.byteCount }
  }
}

extension [Int: TensorStorage] {
  fileprivate func address(_ buffer: Int) -> UnsafeMutableRawPointer? {
    self[buffer]?.bytes.baseAddress
  }
}

extension [Int: Tensor] {
  /// The storage does not move while the tensor is alive and shared; steps only read it.
  fileprivate func address(_ buffer: Int) -> UnsafeMutableRawPointer? {
    self[buffer]?.withUnsafeBytes { UnsafeMutableRawPointer(mutating: $0.baseAddress) }
  }
}
