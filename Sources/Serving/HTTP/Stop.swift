import Synchronization

/// The wish that a server stops, which may come before it has begun.
package final class Stop: Sendable {
  private struct State {
    var isAsked = false
    var actions: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())

  package init() {}

  package var isAsked: Bool { state.withLock { $0.isAsked } }

  /// Stops.
  package func callAsFunction() {
    let actions = state.withLock { state in
      state.isAsked = true
      return state.actions
    }
    for action in actions { action() }
  }

  /// - Parameter action: is called every time it is asked for, at once where it has been.
  package func whenAsked(_ action: @escaping @Sendable () -> Void) {
    let isAsked = state.withLock { state in
      state.actions.append(action)
      return state.isAsked
    }
    if isAsked { action() }
  }
}
