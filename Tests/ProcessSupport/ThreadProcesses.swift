package import ConvNetEvaluation
import Foundation
import Synchronization

/// Threads in place of processes that compute together, for tests: what one says, all hear.
package final class ThreadProcesses: ProcessGroup {
  package let rank: Int
  package var count: Int { table.count }
  private let table: Table
  package let sumsBesideWork: Bool
  /// Sums that this one has begun.
  private let begun = Mutex(0)

  private init(_ rank: Int, _ table: Table, sumsBesideWork: Bool) {
    (self.rank, self.table, self.sumsBesideWork) = (rank, table, sumsBesideWork)
  }

  /// Runs a body as so many processes, and gives what each came to, by rank.
  ///
  /// - Parameter sumsBesideWork: whether sums go on while the threads do other things.
  package static func run<Result: Sendable>(
    _ count: Int, sumsBesideWork: Bool = false,
    _ body: @escaping @Sendable (ThreadProcesses) throws -> Result
  ) -> [Swift.Result<Result, any Error>] {
    let table = Table(count)
    let results = Results<Result>(count)
    let threads = DispatchGroup()
    for rank in 0..<count {
      threads.enter()
      Thread {
        results.set(
          Swift.Result {
            try body(ThreadProcesses(rank, table, sumsBesideWork: sumsBesideWork))
          }, at: rank)
        threads.leave()
      }.start()
    }
    threads.wait()
    return results.all
  }

  package func gather(_ bytes: [UInt8]) throws -> [[UInt8]] { table.exchange(bytes, of: rank) }

  package func sum(_ values: UnsafeMutableBufferPointer<Float>) throws { try add(values) }
  package func sum(_ values: UnsafeMutableBufferPointer<Double>) throws { try add(values) }

  package func startSum(_ values: UnsafeMutableBufferPointer<Float>) throws -> any SumInProgress {
    let number = begun.withLock { number in
      defer { number += 1 }
      return number
    }
    table.lay(Array(UnsafeRawBufferPointer(values)), of: rank, number)
    let sum = LaidSum(table: table, number: number, values: values)
    if !sumsBesideWork { try sum.wait() }
    return sum
  }

  private struct LaidSum: SumInProgress {
    var table: Table
    var number: Int
    var values: UnsafeMutableBufferPointer<Float>

    func advance() throws -> Bool {
      guard let all = table.laid(number) else { return false }
      ThreadProcesses.add(all, into: values)
      return true
    }

    func wait() throws { ThreadProcesses.add(table.wait(number), into: values) }
  }

  private func add<Number: FloatingPoint>(_ values: UnsafeMutableBufferPointer<Number>) throws {
    Self.add(try gather(Array(UnsafeRawBufferPointer(values))), into: values)
  }

  private static func add<Number: FloatingPoint>(
    _ all: [[UInt8]], into values: UnsafeMutableBufferPointer<Number>
  ) {
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

  /// What all lay down for a sum, by the sum's number.
  private var sums: [Int: [Int: [UInt8]]] = [:]

  func lay(_ bytes: [UInt8], of rank: Int, _ number: Int) {
    condition.lock()
    defer { condition.unlock() }
    sums[number, default: [:]][rank] = bytes
    condition.broadcast()
  }

  /// By rank; `nil` where one has not come yet.
  func laid(_ number: Int) -> [[UInt8]]? {
    condition.lock()
    defer { condition.unlock() }
    guard let all = sums[number], all.count == count else { return nil }
    return (0..<count).compactMap { all[$0] }
  }

  func wait(_ number: Int) -> [[UInt8]] {
    while true {
      if let all = laid(number) { return all }
      condition.lock()
      if sums[number]?.count != count { condition.wait() }
      condition.unlock()
    }
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
