import ConvNetEngine

/// An executable that can be kept in a collection: of one thread, and without anything beside it. `Predictor` puts those that it
/// gives to its threads under a lock; a `CompiledStep` of a training has the parameters that it updates.
final class BatchExecutable {
  var executable: Executable

  init(_ executable: consuming Executable) {
    self.executable = executable
  }
}
