import ConvNetFiles
import Dispatch
import Synchronization

/// Results of work on several threads, in order, a few ahead of who takes them.
final class OrderedWork<Value: Sendable>: Sendable {
  private struct State {
    var next = 0
    var taken = 0
    var results: [Int: Value] = [:]
    var isStopped = false
  }

  private let count: Int
  private let state = Mutex(State())
  /// Counts what may be begun.
  private let room = DispatchSemaphore(value: 0)
  /// Signalled with every result.
  private let ready = DispatchSemaphore(value: 0)
  private let threads: Int

  /// - Parameters:
  ///   - ahead: results that may wait or be in the making.
  ///   - body: is called on several threads at once.
  /// - Throws: ``ThreadError`` where the system has no thread.
  init(
    _ count: Int, threads: Int, ahead: Int, _ body: @escaping @Sendable (Int) -> Value
  ) throws {
    self.count = count
    self.threads = max(0, min(threads, count))
    for _ in 0..<max(1, ahead) { room.signal() }
    try Threads.start(self.threads, for: "views") {
      while true {
        self.room.wait()
        let index = self.state.withLock { state -> Int? in
          guard !state.isStopped, state.next < count else { return nil }
          state.next += 1
          return state.next - 1
        }
        guard let index else {
          // So that the next thread sees it too.
          self.room.signal()
          return
        }
        let value = body(index)
        self.state.withLock { $0.results[index] = value }
        self.ready.signal()
      }
    }
  }

  /// The next result; `nil` after the last.
  func take() -> Value? {
    while true {
      let (value, isOver) = state.withLock { state -> (Value?, Bool) in
        guard state.taken < count else { return (nil, true) }
        guard let value = state.results.removeValue(forKey: state.taken) else {
          return (nil, false)
        }
        state.taken += 1
        return (value, false)
      }
      if isOver { return nil }
      if let value {
        room.signal()
        return value
      }
      ready.wait()
    }
  }

  /// Lets the threads end.
  func stop() {
    state.withLock { $0.isStopped = true }
    room.signal()
  }
}
