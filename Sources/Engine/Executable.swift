import CKernels
import ConvNetCompiler
public import ConvNetGraphs
public import ConvNetTensors
import Foundation

/// A graph compiled for one batch size: primitives chosen, weights packed, every intermediate value in one arena. Running it
/// allocates nothing.
///
/// Belongs to one thread at a time: it can be moved to another, not shared. Where several threads serve one network, each
/// takes a ``duplicate()``, which shares the packed weights.
public struct Executable: ~Copyable, Sendable {
  private let instance: Instance

  /// Compiles a graph whose parameters are constants.
  ///
  /// - Parameter parameters: a value for every parameter of the graph, by name.
  /// - Throws: ``GraphError`` where the graph is not well formed; ``EngineError`` where a parameter is missing or has
  ///   another shape, or the library refuses an operation.
  public init(
    _ graph: Graph, parameters: [String: Tensor], options: CompilationOptions = .init()
  ) throws {
    var options = options
    options.mode = .inference
    instance = try Instance(Plan(graph, parameters: parameters, options: options), store: nil)
  }

  /// Compiles a graph that reads and updates the parameters of a store.
  public init(
    _ graph: Graph, training store: ParameterStore, options: CompilationOptions = .init()
  ) throws {
    var options = options
    options.mode = .training
    instance = try Instance(Plan(graph, parameters: [:], options: options), store: store)
  }

  private init(_ instance: Instance) {
    self.instance = instance
  }

  /// Another executable of the same plan: shares primitives and packed weights, has an arena of its own.
  public func duplicate() throws -> Executable {
    Executable(try Instance(instance.plan, store: instance.store))
  }

  var plan: Plan { instance.plan }

  // MARK: Running

  /// Computes the outputs from the inputs that were written last.
  ///
  /// - Parameters:
  ///   - step: the training step; random operations draw anew at each.
  ///   - seed: of the random operations.
  /// - Throws: ``EngineError`` where the library reports a failure.
  public mutating func run(step: Int = 0, seed: UInt64 = 0) throws {
    Self.prepareThread(plan.options.threads)
    let context = RunContext(seed: seed, step: UInt32(truncatingIfNeeded: step))
    try instance.run(context)
  }

  /// Runs, and after each step tells its index and when it began.
  mutating func run(
    step: Int, observe: (_ index: Int, _ start: ContinuousClock.Instant) -> Void
  ) throws {
    let context = RunContext(seed: 0, step: UInt32(truncatingIfNeeded: step))
    for index in plan.steps.indices {
      let start = ContinuousClock().now
      try instance.run(index, context)
      observe(index, start)
    }
  }

  /// Writes the inputs, runs, and copies the outputs.
  ///
  /// - Parameter inputs: every input by name: pictures in the data format of the options, labels `int32`.
  /// - Throws: ``EngineError`` where a name, a shape or an element type does not fit.
  public mutating func run(
    _ inputs: [String: Tensor], step: Int = 0, seed: UInt64 = 0
  ) throws -> [String: Tensor] {
    for (name, tensor) in inputs { try write(tensor, to: name) }
    try run(step: step, seed: seed)
    var outputs: [String: Tensor] = [:]
    for name in plan.outputs.keys { outputs[name] = try output(name) }
    return outputs
  }

  // MARK: Inputs and outputs

  public var inputNames: [String] { plan.inputs.keys.sorted() }
  public var outputNames: [String] { plan.outputs.keys.sorted() }

  /// The shape of an input in the order of its elements; `nil` where there is no such input.
  public func inputShape(_ name: String) -> Shape? { plan.inputs[name]?.shape }

  /// The shape of an output; `nil` where there is no such output.
  public func outputShape(_ name: String) -> Shape? { plan.outputs[name]?.shape }

  /// Copies a tensor into an input.
  public mutating func write(_ tensor: Tensor, to name: String) throws {
    let port = try inputPort(name)
    guard tensor.shape == port.shape else {
      throw EngineError(
        subject: plan.name,
        problem: .inputShape(name: name, expected: port.shape, actual: tensor.shape))
    }
    guard tensor.elementType == port.elementType else {
      throw EngineError(
        subject: plan.name,
        problem: .inputType(name: name, expected: port.elementType, actual: tensor.elementType))
    }
    tensor.withUnsafeBytes {
      instance.bytes(of: port).copyMemory(from: $0)
    }
  }

  /// Lends the memory of an input for writing, in the order of ``inputShape(_:)``.
  public mutating func withInput<Scalar: TensorScalar, Result>(
    _ name: String, of scalar: Scalar.Type, _ body: (inout MutableSpan<Scalar>) throws -> Result
  ) throws -> Result {
    let port = try inputPort(name)
    guard Scalar.elementType == port.elementType else {
      throw EngineError(
        subject: plan.name,
        problem: .inputType(name: name, expected: port.elementType, actual: Scalar.elementType))
    }
    var span = instance.bytes(of: port).bindMemory(to: Scalar.self).mutableSpan
    return try body(&span)
  }

  /// Lends the memory of an output for reading, in row-major order.
  public func withOutput<Result>(
    _ name: String, _ body: (Span<Float>) throws -> Result
  ) throws -> Result {
    let port = try outputPort(name)
    return try body(
      UnsafeBufferPointer(instance.bytes(of: port).bindMemory(to: Float.self)).span)
  }

  /// A copy of an output.
  public func output(_ name: String) throws -> Tensor {
    let port = try outputPort(name)
    var tensor = Tensor(zeros: port.shape)
    tensor.withUnsafeMutableBytes {
      $0.copyMemory(from: UnsafeRawBufferPointer(instance.bytes(of: port)))
    }
    return tensor
  }

  /// Lends the memory of an output for kernels: a gradient for an optimizer.
  package func withUnsafeOutput<Result>(
    _ name: String, _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) throws -> Result {
    try body(instance.bytes(of: outputPort(name)).bindMemory(to: Float.self))
  }

  private func inputPort(_ name: String) throws -> Plan.Port {
    guard let port = plan.inputs[name] else {
      throw EngineError(
        subject: plan.name, problem: .unknownInput(name, known: inputNames))
    }
    return port
  }

  private func outputPort(_ name: String) throws -> Plan.Port {
    guard let port = plan.outputs[name] else {
      throw EngineError(
        subject: plan.name, problem: .unknownOutput(name, known: outputNames))
    }
    return port
  }

  // MARK: Memory

  /// Bytes of the arena: inputs, outputs and every intermediate value.
  public var activationByteCount: Int { plan.arenaByteCount }

  /// Bytes of packed weights and of parameters that are used as they are.
  public var weightByteCount: Int {
    plan.constantByteCount + (instance.store?.byteCount ?? 0)
  }

  static func prepareThread(_ threads: Int) {
    ck_prepare_thread(Int32(clamping: threads))
  }
}

/// What changes while a plan runs: an arena, and the steps bound to it.
private final class Instance: @unchecked Sendable {
  let plan: Plan
  let store: ParameterStore?
  private let arena: TensorStorage
  private let steps: [BoundStep]

  init(_ plan: Plan, store: ParameterStore?) throws {
    self.plan = plan
    self.store = store
    // Asking for more than there is would end the process, now or at the first run.
    guard plan.arenaByteCount <= ProcessInfo.processInfo.physicalMemory else {
      throw EngineError(
        subject: plan.name, problem: .outOfMemory(byteCount: plan.arenaByteCount))
    }
    let arena = TensorStorage(byteCount: plan.arenaByteCount)
    arena.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    self.arena = arena
    var parameters: [Int: UnsafeMutableRawPointer] = [:]
    if let store {
      for (index, buffer) in plan.buffers.enumerated() {
        guard case .parameter(let value) = buffer.home else { continue }
        parameters[index] = try store.address(of: plan.graph.values[value], in: plan.name)
      }
    }
    steps = try plan.steps.map { step in
      do {
        return try BoundStep(step) { buffer in
          if let offset = plan.placement[buffer] {
            return arena.bytes.baseAddress.map { $0 + offset }
          }
          return parameters[buffer] ?? plan.constantAddress(buffer)
        }
      } catch let failure as LibraryFailure {
        throw EngineError(failure.status, subject: step.operation)
      }
    }
  }

  func run(_ context: RunContext) throws {
    for index in steps.indices { try run(index, context) }
  }

  @inline(__always)
  func run(_ index: Int, _ context: RunContext) throws {
    let status = steps[index].run(context)
    guard status == 0 else {
      throw EngineError(status, subject: plan.steps[index].operation)
    }
  }

  func bytes(of port: Plan.Port) -> UnsafeMutableRawBufferPointer {
    let byteCount = port.shape.count * port.elementType.byteCount
    let buffer = port.place.buffer
    let start =
      plan.placement[buffer].flatMap { offset in arena.bytes.baseAddress.map { $0 + offset } }
      ?? plan.constantAddress(buffer)
    return UnsafeMutableRawBufferPointer(start: start, count: start == nil ? 0 : byteCount)
  }
}
