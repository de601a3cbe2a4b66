import ConvNetEngine
import ConvNetEvaluation
import Synchronization

/// The sums of a step's batch normalization over all processes, and what went wrong with them: kernels have no errors.
struct JointNormalization {
  private final class Failure: Sendable {
    let error = Mutex<(any Error)?>(nil)
  }

  let sums: JointSums
  private let failure = Failure()

  /// `nil` where each process normalizes by itself.
  init?(_ trainer: Trainer, share: Double) {
    guard trainer.normalizesJointly, let processes = trainer.processes else { return nil }
    sums = JointSums(share: share) { [failure] values in
      do { try processes.sum(values) } catch { failure.error.withLock { $0 = error } }
    }
  }

  func throwFailure() throws {
    if let error = failure.error.withLock({ $0 }) { throw error }
  }
}
