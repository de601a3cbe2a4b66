import ConvNet
import Foundation

/// Standard output and standard error: every byte that the command prints goes through here. Bytes of names that are no
/// characters are shown as `\xE9`.
///
/// Standard output has the results, and one that cannot be written is a failure. Standard error has what a person may like to
/// know, and no work ends because nobody can read it.
enum Console {
  /// What errors of printing results call the place.
  static let outputPath = "standard output"
  private static let output = OutputDescriptor(1, path: outputPath)
  private static let errors = OutputDescriptor(2, path: "standard error")

  /// Whether who started the command wants to be told of a closed pipe by an error.
  nonisolated(unsafe) private static var ignoresClosedPipes = false

  /// Makes failures of writing errors of the call, not ends of the process. Before any file is opened.
  static func prepare() {
    reserveDescriptors()
    ignoresClosedPipes = isIgnored(SIGPIPE)
    signal(SIGPIPE, SIG_IGN)
    // A file that grows beyond the limit of `ulimit -f`.
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Results.
  ///
  /// - Throws: ``FileError`` where they cannot be written.
  static func write(_ text: String) throws { try output.write(FileSystem.readable(text)) }

  /// Notes, progress and errors.
  static func tell(_ text: String) { try? errors.write(FileSystem.readable(text)) }

  /// Whether an error says that who read the results, as `head` does, has read enough.
  static func isClosedPipe(_ error: any Error) -> Bool {
    guard let error = error as? FileError, error.path == outputPath else { return false }
    return error.problem == .system(code: EPIPE) && !ignoresClosedPipes
  }

  /// Ends the process as other tools end on a closed pipe, without a word.
  static func endByClosedPipe() {
    signal(SIGPIPE, SIG_DFL)
    raise(SIGPIPE)
  }

  /// Whether a signal was ignored when the process began.
  static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    #if canImport(Darwin)
      let handler = action.__sigaction_u.__sa_handler
    #else
      let handler = action.__sigaction_handler.sa_handler
    #endif
    return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Opens the standard descriptors that are closed: the next file that is opened would take their place, and get what is
  /// printed. Each is opened the wrong way round, so that using it fails as before.
  private static func reserveDescriptors() {
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
      let mode = descriptor == 0 ? O_WRONLY : O_RDONLY
      // The lowest that is free, which is this one. A device without room: also by the name /dev/stdout nothing is swallowed.
      if open("/dev/full", mode) < 0 { _ = open("/dev/null", mode) }
    }
  }
}

/// Prints a result. Stands before Swift's function of this name, which does not notice what could not be written.
///
/// - Throws: ``FileError`` where it cannot be written.
func print(_ text: String, terminator: String = "\n") throws {
  try Console.write(text + terminator)
}
