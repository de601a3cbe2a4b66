import CKernels
import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors

import class Foundation.ProcessInfo

/// The whole batch at work: one shard on all threads, or, for a small network, a shard a thread.
///
/// A small network spends its time at the barriers between operations; a batch in shards meets one barrier a run, and each
/// shard's values stay in its processor's cache. Outputs of single examples are joined; means over the batch, which losses and
/// their gradients by parameters are, are averaged. What cannot be had of parts, ``BatchRole`` tells, keeps the batch whole.
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
  private let gatherings: [Gathering]
  private let gathered: [Int: TensorStorage]
  /// The threads of all shards but the first; `nil` where there is but one.
  private let team: OpaquePointer?
  /// What the shards in flight are told.
  private var context = RunContext(seed: 0, step: 0)
  /// Since when they are to time their steps, if at all.
  private var origin: ContinuousClock.Instant?

  /// How an output of the whole batch comes from those of the shards.
  private struct Gathering {
    var part: Plan.Port
    var whole: Plan.Port
    var role: BatchRole
  }

  convenience init(
    _ graph: Graph, parameters: [String: Tensor], store: ParameterStore?,
    options: CompilationOptions
  ) throws {
    let shard = try graph.shard(for: options)
    var shardOptions = options
    if shard != nil { shardOptions.threads = 1 }
    let plan = try Plan(shard?.graph ?? graph, parameters: parameters, options: shardOptions)
    let count = shard == nil ? 1 : options.threads
    try self.init(plan, graph: graph, count: count, roles: shard?.roles ?? [:], store: store)
  }

  /// Another group at work on the same plan.
  convenience init(sharing other: ShardGroup) throws {
    try self.init(
      other.plan, inputs: other.inputs, outputs: other.outputs, roles: other.roles,
      count: other.count, store: other.store)
  }

  private convenience init(
    _ plan: Plan, graph: Graph, count: Int, roles: [String: BatchRole], store: ParameterStore?
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
      plan, inputs: inputs, outputs: outputs, roles: roles, count: count, store: store)
  }

  private init(
    _ plan: Plan, inputs: [String: Plan.Port], outputs: [String: Plan.Port],
    roles: [String: BatchRole], count: Int, store: ParameterStore?
  ) throws {
    self.plan = plan
    self.store = store
    self.inputs = inputs
    self.outputs = outputs
    self.roles = roles
    // Asking for more than there is would end the process, now or at the first run.
    let byteCount = inputs.values.reduce(count * plan.arenaByteCount) { $0 + $1.byteCount }
    guard byteCount <= ProcessInfo.processInfo.physicalMemory else {
      throw EngineError(subject: plan.name, problem: .outOfMemory(byteCount: byteCount))
    }
    let memory = inputs.mapValues { TensorStorage(byteCount: $0.byteCount) }
    for storage in memory.values {
      storage.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }
    inputMemory = memory
    shards = try (0..<count).map { shard in
      var addresses: [String: UnsafeMutableRawPointer] = [:]
      for (name, part) in plan.inputs {
        addresses[name] = memory[name]?.bytes.baseAddress.map { $0 + shard * part.byteCount }
      }
      let examples = plan.inputs.values.first.map { $0.shape.dimensions.first ?? 0 } ?? 0
      return try Shard(
        plan, store: store, inputs: addresses, firstExample: shard * examples)
    }
    var gatherings: [Gathering] = []
    var gathered: [Int: TensorStorage] = [:]
    if count > 1 {
      for (name, whole) in outputs {
        guard let part = plan.outputs[name], let role = roles[name], role != .fixed else {
          continue
        }
        gathered[whole.buffer] = TensorStorage(byteCount: whole.byteCount)
        gatherings.append(
          Gathering(part: part, whole: whole, role: role))
      }
    }
    self.gatherings = gatherings
    self.gathered = gathered
    team = count > 1 ? ck_team_create(Int32(count - 1)) : nil
    guard count == 1 || team != nil else {
      throw EngineError(subject: plan.name, problem: .outOfMemory(byteCount: 0))
    }
  }

  deinit {
    ck_team_destroy(team)
  }

  var count: Int { shards.count }

  func run(_ context: RunContext) throws {
    self.context = context
    if count == 1 {
      run(shard: 0)
    } else {
      ck_team_run(
        team, Int32(count),
        { group, shard in
          guard let group else { return }
          Unmanaged<ShardGroup>.fromOpaque(group).takeUnretainedValue().run(shard: Int(shard))
        }, Unmanaged.passUnretained(self).toOpaque())
      gather()
    }
    for shard in shards { try shard.throwFailure() }
  }

  private func run(shard: Int) {
    if let origin {
      shards[shard].timeSteps(context, since: origin)
    } else {
      shards[shard].run(context)
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

  private func gather() {
    for gathering in gatherings {
      guard let whole = gathered[gathering.whole.buffer]?.bytes else { continue }
      for (index, shard) in shards.enumerated() {
        let part = shard.bytes(of: gathering.part)
        if gathering.role == .example {
          let start = index * part.count
          UnsafeMutableRawBufferPointer(rebasing: whole[start..<start + part.count])
            .copyMemory(from: UnsafeRawBufferPointer(part))
        } else {
          let (sum, x) = (
            whole.bindMemory(to: Float.self), part.bindMemory(to: Float.self)
          )
          let share = 1 / Float(count)
          if index == 0 {
            ck_scale(sum.baseAddress, x.baseAddress, sum.count, share)
          } else {
            ck_add_scaled(sum.baseAddress, x.baseAddress, sum.count, share)
          }
        }
      }
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
      + gathered.values.reduce(0) { $0 + $1.bytes.count } + count * plan.arenaByteCount
  }
}
