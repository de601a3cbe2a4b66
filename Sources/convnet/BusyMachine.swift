import ArgumentParser
import Foundation

/// Threads of OpenMP wait for each other by spinning for milliseconds: quickest on processors that nobody else wants. On others a
/// spinning thread keeps its partner from running, and a network of many short steps runs at a tenth of its speed
/// (`docs/performance.md`).
enum BusyMachine {
  /// Where threads that want to run are more than the machine's processors, starts the command anew with waits that soon sleep:
  /// OpenMP reads its settings before any code of a program runs. Does nothing where the environment has such a setting.
  static func shortenWaits() {
    #if os(Linux)
      guard getenv("GOMP_SPINCOUNT") == nil, getenv("OMP_WAIT_POLICY") == nil,
        let running = runningThreads, running > sysconf(Int32(_SC_NPROCESSORS_ONLN)),
        let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
        // Not an interpreter or a loader that runs the command.
        (path as NSString).lastPathComponent == Command.configuration.commandName
      else { return }
      setenv("GOMP_SPINCOUNT", "1000", 1)
      // Returns only where it fails: then the command goes on as it is.
      execv(path, CommandLine.unsafeArgv)
    #endif
  }

  /// Threads of the whole machine that run or want to, this one among them; `nil` where the system does not say.
  private static var runningThreads: Int? {
    let label = "procs_running "
    return (try? String(contentsOfFile: "/proc/stat", encoding: .utf8))?
      .split(separator: "\n").first { $0.hasPrefix(label) }
      .flatMap { Int($0.dropFirst(label.count)) }
  }
}
