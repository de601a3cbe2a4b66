import Synchronization

/// Bytes of bodies that may be in memory at once, of all connections.
package final class BodyBudget: Sendable {
  private let limit: Int
  private let used = Atomic(0)

  package init(limit: Int) { self.limit = limit }

  package func share() -> Share { Share(budget: self) }

  /// What one body takes of it.
  package struct Share {
    fileprivate let budget: BodyBudget
    private var taken = 0

    fileprivate init(budget: BodyBudget) { self.budget = budget }

    /// - Returns: whether there was room for so many bytes more; they are taken either way.
    package mutating func take(_ count: Int) -> Bool {
      let sum = budget.used.add(count, ordering: .relaxed).newValue
      taken += count
      return sum <= budget.limit
    }

    package mutating func giveBack() {
      budget.used.subtract(taken, ordering: .relaxed)
      taken = 0
    }
  }
}
