import ConvNetEngine
import ConvNetEvaluation
import ConvNetFiles
import Foundation

/// Notes when the steps of a few updates ran, and which sums over processes went on beside them, and writes it as a trace.
final class UpdateTrace {
  /// Updates that are noted, from the second on: the first comes to pictures and memory that nobody has touched.
  static let updates = 1..<4

  private enum Lane: Int, CaseIterable {
    case steps, sums

    var name: String {
      switch self {
      case .steps: "steps"
      case .sums: "sums over processes"
      }
    }
  }

  private let path: String
  private let group: (any ProcessGroup)?
  private let clock = ContinuousClock()
  private var origin = ContinuousClock().now
  private var events: [ExecutionTrace.Event] = []
  private var update = -1
  private var steps: [StepDescription] = []
  /// Since when what goes on does, in nanoseconds.
  private var last = 0
  private var begin = 0
  private var sums: [Int: (begin: Int, bytes: Int)] = [:]
  private var process: Int { (group?.rank ?? 0) + 1 }

  init(_ path: String, _ group: (any ProcessGroup)?) {
    (self.path, self.group) = (path, group)
  }

  /// Whether the update that goes on is noted.
  private var isOn: Bool { Self.updates.contains(update) }
  private var now: Int { (clock.now - origin).nanoseconds }

  /// An update begins.
  func begin(_ executable: borrowing Executable) throws {
    update += 1
    guard isOn else { return }
    if update == Self.updates.lowerBound {
      // From here on the clocks of all begin anew.
      _ = try group?.gather([])
      origin = clock.now
    }
    steps = executable.steps
    (begin, last) = (now, now)
  }

  func stepEnded(_ number: Int) {
    guard isOn else { return }
    note(steps[number].operation, steps[number].kind.rawValue, lane: .steps)
  }

  func noted(_ event: GradientBuckets.TraceEvent) {
    guard isOn else { return }
    switch event {
    case .begun(let bucket, let bytes): sums[bucket] = (now, bytes)
    case .ended(let bucket):
      guard let sum = sums.removeValue(forKey: bucket) else { return }
      events.append(
        .init(
          "sum \(bucket + 1)", category: "sum", from: sum.begin, to: now, process: process,
          lane: Lane.sums.rawValue, bytes: sum.bytes))
    }
  }

  /// Both passes have ended; what the steps did not take began with the last of them.
  func passesEnded() {
    guard isOn else { return }
    if begin == last { note("forward and backward pass", "run", lane: .steps) }
  }

  /// All sums are there.
  func sumsEnded() {
    guard isOn, group != nil else { return }
    note("waiting for sums", "wait", lane: .steps)
  }

  /// - Throws: ``FileError`` where the trace cannot be written.
  func updateEnded() throws {
    guard isOn else { return }
    note("update", "update", lane: .steps)
    guard update == Self.updates.upperBound - 1 else { return }
    var all = [events]
    if let group {
      all = try group.gather([UInt8](JSONEncoder().encode(events))).map {
        try JSONDecoder().decode([ExecutionTrace.Event].self, from: Data($0))
      }
    }
    events = []
    guard process == 1 else { return }
    let names = all.indices.flatMap { rank in
      [
        ExecutionTrace.Event(
          naming: "process_name", "process \(rank)", process: rank + 1, lane: 0)
      ]
        + Lane.allCases.map {
          ExecutionTrace.Event(
            naming: "thread_name", $0.name, process: rank + 1, lane: $0.rawValue)
        }
    }
    try ExecutionTrace(traceEvents: names + all.joined()).write(to: path)
  }

  private func note(_ name: String, _ category: String, lane: Lane) {
    let end = now
    events.append(
      .init(
        name, category: category, from: last, to: end, process: process, lane: lane.rawValue))
    last = end
  }
}
