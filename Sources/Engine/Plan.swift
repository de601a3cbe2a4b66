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
    _ source: Graph, parameters: [String: Tensor], options: CompilationOptions,
    sharing: SharedWeights? = nil
  ) throws {
    let arithmetic = Executable.beginComputing(threads: options.threads)
    defer { Executable.endComputing(arithmetic) }
    let layout = try PlanLayout(source, parameters: parameters, options: options)
    name = source.name
    self.options = options
    graph = layout.lowering.graph
    steps = layout.steps
    buffers = layout.lowering.buffers
    (inputs, outputs) = (layout.inputs, layout.outputs)
    (lifetimes, placement) = (layout.lifetimes, layout.placement)
    arenaByteCount = layout.arenaByteCount
    let prepared = try Self.prepare(layout, parameters: parameters)
    tensors = prepared.tensors
    constants = prepared.constants.mapValues { sharing?.shared($0) ?? $0 }
  }

  // MARK: Memory

  /// Runs the preparation, and keeps what the steps read of it.
  private static func prepare(
    _ layout: PlanLayout, parameters: [String: Tensor]
  ) throws -> (constants: [Int: TensorStorage], tensors: [Int: Tensor]) {
    let lowering = layout.lowering
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
      for buffer in used where lastUse[buffer] == index && !layout.kept.contains(buffer) {
        constants[buffer] = nil
        tensors.removeValue(forKey: buffer)?.releasePages()
      }
    }
    return (constants, tensors.filter { layout.kept.contains($0.key) })
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
