import ConvNet
import Foundation
import Synchronization

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

  /// What of a progress stands on the terminal. Signals tell from a thread of their own.
  private static let drawn = Mutex(DrawnLine())

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
  static func write(_ text: String) throws {
    drawn.withLock { line in
      let erasure = line.erase(on: .standardError)
      if !erasure.isEmpty { try? errors.write(erasure) }
    }
    try output.write(FileSystem.readable(text))
  }

  /// Notes and errors. They take the place of a progress that is drawn, which follows below.
  static func tell(_ text: String) {
    drawn.withLock { line in
      try? errors.write(line.erase(on: .standardError) + FileSystem.readable(text))
    }
  }

  /// Shows how far a job is, in place of what was drawn before.
  static func draw(_ text: String) {
    drawn.withLock { line in
      let text = FileSystem.readable(text)
      try? errors.write(line.replace(with: text, on: .standardError))
    }
  }

  /// Leaves what is drawn where it is, so that what follows stands below. Waits for no other thread, which may wait for the
  /// terminal.
  ///
  /// - Parameter echoes: whether a terminal shows something else there, such as the keys of a signal.
  static func leaveLine(echoes: Bool = false) {
    _ = drawn.withLockIfAvailable { line in
      let end = line.end()
      let isBehindText = !end.isEmpty || (echoes && TerminalDevice.standardError.isTerminal)
      if isBehindText { try? errors.write("\n") }
    }
  }

  /// A result as a table, of the terminal's width.
  static func write(_ table: Table) throws {
    try write(table.plainText(width: TerminalDevice.standardOutput.width))
  }

  /// A sentence that is a result, broken between words where a terminal is narrower.
  static func write(wrapping text: String, indent: Int = 2) throws {
    let lines = text.wrapped(to: TerminalDevice.standardOutput.width, indent: indent)
    try write(lines.map { $0 + "\n" }.joined())
  }

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
