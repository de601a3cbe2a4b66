import CKernels
import ConvNetCompiler
import ConvNetFiles
import ConvNetGraphs
import ConvNetTensors
import Synchronization

/// The whole batch at work: one shard on all threads, or shards of one thread each.
///
/// Threads that share each operation meet at a barrier after it, and read what others have written. A batch in shards meets
/// one barrier a run, and each shard's values stay in its processor's caches, the more of them the fewer examples it has: in
/// inference a thread may compute several shards one after the other, in the same memory. Outputs of single examples are
/// joined; means over the batch, which losses and their gradients by parameters are, are averaged. What cannot be had of parts,
/// ``BatchRole`` tells, keeps the batch whole.
final class ShardGroup: @unchecked Sendable {
  /// Of every shard.
  let plan: Plan
  let store: ParameterStore?
  /// Threads of each operation: one where there are several shards.
  var threads: Int { plan.options.threads }
  /// Of the whole batch.
  let inputs: [String: Plan.Port]
  let outputs: [String: Plan.Port]
  /// Of the outputs, where there are several shards.
  private let roles: [String: BatchRole]
  private let inputMemory: [String: TensorStorage]
  private let shards: [Shard]
  /// Shards at work at the same time, each in an arena of its own.
  let lanes: Int
  private let gatherings: [Gathering]
  private let gathered: [Int: TensorStorage]
  /// Numbers that are averaged at every run.
  private let meanCount: Int
  private let finiteMeans = Atomic(true)
  /// Of several shards, the threads that share them.
  private let teamThreads: Int
  /// Those but the calling one; `nil` where there is but one.
  private let team: OpaquePointer?
  /// What the shards in flight are told.
  private var context = RunContext(seed: 0, step: 0)
  /// Since when they are to time their steps, if at all.
  private var origin: ContinuousClock.Instant?

  /// How an output of the whole batch comes from those of the shards.
  private struct Gathering {
    var role: BatchRole
    var whole: UnsafeMutableRawBufferPointer
    /// Of each shard.
    var parts: [UnsafeMutableRawBufferPointer]
    /// The same, for kernels.
    var floats: [UnsafePointer<Float>?]
  }

  convenience init(
    _ graph: Graph, parameters: [String: Tensor], store: ParameterStore?,
    options: CompilationOptions, sharing: SharedWeights? = nil
  ) throws {
    let sharding = try graph.sharding(for: options)
    let plan = try Plan(
      sharding?.graph ?? graph, parameters: parameters,
      options: sharding == nil ? options : options.ofShard, sharing: sharing)
    try self.init(
      plan, graph: graph, count: sharding?.count ?? 1, lanes: sharding?.lanes ?? 1,
      threads: options.threads, roles: sharding?.roles ?? [:], store: store)
  }

  /// Another group at work on the same plan.
  convenience init(sharing other: ShardGroup) throws {
    try self.init(
      other.plan, inputs: other.inputs, outputs: other.outputs, roles: other.roles,
      count: other.count, lanes: other.lanes, threads: other.teamThreads, store: other.store)
  }

  private convenience init(
    _ plan: Plan, graph: Graph, count: Int, lanes: Int, threads: Int,
    roles: [String: BatchRole], store: ParameterStore?
  ) throws {
    var inputs = plan.inputs
    for name in inputs.keys {
      if let shape = inputs[name]?.shape {
        inputs[name]?.shape = shape.replacing(axis: 0, with: shape[0] * count)
      }
    }
    var outputs = plan.outputs
    for output in graph.outputs { outputs[output.name]?.shape = graph[output.value].shape }
    try self.init(
      plan, inputs: inputs, outputs: outputs, roles: roles, count: count, lanes: lanes,
      threads: threads, store: store)
  }

  private init(
    _ plan: Plan, inputs: [String: Plan.Port], outputs: [String: Plan.Port],
    roles: [String: BatchRole], count: Int, lanes: Int, threads: Int, store: ParameterStore?
  ) throws {
    self.lanes = lanes
    teamThreads = threads
    self.plan = plan
    self.store = store
    self.inputs = inputs
    self.outputs = outputs
    self.roles = roles
    // Asking for more than there is would end the process, now or at the first run.
    let byteCount = inputs.values.reduce(lanes * plan.arenaByteCount) { $0 + $1.byteCount }
    guard Memory.has(byteCount) else {
      throw EngineError(subject: plan.name, problem: .outOfMemory(byteCount: byteCount))
    }
    let memory = try inputs.mapValues {
      try TensorStorage(byteCount: $0.byteCount, for: "the input of \(plan.name)")
    }
    for storage in memory.values {
      storage.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }
    inputMemory = memory
    let arenas = try (0..<lanes).map { _ in
      let arena = try TensorStorage(
        byteCount: plan.arenaByteCount, for: "the activations of \(plan.name)")
      arena.bytes.initializeMemory(as: UInt8.self, repeating: 0)
      return arena
    }
    shards = try (0..<count).map { shard in
      var addresses: [String: UnsafeMutableRawPointer] = [:]
      for (name, part) in plan.inputs {
        addresses[name] = memory[name]?.bytes.baseAddress.map { $0 + shard * part.byteCount }
      }
      let examples = plan.inputs.values.first.map { $0.shape.dimensions.first ?? 0 } ?? 0
      return try Shard(
        plan, store: store, arena: arenas[ShardLanes(shards: count, count: lanes).lane(of: shard)],
        inputs: addresses, firstExample: shard * examples)
    }
    var gatherings: [Gathering] = []
    var gathered: [Int: TensorStorage] = [:]
    if count > 1 {
      for (name, whole) in outputs {
        guard let part = plan.outputs[name], let role = roles[name], role != .fixed else {
          continue
        }
        // Two outputs may be one value.
        let storage =
          try gathered[whole.buffer]
          ?? TensorStorage(byteCount: whole.byteCount, for: "the output of \(plan.name)")
        gathered[whole.buffer] = storage
        let parts = shards.map { $0.bytes(of: part) }
        gatherings.append(
          Gathering(
            role: role, whole: storage.bytes, parts: parts,
            floats: parts.map { UnsafePointer($0.bindMemory(to: Float.self).baseAddress) }))
      }
    }
    self.gatherings = gatherings
    meanCount = gatherings.reduce(0) {
      $1.role == .mean ? $0 + $1.whole.count / ElementType.float32.byteCount : $0
    }
    self.gathered = gathered
    let workers = min(lanes, threads) - 1
    team = workers > 0 ? ck_team_create(Int32(workers)) : nil
    guard workers == 0 || team != nil else {
      throw EngineError(subject: plan.name, problem: .threads(count))
    }
  }

  deinit {
    ck_team_destroy(team)
  }

  var count: Int { shards.count }

  /// - Parameter stepEnded: told the number of each step that the whole batch has taken: of none, where it is computed in parts.
  func run(_ context: RunContext, stepEnded: ((Int) -> Void)? = nil) throws {
    self.context = context
    if count == 1 {
      run(shard: 0, stepEnded: stepEnded)
    } else {
      runTasks(lanes, Unmanaged.passUnretained(self).toOpaque()) { group, lane in
        ShardGroup.from(group)?.run(lane: Int(lane))
      }
      gatherMeans()
    }
    for shard in shards { try shard.throwFailure() }
  }

  private func run(lane: Int) {
    for shard in ShardLanes(shards: count, count: lanes).shards(of: lane) {
      run(shard: shard)
      // Where another follows, before that takes the memory.
      gatherExamples(of: shard)
    }
  }

  private func run(shard: Int, stepEnded: ((Int) -> Void)? = nil) {
    if let origin {
      shards[shard].timeSteps(context, since: origin)
    } else {
      shards[shard].run(context, stepEnded: stepEnded)
    }
  }

  /// Runs, and tells for each shard when its steps began, and when the last ended, in nanoseconds since `origin`.
  func timeSteps(
    _ context: RunContext, since origin: ContinuousClock.Instant
  ) throws -> [[Int]] {
    self.origin = origin
    defer { self.origin = nil }
    try run(context)
    return shards.map(\.stepTimes)
  }

  /// Whether all outputs that are means over the batch, such as gradients, were finite after the last run; `nil` where the batch
  /// is whole, and nothing was averaged.
  var meansAreFinite: Bool? { count == 1 ? nil : finiteMeans.load(ordering: .relaxed) }

  /// Calls `body` once for each of so many tasks, on all threads, which take what has not begun: a task must not wait for
  /// another.
  func runTasks(_ count: Int, _ body: (_ task: Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      // In a structure of its own, which unlike a bare function is put in memory as it is.
      withUnsafePointer(to: Body(call: body)) { body in
        runTasks(count, UnsafeMutableRawPointer(mutating: body)) { body, task in
          body?.assumingMemoryBound(to: Body.self).pointee.call(Int(task))
        }
      }
    }
  }

  private struct Body {
    var call: (_ task: Int) -> Void
  }

  /// The same without an allocation.
  private func runTasks(
    _ count: Int, _ context: UnsafeMutableRawPointer,
    _ body: @convention(c) (_ context: UnsafeMutableRawPointer?, _ task: Int32) -> Void
  ) {
    if let team {
      ck_team_run(team, Int32(count), body, context)
    } else {
      ck_parallel(Int32(count), body, context)
    }
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> ShardGroup? {
    context.map { Unmanaged<ShardGroup>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Tasks that share a work on so many numbers: one where it is done sooner than threads have met.
  func tasks(for count: Int) -> Int {
    if count < 8192 { return 1 }
    if plan.options.compute.isDeterministic { return ComputeOptions.fixedParts }
    return team == nil ? threads : self.count
  }

  private func gatherExamples(of shard: Int) {
    for gathering in gatherings where gathering.role == .example {
      let part = gathering.parts[shard]
      let start = shard * part.count
      UnsafeMutableRawBufferPointer(rebasing: gathering.whole[start..<start + part.count])
        .copyMemory(from: UnsafeRawBufferPointer(part))
    }
  }

  private func gatherMeans() {
    finiteMeans.store(true, ordering: .relaxed)
    guard tasks(for: meanCount) > 1 else { return gatherMeans(task: 0, tasks: 1) }
    runTasks(count, Unmanaged.passUnretained(self).toOpaque()) { group, task in
      guard let group = ShardGroup.from(group) else { return }
      group.gatherMeans(task: Int(task), tasks: group.count)
    }
  }

  private func gatherMeans(task: Int, tasks: Int) {
    for gathering in gatherings where gathering.role == .mean {
      let whole = gathering.whole.assumingMemoryBound(to: Float.self)
      let isFinite = gathering.floats.withUnsafeBufferPointer {
        ck_mean(
          whole.baseAddress, $0.baseAddress, Int32(count), whole.count, Int32(task), Int32(tasks))
      }
      if !isFinite { finiteMeans.store(false, ordering: .relaxed) }
    }
  }

  /// The memory of an input or an output of the whole batch.
  func bytes(of port: Plan.Port) -> UnsafeMutableRawBufferPointer {
    if case .input = plan.buffers[port.buffer].home,
      let name = inputs.first(where: { $0.value.buffer == port.buffer })?.key,
      let memory = inputMemory[name]
    {
      return memory.bytes
    }
    return gathered[port.buffer]?.bytes ?? shards[0].bytes(of: port)
  }

  /// Bytes of inputs, outputs and arenas.
  var activationByteCount: Int {
    inputMemory.values.reduce(0) { $0 + $1.bytes.count }
      + gathered.values.reduce(0) { $0 + $1.bytes.count } + lanes * plan.arenaByteCount
  }
}
