import Synchronization

/// An outcome that comes once, and that somebody waits for.
package final class Awaited<Value: Sendable>: Sendable {
  package typealias Outcome = Result<Value, any Error>

  private struct State {
    var outcome: Outcome?
    var waiter: (@Sendable (Outcome) -> Void)?
  }

  private let state = Mutex(State())

  /// Without an outcome yet.
  package init() {}

  /// `nil` where there is none yet.
  package var outcome: Outcome? { state.withLock(\.outcome) }

  /// Whether nobody waits for it any more.
  package var isFinished: Bool { outcome != nil }

  /// Calls a function once there is an outcome, at once where there is.
  package func whenDone(_ waiter: @escaping @Sendable (Outcome) -> Void) {
    let outcome = state.withLock { state in
      if state.outcome == nil { state.waiter = waiter }
      return state.outcome
    }
    if let outcome { waiter(outcome) }
  }

  /// Sets the outcome, where there is none yet.
  package func finish(_ outcome: Outcome) {
    let waiter: (@Sendable (Outcome) -> Void)? = state.withLock { state in
      guard state.outcome == nil else { return nil }
      state.outcome = outcome
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?(outcome)
  }
}
