import ConvNetFiles
import Dispatch
import Synchronization

/// Inputs of many callers in one line, and threads that compute as many at once as wait.
///
/// A thread that is free takes what is in line, up to a batch, and begins: who comes to an idle queue waits for nobody. With a
/// ``Policy/delay`` it waits for more first, so long at most after the first of the batch came. So an input waits at most for the
/// delay and for the batches of those in line before it. As many are taken as the largest of the sizes that the line fills.
package final class BatchQueue<Input: Sendable, Output: Sendable>: Sendable {
  /// Computes a batch: an outcome for each input, in order.
  package typealias Compute = ([Input]) -> [Result<Output, any Error>]

  /// When a batch begins.
  package struct Policy: Hashable, Sendable {
    /// Numbers of inputs that are computed at once, in ascending order, 1 the first.
    package let sizes: [Int]
    /// How long the first of a batch waits for others.
    package var delay: Duration

    package init(sizes: [Int] = [1], delay: Duration = .zero) {
      self.sizes = Set(sizes).union([1]).filter { $0 > 0 }.sorted()
      self.delay = delay
    }

    /// Powers of two below the largest batch, and that.
    package static func sizes(upTo batch: Int) -> [Int] {
      (0..<Int.bitWidth - 2).map { 1 << $0 }.prefix { $0 < batch } + [max(1, batch)]
    }

    package var largest: Int { sizes.last ?? 1 }
  }

  private let line: Line

  /// - Parameters:
  ///   - workers: for each a thread, which calls the function once and computes with what it returns.
  ///   - purpose: what the threads are for, for the error.
  /// - Throws: ``ThreadError`` where the system has no thread left.
  package init(
    _ policy: Policy = Policy(), for purpose: String, workers: [@Sendable () -> Compute]
  ) throws {
    let line = Line(policy)
    self.line = line
    do {
      for make in workers {
        try Threads.start(for: purpose) {
          let compute = make()
          while line.computeNext(compute) {}
        }
        line.addWorker()
      }
    } catch {
      line.close()
      throw error
    }
  }

  deinit { line.close() }

  /// Waits for the outcome of an input.
  ///
  /// - Throws: what computing it throws; `CancellationError`.
  package func output(of input: Input) async throws -> Output {
    let ticket = Ticket(input: input)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        ticket.output.whenDone { continuation.resume(with: $0) }
        line.enter(ticket)
      }
    } onCancel: {
      ticket.output.finish(.failure(CancellationError()))
    }
  }

  /// Inputs that no thread has begun.
  package var waitingCount: Int { line.waitingCount }

  // MARK: The line

  /// One input, for which somebody waits.
  private struct Ticket: Sendable {
    let input: Input
    let start = ContinuousClock.now
    let output = Awaited<Output>()
  }

  private final class Line: Sendable {
    private struct State {
      var tickets: [Ticket] = []
      var workers = 0
      var isClosed = false
    }

    private let policy: Policy
    private let state = Mutex(State())
    /// Counts tickets that no thread has counted yet, and once more for each thread at the end.
    private let arrivals = DispatchSemaphore(value: 0)

    init(_ policy: Policy) { self.policy = policy }

    var waitingCount: Int { state.withLock { $0.tickets.count } }

    func addWorker() { state.withLock { $0.workers += 1 } }

    func enter(_ ticket: Ticket) {
      state.withLock { $0.tickets.append(ticket) }
      arrivals.signal()
    }

    /// Lets the threads end, after what is in line.
    func close() {
      let workers = state.withLock { state in
        state.isClosed = true
        return state.workers
      }
      for _ in 0..<workers { arrivals.signal() }
    }

    /// Waits for a batch and computes it.
    ///
    /// - Returns: whether there may be more.
    func computeNext(_ compute: Compute) -> Bool {
      arrivals.wait()
      var count = 1
      while count < policy.largest, arrivals.wait(timeout: .now()) == .success { count += 1 }
      if policy.delay > .zero, let first = state.withLock({ $0.tickets.first?.start }) {
        let end = first + policy.delay
        while count < policy.largest, case let rest = end - .now, rest > .zero,
          arrivals.wait(timeout: .now() + .nanoseconds(rest.nanoseconds)) == .success
        { count += 1 }
      }
      // What is left over makes the next batch.
      let size = policy.sizes.last { $0 <= count } ?? 1
      let (taken, isClosed) = state.withLock { state in
        let taken = Array(state.tickets.prefix(size))
        state.tickets.removeFirst(taken.count)
        return (taken, state.isClosed)
      }
      // More was counted than there are tickets: the ends of other threads among them.
      for _ in max(1, taken.count)..<count { arrivals.signal() }
      guard !taken.isEmpty else { return !isClosed }
      let wanted = taken.filter { !$0.output.isFinished }
      guard !wanted.isEmpty else { return true }
      for (ticket, outcome) in zip(wanted, compute(wanted.map(\.input))) {
        ticket.output.finish(outcome)
      }
      return true
    }
  }
}
