import ConvNet
import Foundation

/// Shows on standard error how far a job is.
final class Progress {
  private var reporter: ProgressReporter?

  /// - Parameter total: units of work.
  init(_ label: String, unit: String = "images", total: Int, _ shared: SharedOptions) {
    guard !shared.quiet else { return }
    reporter = ProgressReporter(
      ProgressBar(label, unit: unit, total: total), on: .standardError, at: Self.now)
    // The first unit may take long: a terminal shows at once that there is something to wait for.
    update(0)
  }

  private static var now: Double { ProcessInfo.processInfo.systemUptime }

  func update(_ completed: Int, notes: [String] = []) {
    write(reporter?.update(completed: completed, notes: notes, at: Self.now))
  }

  func finish(notes: [String] = []) {
    guard let total = reporter?.bar.total else { return }
    write(reporter?.finish(completed: total, notes: notes, at: Self.now))
  }

  /// Leaves the line where it is, so that what follows does not stand in it.
  func interrupt() {
    guard reporter != nil, TerminalDevice.standardError.isTerminal else { return }
    write("\n")
  }

  private func write(_ text: String?) {
    guard let text else { return }
    FileHandle.standardError.write(Data(text.utf8))
  }
}
