import CKernels
import Foundation

/// The system has no thread for the process.
public struct ThreadError: ReadableError, Hashable, Sendable {
  /// The system's error number.
  public var code: Int32
  /// What it was for.
  public var purpose: String

  package init(code: Int32, purpose: String) {
    self.code = code
    self.purpose = purpose
  }

  public var description: String {
    "cannot start a thread for \(purpose): \(String(cString: strerror(code))); let the process have more threads or memory"
  }
}

/// Threads that work beside the one that starts them.
package enum WorkerThread {
  private final class Work {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Starts a thread, which nobody waits for.
  ///
  /// - Throws: ``ThreadError`` where there is none to be had; Foundation's `Thread` would not tell.
  package static func start(
    for purpose: String, _ body: @escaping @Sendable () -> Void
  ) throws(ThreadError) {
    let work = Unmanaged.passRetained(Work(body)).toOpaque()
    let code = ck_start_thread(
      { work in
        guard let work else { return }
        Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body()
      }, work)
    guard code == 0 else {
      Unmanaged<Work>.fromOpaque(work).release()
      throw ThreadError(code: code, purpose: purpose)
    }
  }
}
