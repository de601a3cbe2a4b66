import ConvNetCompiler
import ConvNetFiles
package import ConvNetGraphs
import ConvNetTensors

/// A batch in shards: parts of the same size, each computed by one thread.
struct Sharding {
  /// Of one shard.
  var graph: Graph
  /// Of the whole batch.
  var count: Int
  /// Shards at work at the same time. Each has an arena, in which others follow it.
  var lanes: Int
  /// What each output of the whole batch is of those of the shards, by name.
  var roles: [String: BatchRole]
}

/// Shards that follow each other, neighbours in one lane.
struct ShardLanes {
  /// Of all lanes.
  var shards: Int
  var count: Int

  /// The lane in which a shard is computed.
  func lane(of shard: Int) -> Int { shard * count / shards }

  /// The shards of a lane, in their order.
  func shards(of lane: Int) -> Range<Int> {
    (lane * shards + count - 1) / count..<((lane + 1) * shards + count - 1) / count
  }
}

extension Graph {
  /// How the batch is computed in shards; `nil` where it is better computed as a whole, or must be.
  func sharding(for options: CompilationOptions) throws -> Sharding? {
    guard let batch = inputs.first.map({ self[$0].shape.dimensions.first ?? 0 }), batch > 1,
      inputs.allSatisfy({ self[$0].shape.dimensions.first == batch })
    else { return nil }
    let (count, lanes) = shardCounts(of: batch, for: options)
    guard count > 1, batch >= count, batch % count == 0,
      let roles = try outputRoles(in: options.mode),
      // What is averaged over the shards must be there of all of them.
      lanes == count || !roles.values.contains(.mean),
      let graph = try? batched(batch / count), isParted(in: graph, count)
    else { return nil }
    return Sharding(graph: graph, count: count, lanes: lanes, roles: roles)
  }

  /// Shards of a batch, and how many are at work at the same time.
  private func shardCounts(
    of batch: Int, for options: CompilationOptions
  ) -> (all: Int, lanes: Int) {
    let isSmall = parameterByteCount <= Self.largestSharded
    if options.compute.isDeterministic {
      let count = isSmall ? Self.fixedShardCount(of: batch) : 1
      return (count, count)
    }
    let threads = options.threads
    // What is prepared at each run would be so for each shard.
    if options.mode == .inference, options.keepsPreparation,
      let size = shardSize(of: batch, threads: threads)
    {
      return (batch / size, min(batch / size, threads))
    }
    return isSmall ? (threads, threads) : (1, 1)
  }

  /// As many as leave each enough examples, whatever the number of threads: each packs the weights and adds a gradient of its
  /// own, so that more than two must be worth it.
  private static func fixedShardCount(of batch: Int) -> Int {
    [8, 4].first { batch % $0 == 0 && batch / $0 >= 32 }
      ?? (batch % 2 == 0 && batch >= 32 ? 2 : 1)
  }

  /// The examples of a shard in inference, where one thread that goes through the layers with few examples is faster than all
  /// threads that go through them with the whole batch.
  ///
  /// Every shard reads the weights, of W bytes, and its values lie in the caches the less the more examples there are. Of
  /// networks whose largest value has A bytes an example, the size was best that is near the root of W / 2 A: 2 examples of
  /// MobileNet v2, 4 of ResNet-50, 8 of VGG-D; of AlexNet, nearly all of which are weights, more than there were.
  private func shardSize(of batch: Int, threads: Int) -> Int? {
    let largest =
      operations.flatMap(\.outputs).map { self[$0].shape.count / batch }.max() ?? 0
    let byteCount = Double(max(1, largest * ElementType.float32.byteCount))
    let best = (0.45 * Double(parameterByteCount) / byteCount).squareRoot()
    // Less would pass while threads go from one operation to the next.
    let least = max(best, Self.smallestValue / byteCount)
    let sizes = (1...max(1, batch / threads)).filter { size in
      let (count, rest) = (batch / size, batch / size % threads)
      guard batch % size == 0, count <= Self.mostTurns * threads else { return false }
      // At the end no thread waits long for the others.
      return rest == 0 || count > 8 * (threads - rest)
    }
    if let size = sizes.first(where: { Double($0) >= least }) { return size }
    guard let last = sizes.last, batch / last == threads, Double(last) >= 0.85 * least else {
      return nil
    }
    return last
  }

  private static let smallestValue = Double(512 << 10)
  /// Shards that follow each other at most: each has its steps bound to its inputs.
  private static let mostTurns = 16

  /// Whether all that is of examples is smaller in a part. A value that examples share may hold as many positions as there are
  /// examples: beside a part of one example, it would stand for a batch of its own.
  private func isParted(in part: Graph, _ count: Int) -> Bool {
    let roles = batchRoles
    return operations.allSatisfy { operation in
      operation.outputs.allSatisfy { output in
        roles[output] != .example
          || self[output].shape.dimensions.first
            == part[output].shape.dimensions.first.map {
              $0 * count
            }
      }
    }
  }

  /// Of all parameters, as a file holds them.
  package var parameterByteCount: Int {
    parameters.reduce(0) { $0 + self[$1].shape.count * ElementType.float32.byteCount }
  }

  /// In training every shard packs the weights anew at each step, and keeps a gradient of each: more than a cache's worth of
  /// parameters costs more than the barriers.
  private static let largestSharded = 4 << 20

  /// `nil` where an operation or an output needs the whole batch at once.
  private func outputRoles(in mode: Mode) throws -> [String: BatchRole]? {
    var graph = try specialized(for: mode)
    graph.removeDeadValues()
    // A parameter that every part moved would be moved several times.
    guard graph.parameterUpdates.isEmpty else { return nil }
    let roles = graph.batchRoles
    guard graph.operations.allSatisfy({ $0.outputs.allSatisfy { roles[$0] != nil } }) else {
      return nil
    }
    var outputRoles: [String: BatchRole] = [:]
    for output in graph.outputs {
      guard let role = roles[output.value], role != .share else { return nil }
      outputRoles[output.name] = role
    }
    return outputRoles
  }
}

extension CompilationOptions {
  /// These, with one thread where it is done sooner than several, which meet after each operation: for the inference of a small
  /// network at a batch that is not cut into shards.
  ///
  /// Two threads that meet take about a microsecond. One does ``fewMultiplyAdds`` in some five, of which a second saves half.
  /// LeNet-5 has 83,000 in each of its layers at batch 1, ResNet-20 two million.
  package func suited(to graph: Graph) -> CompilationOptions {
    // Nothing is to be chosen; a number that makes no sense is for who compiles to refuse.
    guard 2...Threads.mostThreads ~= threads else { return self }
    var (work, layers) = (0.0, 0)
    for operation in graph.operations {
      let multiplyAdds = graph.cost(of: operation).multiplyAdds
      if multiplyAdds > 0 { layers += 1 }
      let elements = operation.outputs.reduce(0) { $0 + graph[$1].shape.count }
      work += Double(multiplyAdds) + Self.multiplyAddsAnElement * Double(elements)
    }
    guard work < Double(max(1, layers)) * Self.fewMultiplyAdds,
      (try? graph.sharding(for: self)) == nil
    else { return self }
    var suited = self
    suited.threads = 1
    return suited
  }

  private static let fewMultiplyAdds = 262_144.0
  /// That take as long as it takes to write an element.
  private static let multiplyAddsAnElement = 8.0
}
