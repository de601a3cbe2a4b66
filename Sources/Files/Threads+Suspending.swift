import Synchronization

extension Threads {
  /// Does work on a thread of its own while the task is suspended: work that takes long would hold one of the few threads that
  /// all tasks share.
  ///
  /// - Parameters:
  ///   - purpose: what the thread is for, for the error.
  ///   - body: asks now and then whether the task was cancelled, and throws then.
  /// - Throws: ``ThreadError`` where there is no thread; what `body` throws; `CancellationError` where the task is cancelled
  ///   already.
  package static func suspending<Result: Sendable>(
    for purpose: String,
    _ body: @escaping @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws -> Result
  ) async throws -> Result {
    try Task.checkCancellation()
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        do {
          try start(for: purpose) {
            continuation.resume(
              with: .init { try body { cancellation.isSet.load(ordering: .relaxed) } })
          }
        } catch {
          continuation.resume(throwing: error)
        }
      }
    } onCancel: {
      cancellation.isSet.store(true, ordering: .relaxed)
    }
  }

  private final class Cancellation: Sendable {
    let isSet = Atomic(false)
  }
}
