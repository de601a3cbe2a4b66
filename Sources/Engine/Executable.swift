import CKernels
import ConvNetCompiler
import ConvNetFiles
public import ConvNetGraphs
public import ConvNetTensors

/// A graph compiled for one batch size: primitives chosen, weights packed, every intermediate value in one arena. Running it
/// allocates nothing.
///
/// Belongs to one thread at a time: it can be moved to another, not shared. Where several threads serve one network, each
/// takes a ``duplicate()``, which shares the packed weights.
public struct Executable: ~Copyable, Sendable {
  private let shards: ShardGroup

  /// Compiles a graph whose parameters are constants.
  ///
  /// - Parameter parameters: a value for every parameter of the graph, by name.
  /// - Throws: ``GraphError`` where the graph is not well formed; ``EngineError`` where a parameter is missing or has
  ///   another shape, or the library refuses an operation.
  public init(
    _ graph: Graph, parameters: [String: Tensor], options: CompilationOptions = .init()
  ) throws {
    try Self.requireThreads(options, graph)
    var options = options
    options.mode = .inference
    shards = try ShardGroup(graph, parameters: parameters, store: nil, options: options)
  }

  /// The same, with the packed weights of earlier ones where they are alike.
  package init(
    _ graph: Graph, parameters: [String: Tensor], options: CompilationOptions,
    sharing: SharedWeights
  ) throws {
    try Self.requireThreads(options, graph)
    var options = options
    options.mode = .inference
    shards = try ShardGroup(
      graph, parameters: parameters, store: nil, options: options, sharing: sharing)
  }

  /// Compiles a graph that reads and updates the parameters of a store.
  ///
  /// - Throws: ``GraphError`` where the graph is not well formed; ``EngineError`` where a parameter is missing or has
  ///   another shape, the library refuses an operation, or dense weights are not to be `float32`.
  public init(
    _ graph: Graph, training store: ParameterStore, options: CompilationOptions = .init()
  ) throws {
    try Self.requireThreads(options, graph)
    var options = options
    options.mode = .training
    guard options.compute.denseWeights == .float32 else {
      throw EngineError(
        subject: graph.name, problem: .trainingNeedsFloat32(options.compute.denseWeights))
    }
    shards = try ShardGroup(graph, parameters: [:], store: store, options: options)
  }

  /// OpenMP ends the process where it cannot have its threads, and takes none for all.
  static func requireThreads(_ options: CompilationOptions, _ graph: Graph) throws {
    let count = options.compute.threads
    guard 1...Threads.mostThreads ~= count else {
      throw EngineError(
        subject: graph.name,
        problem: .threadCount(actual: count, range: 1...Threads.mostThreads))
    }
    guard ck_can_start_threads(Int32(clamping: count)) else {
      throw EngineError(subject: graph.name, problem: .threads(count))
    }
  }

  private init(_ shards: ShardGroup) {
    self.shards = shards
  }

  /// Another executable of the same plan: shares primitives and packed weights, has an arena of its own.
  public func duplicate() throws -> Executable {
    Executable(try ShardGroup(sharing: shards))
  }

  var plan: Plan { shards.plan }

  // MARK: Running

  /// Computes the outputs from the inputs that were written last.
  ///
  /// - Parameters:
  ///   - step: the training step; random operations draw anew at each.
  ///   - seed: of the random operations.
  ///   - firstExample: the place of the first example in the batch that random operations draw for, of which this may be a part.
  /// - Throws: ``EngineError`` where the library reports a failure.
  public mutating func run(step: Int = 0, seed: UInt64 = 0, firstExample: Int = 0) throws {
    try run(step: step, seed: seed, firstExample: firstExample, joint: nil)
  }

  /// The same, of one of several processes that normalize by the statistics of all, and that do something beside the steps.
  ///
  /// - Parameter stepEnded: told the number of each step when it has ended, on the thread that calls; of none where the batch is
  ///   computed in parts, and ``lastStep(using:)`` knows none.
  package mutating func run(
    step: Int, seed: UInt64, firstExample: Int, joint: JointSums?,
    stepEnded: ((Int) -> Void)? = nil
  ) throws {
    let arithmetic = Self.beginComputing(threads: shards.threads)
    defer { Self.endComputing(arithmetic) }
    try shards.run(
      RunContext(
        seed: seed, step: UInt32(truncatingIfNeeded: step), firstExample: firstExample,
        joint: joint), stepEnded: stepEnded)
  }

  /// The last step that has to do with the memory of an output: afterwards it is the caller's. `nil` where the batch is computed
  /// in parts, of which outputs are made at the end.
  package func lastStep(using output: String) throws -> Int? {
    let port = try outputPort(output)
    guard shards.count == 1 else { return nil }
    return plan.steps.lastIndex { step in step.places.contains { $0.buffer == port.buffer } }
  }

  /// Runs some times, and tells in nanoseconds since the first began, by run, then by shard, when each step began, and when the
  /// last ended.
  mutating func timeSteps(runs: Int) throws -> [[[Int]]] {
    let arithmetic = Self.beginComputing(threads: shards.threads)
    defer { Self.endComputing(arithmetic) }
    let origin = ContinuousClock().now
    return try (0..<runs).map { run in
      try shards.timeSteps(
        RunContext(seed: 0, step: UInt32(truncatingIfNeeded: run)), since: origin)
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
    for name in shards.outputs.keys { outputs[name] = try output(name) }
    return outputs
  }

  // MARK: Inputs and outputs

  /// What must be written before a run, in alphabetical order.
  public var inputNames: [String] { shards.inputs.keys.sorted() }
  /// What can be read after a run, in alphabetical order.
  public var outputNames: [String] { shards.outputs.keys.sorted() }

  /// The shape of an input in the order of its elements; `nil` where there is no such input.
  public func inputShape(_ name: String) -> Shape? { shards.inputs[name]?.shape }

  /// The shape of an output; `nil` where there is no such output.
  public func outputShape(_ name: String) -> Shape? { shards.outputs[name]?.shape }

  /// Copies a tensor into an input.
  ///
  /// - Parameter tensor: of ``inputShape(_:)``, in the order that the graph was compiled for; where the batch is one example,
  ///   also without its axis.
  /// - Throws: ``EngineError`` for another name, shape or type of elements.
  public mutating func write(_ tensor: Tensor, to name: String) throws {
    let port = try inputPort(name)
    let shape = port.shape.dimensions
    guard
      tensor.shape == port.shape
        || (shape.first == 1 && tensor.shape.dimensions == Array(shape.dropFirst()))
    else {
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
      shards.bytes(of: port).copyMemory(from: $0)
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
    var span = shards.bytes(of: port).bindMemory(to: Scalar.self).mutableSpan
    return try body(&span)
  }

  /// A copy of an input as it was written last.
  package func input(_ name: String) throws -> Tensor {
    let port = try inputPort(name)
    var tensor = Tensor(zeros: port.shape, elementType: port.elementType)
    tensor.withUnsafeMutableBytes {
      $0.copyMemory(from: UnsafeRawBufferPointer(shards.bytes(of: port)))
    }
    return tensor
  }

  /// Lends the memory of an output for reading, in row-major order.
  public func withOutput<Result>(
    _ name: String, _ body: (Span<Float>) throws -> Result
  ) throws -> Result {
    let port = try outputPort(name)
    return try body(
      UnsafeBufferPointer(shards.bytes(of: port).bindMemory(to: Float.self)).span)
  }

  /// A copy of an output.
  public func output(_ name: String) throws -> Tensor {
    let port = try outputPort(name)
    var tensor = try Tensor(
      uninitialized: port.shape, elementType: .float32, for: "a copy of output \(name)")
    tensor.withUnsafeMutableBytes {
      $0.copyMemory(from: UnsafeRawBufferPointer(shards.bytes(of: port)))
    }
    return tensor
  }

  /// Lends the memory of an output for kernels: a gradient for an optimizer.
  package func withUnsafeOutput<Result>(
    _ name: String, _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) throws -> Result {
    try body(shards.bytes(of: outputPort(name)).bindMemory(to: Float.self))
  }

  /// Whether all outputs that are means over the batch, such as gradients, were finite after the last run; `nil` where that is
  /// not known.
  package var meansAreFinite: Bool? { shards.meansAreFinite }

  /// Shares a work between the threads that computed the outputs, which have parts of these in their caches.
  ///
  /// - Parameters:
  ///   - count: of the numbers to work on: of few, one task takes all.
  ///   - body: does one task of so many; all are done when this returns.
  package mutating func share(
    workOn count: Int, _ body: (_ task: Int, _ tasks: Int) -> Void
  ) {
    let arithmetic = Self.beginComputing(threads: shards.threads)
    defer { Self.endComputing(arithmetic) }
    let tasks = shards.tasks(for: count)
    guard tasks > 1 else { return body(0, 1) }
    shards.runTasks(tasks) { body($0, tasks) }
  }

  /// Tasks that share a work at most.
  package var mostTasks: Int { max(shards.tasks(for: .max), 1) }

  private func inputPort(_ name: String) throws -> Plan.Port {
    guard let port = shards.inputs[name] else {
      throw EngineError(
        subject: plan.name, problem: .unknownInput(name, known: inputNames))
    }
    return port
  }

  private func outputPort(_ name: String) throws -> Plan.Port {
    guard let port = shards.outputs[name] else {
      throw EngineError(
        subject: plan.name, problem: .unknownOutput(name, known: outputNames))
    }
    return port
  }

  // MARK: Memory

  /// Bytes of inputs, outputs and every intermediate value.
  public var activationByteCount: Int { shards.activationByteCount }

  /// Bytes of packed weights and of parameters that are used as they are.
  public var weightByteCount: Int {
    plan.constantByteCount + (shards.store?.byteCount ?? 0)
  }

  /// Parts of the batch that one thread computes each, side by side and in turn; 1 where all threads work on one operation.
  public var shardCount: Int { shards.count }

  /// Of those, how many at the same time.
  var laneCount: Int { shards.lanes }

  /// From here to the end the calling thread flushes denormals to zero, as the pool's threads do; the end wants the result.
  static func beginComputing(threads: Int) -> UInt64 {
    ck_begin_computing(Int32(clamping: threads))
  }

  static func endComputing(_ arithmetic: UInt64) {
    ck_end_computing(arithmetic)
  }
}
