import ConvNetTraining
import Foundation

/// Threads in place of processes: what one says, all hear.
final class ThreadProcesses: ProcessGroup {
  let rank: Int
  var count: Int { table.count }
  private let table: Table

  private init(_ rank: Int, _ table: Table) {
    (self.rank, self.table) = (rank, table)
  }

  /// Runs a body as so many processes, and gives what each came to, by rank.
  static func run<Result: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (ThreadProcesses) throws -> Result
  ) -> [Swift.Result<Result, any Error>] {
    let table = Table(count)
    let results = Results<Result>(count)
    let threads = DispatchGroup()
    for rank in 0..<count {
      threads.enter()
      Thread {
        results.set(Swift.Result { try body(ThreadProcesses(rank, table)) }, at: rank)
        threads.leave()
      }.start()
    }
    threads.wait()
    return results.all
  }

  func gather(_ bytes: [UInt8]) throws -> [[UInt8]] { table.exchange(bytes, of: rank) }

  func sum(_ values: UnsafeMutableBufferPointer<Float>) throws { try add(values) }
  func sum(_ values: UnsafeMutableBufferPointer<Double>) throws { try add(values) }

  private func add<Number: FloatingPoint>(_ values: UnsafeMutableBufferPointer<Number>) throws {
    let all = try gather(Array(UnsafeRawBufferPointer(values)))
    values.update(repeating: 0)
    for bytes in all {
      bytes.withUnsafeBytes { bytes in
        for index in values.indices {
          values[index] += bytes.loadUnaligned(
            fromByteOffset: index * MemoryLayout<Number>.size, as: Number.self)
        }
      }
    }
  }
}

/// Where all put something down, and take up what lies there once everybody has.
private final class Table: @unchecked Sendable {
  let count: Int
  private let condition = NSCondition()
  private var laid: [[UInt8]?]
  private var ready: [[UInt8]] = []
  private var round = 0

  init(_ count: Int) {
    self.count = count
    laid = Array(repeating: nil, count: count)
  }

  func exchange(_ bytes: [UInt8], of rank: Int) -> [[UInt8]] {
    condition.lock()
    defer { condition.unlock() }
    laid[rank] = bytes
    let own = round
    if laid.allSatisfy({ $0 != nil }) {
      ready = laid.compactMap(\.self)
      laid = Array(repeating: nil, count: count)
      round += 1
      condition.broadcast()
    }
    while round == own { condition.wait() }
    return ready
  }
}

private final class Results<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [Result<Value, any Error>?]

  init(_ count: Int) { values = Array(repeating: nil, count: count) }

  func set(_ value: Result<Value, any Error>, at place: Int) {
    lock.withLock { values[place] = value }
  }

  var all: [Result<Value, any Error>] { lock.withLock { values.compactMap(\.self) } }
}
