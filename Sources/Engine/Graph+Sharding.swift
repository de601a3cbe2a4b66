import ConvNetCompiler
import ConvNetFiles
package import ConvNetGraphs
import ConvNetTensors

extension Graph {
  /// The graph of one shard, where the batch is better computed in several, how many there are, and the role of each output by
  /// name; `nil` where it is not, or cannot be.
  func shard(
    for options: CompilationOptions
  ) throws -> (graph: Graph, count: Int, roles: [String: BatchRole])? {
    guard parameterByteCount <= Self.largestSharded,
      let batch = inputs.first.map({ self[$0].shape.dimensions.first ?? 0 }),
      inputs.allSatisfy({ self[$0].shape.dimensions.first == batch })
    else { return nil }
    let count = Self.shardCount(of: batch, for: options)
    guard count > 1, batch >= count, batch % count == 0,
      let roles = try outputRoles(in: options.mode),
      let graph = try? batched(batch / count), isParted(in: graph, count)
    else { return nil }
    return (graph, count, roles)
  }

  /// A shard a thread; where the number of threads must not matter, as many as leave each enough examples. Each packs the weights
  /// and adds a gradient of its own, so that more than two must be worth it.
  private static func shardCount(of batch: Int, for options: CompilationOptions) -> Int {
    guard options.compute.isDeterministic else { return options.threads }
    return [8, 4].first { batch % $0 == 0 && batch / $0 >= 32 }
      ?? (batch % 2 == 0 && batch >= 32 ? 2 : 1)
  }

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

  /// Every shard packs the weights anew at each training step, and keeps a gradient of each: more than a cache's worth of
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
      (try? graph.shard(for: self)) == nil
    else { return self }
    var suited = self
    suited.threads = 1
    return suited
  }

  private static let fewMultiplyAdds = 262_144.0
  /// That take as long as it takes to write an element.
  private static let multiplyAddsAnElement = 8.0
}
