import ConvNetEvaluation
import Synchronization

/// A group whose time is measured: that of its sums, and of waiting for the slowest; of sums beside the backward pass what the
/// training waits for.
final class ProcessMeter: ProcessGroup {
  private let group: any ProcessGroup
  private let clock = ContinuousClock()
  private let spent = Mutex(0.0)

  init(_ group: any ProcessGroup) { self.group = group }

  var rank: Int { group.rank }
  var count: Int { group.count }
  /// Spent so far.
  var seconds: Double { spent.withLock { $0 } }

  func sum(_ values: UnsafeMutableBufferPointer<Float>) throws {
    try measured { try group.sum(values) }
  }

  func sum(_ values: UnsafeMutableBufferPointer<Double>) throws {
    try measured { try group.sum(values) }
  }

  func gather(_ bytes: [UInt8]) throws -> [[UInt8]] { try measured { try group.gather(bytes) } }

  var sumsBesideWork: Bool { group.sumsBesideWork }

  func startSum(_ values: UnsafeMutableBufferPointer<Float>) throws -> any SumInProgress {
    MeteredSum(sum: try measured { try group.startSum(values) }, meter: self)
  }

  private struct MeteredSum: SumInProgress {
    var sum: any SumInProgress
    var meter: ProcessMeter

    func advance() throws -> Bool { try meter.measured { try sum.advance() } }
    func wait() throws { try meter.measured { try sum.wait() } }
  }

  private func measured<Result>(_ body: () throws -> Result) rethrows -> Result {
    let begin = clock.now
    defer { spent.withLock { $0 += (clock.now - begin) / .seconds(1) } }
    return try body()
  }
}
