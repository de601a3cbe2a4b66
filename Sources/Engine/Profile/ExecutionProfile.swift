/// What a step of a run took.
public struct StepProfile: Hashable, Sendable {
  /// What the step does.
  public var step: StepDescription
  /// The median over the runs; of shards, the mean time of those side by side with what follows each, and the work of all
  /// together.
  public var work: MeasuredWork
}

/// What all steps of a kind took.
public struct KindProfile: Hashable, Sendable {
  /// The kind of work.
  public var kind: StepKind
  /// How many steps of a run are of the kind.
  public var stepCount: Int
  /// That of all these steps in one run.
  public var work: MeasuredWork
}

/// What the steps of some runs took, beside what the machine could do.
public struct ExecutionProfile: Hashable, Sendable {
  /// In the order of the network.
  public let steps: [StepProfile]
  /// What the machine can do at most.
  public let peaks: MachinePeaks
  /// When each step began, and when the last ended, in nanoseconds since the first run began: by run, then by shard.
  let times: [[[Int]]]
  /// Shards at work at the same time.
  let lanes: Int
  /// Threads of each shard.
  let threads: Int

  /// - Parameters:
  ///   - times: at least one run's, of at least one shard.
  ///   - lanes: shards at work at the same time; all, where nothing is said.
  ///   - threads: of each shard.
  package init(
    _ steps: [StepDescription], times: [[[Int]]], lanes: Int? = nil, threads: Int,
    peaks: MachinePeaks
  ) {
    let lanes = lanes ?? times.first?.count ?? 1
    self.lanes = lanes
    self.steps = steps.enumerated().map { index, step in
      let seconds = times.map { shards in
        let sum = shards.reduce(0) { $0 + $1[index + 1] - $1[index] }
        return Double(sum) * 1e-9 / Double(lanes)
      }
      return StepProfile(
        step: step,
        work: MeasuredWork(
          seconds: seconds.sorted()[seconds.count / 2], multiplyAdds: step.multiplyAdds,
          byteCount: step.byteCount,
          leastSeconds: peaks.leastSeconds(
            multiplyAdds: step.performedMultiplyAdds, byteCount: step.byteCount)))
    }
    self.peaks = peaks
    self.times = times
    self.threads = threads
  }

  /// Of all steps.
  public var total: MeasuredWork { steps.map(\.work).total }

  /// The steps summed up by kind, the longest first.
  public var kinds: [KindProfile] {
    Dictionary(grouping: steps, by: \.step.kind).map { kind, steps in
      KindProfile(kind: kind, stepCount: steps.count, work: steps.map(\.work).total)
    }.sorted { ($0.work.seconds, $0.kind.rawValue) > ($1.work.seconds, $1.kind.rawValue) }
  }
}

extension Executable {
  /// Runs on the inputs that were written last, and times every step.
  ///
  /// - Parameters:
  ///   - runs: at least one is made.
  ///   - peaks: of as many threads as the executable was compiled for.
  /// - Throws: ``EngineError`` where the library reports a failure.
  public mutating func profile(runs: Int, peaks: MachinePeaks) throws -> ExecutionProfile {
    try ExecutionProfile(
      steps, times: timeSteps(runs: max(1, runs)), lanes: laneCount,
      threads: plan.options.threads, peaks: peaks)
  }
}
