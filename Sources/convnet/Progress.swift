import ConvNet
import Foundation

/// Shows on standard error how far a job is.
final class Progress {
  private var reporter: ProgressReporter?
  /// Jobs that are done before this time show nothing.
  private let firstTime: Double

  /// - Parameters:
  ///   - total: units of work.
  ///   - isShown: whether there is room for it.
  ///   - delay: seconds before anything is shown.
  init(
    _ label: String, unit: String = "images", total: Int, _ shared: SharedOptions,
    isShown: Bool = true, after delay: Double = 0
  ) {
    firstTime = delay > 0 ? Self.now + delay : 0
    guard !shared.quiet, isShown else { return }
    reporter = ProgressReporter(
      ProgressBar(label, unit: unit, total: total), on: .standardError, at: Self.now)
    // The first unit may take long: a terminal shows at once that there is something to wait for.
    update(0)
  }

  private static var now: Double { ProcessInfo.processInfo.systemUptime }

  func update(_ completed: Int, notes: [String] = []) {
    guard Self.now >= firstTime else { return }
    write(reporter?.update(completed: completed, notes: notes, at: Self.now))
  }

  func finish(notes: [String] = []) {
    guard let total = reporter?.bar.total, Self.now >= firstTime else { return }
    write(reporter?.finish(completed: total, notes: notes, at: Self.now))
  }

  /// Leaves the line where it is, so that what follows does not stand in it.
  func interrupt() {
    guard reporter != nil, TerminalDevice.standardError.isTerminal else { return }
    write("\n")
  }

  /// A line about something on the way. On a terminal it takes the bar's place, and the bar follows below it.
  func tell(_ line: String) {
    let isDrawn = reporter != nil && Self.now >= firstTime
    let start = isDrawn && TerminalDevice.standardError.isTerminal ? "\r\u{1B}[K" : ""
    Console.tell("\(start)\(line)\n")
  }

  private func write(_ text: String?) {
    if let text { Console.tell(text) }
  }
}
