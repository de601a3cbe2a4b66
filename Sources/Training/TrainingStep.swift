import CKernels
package import ConvNetEngine

/// A compiled step, in a box that can be kept in a collection.
package final class TrainingStep {
  package var executable: Executable
  /// What the optimizer reads and writes: memory of the executable, which does not move, and of the session's stores.
  let parameters: [ck_momentum]
  /// Of all parameters.
  let elementCount: Int

  init(_ executable: consuming Executable, updating parameters: [ck_momentum] = []) {
    self.executable = executable
    self.parameters = parameters
    elementCount = parameters.reduce(0) { $0 + $1.count }
  }
}
