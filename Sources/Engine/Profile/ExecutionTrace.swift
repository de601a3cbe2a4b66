import ConvNetFiles
import Foundation

/// What happened when during some runs, in the trace event format of Chrome: `chrome://tracing` and https://ui.perfetto.dev
/// open its file.
///
/// One lane a thread, which computes a shard or several one after the other; where all threads work on every step, one lane
/// for all.
public struct ExecutionTrace: Hashable, Sendable, Codable {
  /// A slice of a lane, or (`ph` is `M`) a name of something.
  public struct Event: Hashable, Sendable, Codable {
    /// What the slice did; `process_name` or `thread_name` where the event names something.
    public var name: String
    /// The step's kind.
    public var cat: String?
    /// `X` for a slice with begin and duration, `M` for a name.
    public var ph: String
    /// Microseconds since the first of the runs began.
    public var ts: Double?
    /// Microseconds.
    public var dur: Double?
    /// The process, from 1.
    public var pid: Int
    /// The lane: the number of the shard, or what goes on beside the steps.
    public var tid: Int
    /// What a viewer shows of the event when it is chosen.
    public var args: Arguments
  }

  /// What is told of an event beside its time.
  public struct Arguments: Hashable, Sendable, Codable {
    /// What an event of kind `M` names the process or the lane.
    public var name: String?
    /// The library's implementation, or the kernel.
    public var implementation: String?
    /// The layouts of what the step reads and makes.
    public var layouts: [String]?
    /// 1e9 multiplications and additions a second, in this run and lane.
    public var gigaflops: Double?
    /// That must be read and written at least, in this lane.
    public var bytes: Int?
    /// 1e9 of those a second.
    public var gigabytesPerSecond: Double?

    enum CodingKeys: String, CodingKey {
      case name, implementation, layouts, bytes
      case gigaflops = "GFLOP/s"
      case gigabytesPerSecond = "GB/s"
    }
  }

  /// The names of process and lanes, then the slices.
  public var traceEvents: [Event]
  /// The unit in which viewers show times.
  public var displayTimeUnit = "ms"

  package init(traceEvents: [Event]) { self.traceEvents = traceEvents }

  /// Writes the trace; the file appears whole or not at all.
  ///
  /// - Throws: ``FileError`` where it cannot be written.
  public func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write([UInt8](try encoder.encode(self)), to: path)
  }
}

extension ExecutionProfile {
  /// The last runs of the profile as a trace.
  ///
  /// - Parameter name: what the trace is of, such as the network's name.
  public func trace(named name: String, runs: Int = 3) -> ExecutionTrace {
    let shown = times.suffix(max(1, runs))
    let origin = shown.first?.compactMap(\.first).min() ?? 0
    let shardCount = shown.first?.count ?? 0
    var events = [ExecutionTrace.Event(naming: "process_name", name, lane: 0)]
    let places = ShardLanes(shards: shardCount, count: lanes)
    for lane in 0..<lanes {
      let own = places.shards(of: lane)
      let text =
        shardCount == 1
        ? "\(threads) thread\(threads == 1 ? "" : "s")"
        : own.count == 1
          ? "shard \(own.upperBound) of \(shardCount)"
          : "shards \(own.lowerBound + 1) to \(own.upperBound) of \(shardCount)"
      events.append(ExecutionTrace.Event(naming: "thread_name", text, lane: lane))
    }
    for (run, shards) in shown.enumerated() {
      for (shard, times) in shards.enumerated() {
        let lane = places.lane(of: shard)
        guard let first = times.first, let last = times.last else { continue }
        // Around the steps: viewers draw what lies within below.
        events.append(
          ExecutionTrace.Event(
            name: "run \(run + 1)", cat: "run", ph: "X", ts: Double(first - origin) / 1000,
            dur: Double(last - first) / 1000, pid: 1, tid: lane, args: .init()))
        for (index, entry) in steps.enumerated() {
          events.append(
            ExecutionTrace.Event(
              entry.step, share: shardCount, from: times[index] - origin,
              to: times[index + 1] - origin, lane: lane))
        }
      }
    }
    return ExecutionTrace(traceEvents: events)
  }
}

extension ExecutionTrace.Event {
  /// - Parameter kind: `process_name` or `thread_name`.
  package init(naming kind: String, _ name: String, process: Int = 1, lane: Int) {
    self.init(
      name: kind, cat: nil, ph: "M", ts: nil, dur: nil, pid: process, tid: lane,
      args: .init(name: name))
  }

  /// A slice of which nothing but its time is known.
  ///
  /// - Parameters:
  ///   - start, end: nanoseconds.
  ///   - bytes: that it moves.
  package init(
    _ name: String, category: String, from start: Int, to end: Int, process: Int, lane: Int,
    bytes: Int? = nil
  ) {
    self.init(
      name: name, cat: category, ph: "X", ts: Double(start) / 1000,
      dur: Double(end - start) / 1000, pid: process, tid: lane, args: .init(bytes: bytes))
  }

  /// - Parameters:
  ///   - share: shards that do the step's work together.
  ///   - start, end: nanoseconds.
  fileprivate init(
    _ step: StepDescription, share: Int, from start: Int, to end: Int, lane: Int
  ) {
    let (multiplyAdds, bytes) = (step.multiplyAdds / share, step.byteCount / share)
    let duration = Double(max(1, end - start))
    self.init(
      name: step.operation, cat: step.kind.rawValue, ph: "X", ts: Double(start) / 1000,
      dur: Double(end - start) / 1000, pid: 1, tid: lane,
      args: .init(
        implementation: step.implementation, layouts: step.layouts,
        gigaflops: multiplyAdds > 0 ? 2 * Double(multiplyAdds) / duration : nil, bytes: bytes,
        gigabytesPerSecond: Double(bytes) / duration))
  }
}
