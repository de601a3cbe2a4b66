import Foundation
import Testing

/// The command, run as a process: what it printed and how it ended.
struct Invocation {
  var status: Int32
  var output: String
  var errors: String

  /// Runs `convnet` with arguments, to its end.
  ///
  /// - Parameters:
  ///   - directory: where it runs.
  ///   - settings: of its environment.
  ///   - shell: a line for the shell in which `"$0" "$@"` is the command: `exec "$0" "$@" 2>&-`.
  init(
    _ arguments: [String], in directory: String? = nil,
    settings: [String: String] = [:], shell: String? = nil
  ) throws {
    self = try RunningInvocation(arguments, in: directory, settings: settings, shell: shell)
      .finished()
  }

  /// That of the tests, with these settings of OpenMP's and no others.
  static func environment(_ settings: [String: String]) -> [String: String] {
    ProcessInfo.processInfo.environment
      .filter { !["GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS"].contains($0.key) }
      .merging(["COLUMNS": "80"]) { $1 }.merging(settings) { $1 }
  }

  /// Beside the test bundle (Linux), or beside the bundle's folder (macOS).
  static let executable: URL? = {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    for _ in 0..<6 {
      let candidate = folder.appendingPathComponent("convnet")
      if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
      folder.deleteLastPathComponent()
    }
    return nil
  }()

  fileprivate init(status: Int32, output: String, errors: String) {
    self.status = status
    self.output = output
    self.errors = errors
  }

  /// The output as one JSON value.
  func json() throws -> Any {
    try JSONSerialization.jsonObject(with: Data(output.utf8), options: .fragmentsAllowed)
  }

  /// The single line of a failure: without `error: ` before and the newline after it.
  func failure() throws -> String {
    #expect(status == 1)
    #expect(output.isEmpty)
    let lines = errors.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 2 && lines.last == "", "one line: \(errors)")
    let line = try #require(lines.first)
    #expect(line.hasPrefix("error: "))
    return String(line.dropFirst("error: ".count))
  }
}

/// The command at work.
final class RunningInvocation {
  private let process = Process()
  private let scratch: URL
  private let handles: [FileHandle]
  private var files: [URL] { ["output", "errors"].map { scratch.appendingPathComponent($0) } }

  /// Starts it; the arguments are those of ``Invocation``.
  init(
    _ arguments: [String], in directory: String? = nil,
    settings: [String: String] = [:], shell: String? = nil
  ) throws {
    let executable: URL = try #require(Invocation.executable, "the command is not built")
    if let shell {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", shell, executable.path] + arguments
    } else {
      process.executableURL = executable
      process.arguments = arguments
    }
    // The parser wraps its help to the terminal's width.
    process.environment = Invocation.environment(settings)
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    // Files, not pipes: nobody has to read while the process writes.
    scratch = FileManager.default.temporaryDirectory
      .appendingPathComponent("convnet-invocation-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    handles = try ["output", "errors"].map { [scratch] name in
      let file = scratch.appendingPathComponent(name)
      try Data().write(to: file)
      return try FileHandle(forWritingTo: file)
    }
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    try process.run()
  }

  deinit { try? FileManager.default.removeItem(at: scratch) }

  /// Waits for a file that the command creates, or for the command's end.
  func waitForFile(_ path: String) {
    while process.isRunning, !FileManager.default.fileExists(atPath: path) { usleep(1000) }
  }

  /// Bytes of memory that the process has now; `nil` where the system does not say, or it has ended.
  var residentBytes: Int? {
    let path = "/proc/\(process.processIdentifier)/statm"
    let fields = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: " ")
    return (fields?.dropFirst().first).flatMap { Int($0) }.map { $0 * Int(getpagesize()) }
  }

  var isRunning: Bool { process.isRunning }

  func send(_ signals: Int32...) {
    for signal in signals { kill(process.processIdentifier, signal) }
  }

  /// Stops it, and waits until all its threads stand still: one that does not yet would take a signal that is sent meanwhile.
  func stop() {
    let process = process.processIdentifier
    kill(process, SIGSTOP)
    var information = siginfo_t()
    waitid(P_PID, id_t(process), &information, WSTOPPED | WEXITED | WNOWAIT)
  }

  /// Waits for its end.
  func finished() throws -> Invocation {
    process.waitUntilExit()
    for handle in handles { try handle.close() }
    return Invocation(
      status: process.terminationStatus,
      output: String(decoding: try Data(contentsOf: files[0]), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self))
  }
}

/// Runs the command.
func convnet(_ arguments: String..., in directory: String? = nil) throws -> Invocation {
  try Invocation(arguments, in: directory)
}
