import Dispatch
import Synchronization

/// A ring of batches between the thread that fills them and the one that uses them: empty ones
/// travel one way, full ones the other, and each side sleeps while it has none.
final class BatchQueue: Sendable {
  enum Item: Sendable {
    case batch(Batch)
    case failure(any Error)
    case end
  }

  private struct State {
    var empty: [Batch]
    var items: [Item] = []
    var isCancelled = false
  }

  private let state: Mutex<State>
  private let emptyCount: DispatchSemaphore
  private let itemCount = DispatchSemaphore(value: 0)

  init(batches: [Batch]) {
    emptyCount = DispatchSemaphore(value: 0)
    state = Mutex(State(empty: batches))
    for _ in batches { emptyCount.signal() }
  }

  /// An empty batch, once there is one; `nil` after ``cancel()``.
  func takeEmpty() -> Batch? {
    emptyCount.wait()
    return state.withLock { state in state.isCancelled ? nil : state.empty.removeLast() }
  }

  func put(_ item: sending Item) {
    state.withLock { state in state.items.append(item) }
    itemCount.signal()
  }

  /// The next item, once there is one.
  func take() -> Item {
    itemCount.wait()
    return state.withLock { state in state.items.removeFirst() }
  }

  /// Takes a used batch out of `batch`: moved, not copied, since the filling thread must find
  /// itself the only owner of the memory.
  func recycle(_ batch: inout Batch?) {
    let isTaken = state.withLock { state in
      guard let used = batch.take() else { return false }
      state.empty.append(used)
      return true
    }
    if isTaken { emptyCount.signal() }
  }

  /// Lets a sleeping or future ``takeEmpty()`` return `nil`.
  func cancel() {
    state.withLock { state in state.isCancelled = true }
    emptyCount.signal()
  }

  /// Takes out the batches that are here, when both sides have stopped. The thread may outlive this
  /// call by a moment and keep the queue, but not their memory.
  func drain() -> [Batch] {
    state.withLock { state in
      let batches =
        state.empty
        + state.items.compactMap { item in
          if case .batch(let batch) = item { batch } else { nil }
        }
      state.empty = []
      state.items = []
      return batches
    }
  }
}
