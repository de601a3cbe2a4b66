import ConvNetServing
import ConvNetTestSupport
import Dispatch
import Synchronization
import Testing

@Suite("The line of a server") struct BatchQueueTests {
  /// What a worker was given, and a gate at which it waits.
  private final class Bench: Sendable {
    let batches = Mutex<[[Int]]>([])
    let gate = DispatchSemaphore(value: 0)
    let begun = DispatchSemaphore(value: 0)

    /// A worker that doubles, refuses what is negative, and stops at the gate before each batch.
    var worker: @Sendable () -> BatchQueue<Int, Int>.Compute {
      {
        { inputs in
          self.begun.signal()
          self.gate.wait()
          self.batches.withLock { $0.append(inputs) }
          return inputs.map { $0 < 0 ? .failure(Refused(input: $0)) : .success(2 * $0) }
        }
      }
    }
  }

  private struct Refused: Error, Equatable {
    var input: Int
  }

  /// Waits without a thread of the tasks.
  private func wait(_ semaphore: DispatchSemaphore) async {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        semaphore.wait()
        continuation.resume()
      }
    }
  }

  /// Waits until so many are in line.
  private func waitForLine(_ queue: BatchQueue<Int, Int>, _ count: Int) async throws {
    while queue.waitingCount != count { try await Task.sleep(for: .milliseconds(1)) }
  }

  @Test(
    "what comes while a batch is computed makes the next ones, of the sizes that there are",
    arguments: [
      (1, [1], [1, 1, 1, 1, 1]), (5, [1, 2, 4, 5], [5]), (5, [1, 2, 4], [4, 1]),
      (8, [1, 2, 4, 8], [4, 1]), (3, [3], [3, 1, 1]),
    ])
  func batches(largest: Int, sizes: [Int], expected: [Int]) async throws {
    let bench = Bench()
    let queue = try BatchQueue(.init(sizes: sizes), for: "a test", workers: [bench.worker])
    async let first = queue.output(of: 100)
    await wait(bench.begun)
    let rest = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
      for input in 0..<5 {
        group.addTask { (input, try await queue.output(of: input)) }
        try await waitForLine(queue, input + 1)
      }
      for _ in 0...expected.count { bench.gate.signal() }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    #expect(try await first == 200)
    #expect(rest == [0: 0, 1: 2, 2: 4, 3: 6, 4: 8])
    let batches = bench.batches.withLock { $0 }
    #expect(batches.map(\.count) == [1] + expected)
    #expect(batches.flatMap { $0 } == [100, 0, 1, 2, 3, 4])
  }

  @Test(
    "powers of two lead to the largest size",
    arguments: [(1, [1]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
  func sizes(largest: Int, expected: [Int]) {
    #expect(BatchQueue<Int, Int>.Policy.sizes(upTo: largest) == expected)
  }

  @Test("with a delay the first waits for the second, and a whole batch for nobody")
  func delay() async throws {
    let bench = Bench()
    for _ in 0..<4 { bench.gate.signal() }
    let queue = try BatchQueue(
      .init(sizes: [1, 2], delay: .seconds(3600)), for: "a test", workers: [bench.worker])
    async let first = queue.output(of: 1)
    async let second = queue.output(of: 2)
    #expect(try await (first, second) == (2, 4))
    #expect(bench.batches.withLock { $0.map(\.count) } == [2])
  }

  @Test("the delay ends for who stays alone")
  func delayEnds() async throws {
    let bench = Bench()
    bench.gate.signal()
    let queue = try BatchQueue(
      .init(sizes: [1, 2], delay: .milliseconds(5)), for: "a test", workers: [bench.worker])
    #expect(try await queue.output(of: 1) == 2)
  }

  @Test("each input has its own outcome, also where others of its batch are refused")
  func failures() async throws {
    let bench = Bench()
    let queue = try BatchQueue(.init(sizes: [1, 2, 4]), for: "a test", workers: [bench.worker])
    for _ in 0..<4 { bench.gate.signal() }
    let bad = Task { try await queue.output(of: -1) }
    let good = Task { try await queue.output(of: 1) }
    await #expect(throws: Refused(input: -1)) { try await bad.value }
    #expect(try await good.value == 2)
  }

  @Test("who gives up is answered at once, and not computed")
  func cancellation() async throws {
    let bench = Bench()
    let queue = try BatchQueue(for: "a test", workers: [bench.worker])
    async let first = queue.output(of: 1)
    await wait(bench.begun)
    let second = Task { try await queue.output(of: 2) }
    try await waitForLine(queue, 1)
    second.cancel()
    await #expect(throws: CancellationError.self) { try await second.value }
    for _ in 0..<2 { bench.gate.signal() }
    #expect(try await first == 2)
    #expect(try await queue.output(of: 3) == 6)
    #expect(bench.batches.withLock { $0 } == [[1], [3]])
  }

  @Test("what is in line when nobody holds the queue any more is computed", arguments: [1, 3])
  func closing(workers: Int) async throws {
    let bench = Bench()
    var queue: BatchQueue<Int, Int>? = try BatchQueue(
      .init(sizes: [1, 2]), for: "a test",
      workers: [@Sendable () -> BatchQueue<Int, Int>.Compute](
        repeating: bench.worker, count: workers))
    let tasks = (1...6).map { [queue] input in Task { try await queue?.output(of: input) } }
    queue = nil
    for _ in 0..<6 { bench.gate.signal() }
    var outputs: [Int?] = []
    for task in tasks { outputs.append(try await task.value) }
    #expect(outputs == [2, 4, 6, 8, 10, 12])
  }

  @Test("many callers and several threads lose nothing")
  func load() async throws {
    let queue = try BatchQueue<Int, Int>(
      .init(sizes: [1, 2, 4, 8]), for: "a test",
      workers: [@Sendable () -> BatchQueue<Int, Int>.Compute](
        repeating: { { $0.map { .success($0 + 1) } } }, count: 3))
    let sum = try await withThrowingTaskGroup(of: Int.self) { group in
      for input in 0..<2000 { group.addTask { try await queue.output(of: input) } }
      return try await group.reduce(0, +)
    }
    #expect(sum == 2000 * 1999 / 2 + 2000)
  }
}

@Suite("What a server accepts") struct AdmissionTests {
  private struct Failure: Error {}

  @Test("what is beyond the limit is refused, and there is room again when others end")
  func limit() async throws {
    let admission = Admission(limit: 3)
    try await admission.admit(2) {
      #expect(admission.count == 2)
      await #expect(throws: Overload.self) { try await admission.admit(2) {} }
      try await admission.admit(1) { #expect(admission.count == 3) }
      await #expect(throws: Failure.self) { try await admission.admit(1) { throw Failure() } }
      #expect(admission.count == 2)
    }
    #expect(admission.count == 0)
    let overload = await #expect(throws: Overload.self) { try await admission.admit(4) {} }
    #expect(overload?.isForEver == true)
  }

  @Test(
    "one is told to wait from one second to a minute", arguments: [(0.0, 1), (1.2, 2), (900, 60)])
  func waiting(seconds: Double, expected: Int) {
    #expect(Overload(pictures: 1, limit: 3, wait: seconds).retryAfter == expected)
  }
}
