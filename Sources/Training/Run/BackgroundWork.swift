import ConvNetFiles
import Dispatch
import Synchronization

/// One piece of work at a time beside the thread that asks for it.
final class BackgroundWork: Sendable {
  private let isBusy = Mutex(false)
  private let group = DispatchGroup()

  /// Whether the work before is still going on.
  var isGoingOn: Bool { isBusy.withLock { $0 } }

  /// Begins the work, on the calling thread where no other can be had.
  ///
  /// - Returns: whether it was begun: not where the one before goes on.
  func start(_ purpose: String, _ work: @escaping @Sendable () -> Void) -> Bool {
    let isFree = isBusy.withLock { isBusy in
      defer { isBusy = true }
      return !isBusy
    }
    guard isFree else { return false }
    group.enter()
    let all: @Sendable () -> Void = { [self] in
      work()
      isBusy.withLock { $0 = false }
      group.leave()
    }
    do throws(ThreadError) {
      try Threads.start(for: purpose, all)
    } catch {
      all()
    }
    return true
  }

  /// Waits for its end.
  func wait() { group.wait() }
}
