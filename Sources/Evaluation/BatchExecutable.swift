import ConvNetEngine

/// An executable in a box that can be kept in a collection.
final class BatchExecutable {
  var executable: Executable

  init(_ executable: consuming Executable) {
    self.executable = executable
  }
}
