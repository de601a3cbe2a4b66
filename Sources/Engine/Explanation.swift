import ConvNetTensors

/// A step of a compiled graph, for people.
public struct StepDescription: Hashable, Sendable, Codable {
  /// The operation that it computes; for a reorder, the value that it moves.
  public var operation: String
  /// The library's implementation, or the kernel.
  public var implementation: String
  /// The layouts of what it reads and makes, scratch memory left out, as in `aBcd16b`: axes by decreasing stride, upper case
  /// where blocked.
  public var layouts: [String]
  /// Multiplications, each with its addition, of a run.
  public var multiplyAdds: Int
}

/// A buffer of the arena.
public struct BufferDescription: Hashable, Sendable, Codable {
  public var offset: Int
  public var byteCount: Int
  /// The first and the last step during which it is alive.
  public var firstStep: Int
  public var lastStep: Int
}

/// What a step of a run took.
public struct StepProfile: Hashable, Sendable, Codable {
  public var step: StepDescription
  /// The median over the runs.
  public var seconds: Double
}

extension Executable {
  /// The steps of a run, in order.
  public var steps: [StepDescription] { plan.steps.map(\.description) }

  /// The buffers of the arena by offset.
  public var arena: [BufferDescription] {
    plan.placement.compactMap { buffer, offset in
      plan.lifetimes[buffer].map {
        BufferDescription(
          offset: offset, byteCount: plan.buffers[buffer].byteCount, firstStep: $0.lowerBound,
          lastStep: $0.upperBound)
      }
    }.sorted { ($0.offset, $0.firstStep) < ($1.offset, $1.firstStep) }
  }

  /// Runs on the inputs that were written last, and times every step; of a batch in shards, the steps of the first.
  public mutating func profile(runs: Int) throws -> [StepProfile] {
    let arithmetic = Self.beginComputing(threads: plan.options.threads)
    defer { Self.endComputing(arithmetic) }
    var seconds = [[Double]](repeating: [], count: plan.steps.count)
    let clock = ContinuousClock()
    for run in 0..<max(1, runs) {
      try self.run(step: run) { index, start in
        seconds[index].append((clock.now - start) / .seconds(1))
      }
    }
    return zip(plan.steps, seconds).map { step, seconds in
      StepProfile(step: step.description, seconds: seconds.sorted()[seconds.count / 2])
    }
  }
}

extension Step {
  var description: StepDescription {
    let shown: [Place] =
      switch work {
      case .primitive(_, let arguments):
        arguments.filter { !$0.1.layout.shape.dimensions.isEmpty }.map(\.1)
      case .kernel(_, let places): places
      }
    return StepDescription(
      operation: operation, implementation: implementation,
      layouts: shown.filter { $0.layout.shape.rank > 1 }.map { "\($0.layout)" },
      multiplyAdds: multiplyAdds)
  }
}
