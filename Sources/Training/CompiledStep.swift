package import ConvNetEngine

/// A compiled step, in a box that can be kept in a collection.
package final class CompiledStep {
  package var executable: Executable
  let parameters: [OptimizedParameter]
  /// Of all parameters.
  let elementCount: Int

  init(_ executable: consuming Executable, updating parameters: [OptimizedParameter] = []) {
    self.executable = executable
    self.parameters = parameters
    elementCount = parameters.reduce(0) { $0 + $1.count }
  }
}
