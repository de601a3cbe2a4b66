/// Decides what to print when a job advances: on a terminal the line is drawn over itself ten times
/// a second, elsewhere a plain line comes now and then and at the end.
///
/// It prints nothing itself: it returns the text for the caller's stream, and takes the time from
/// the caller.
package struct ProgressReporter: Sendable {
  package var bar: ProgressBar
  private let device: TerminalDevice
  /// Seconds between texts.
  private let interval: Double
  private var lastTime: Double
  private let startTime: Double
  private var isFinished = false

  /// - Parameters:
  ///   - time: now, in seconds on any clock that never goes back.
  ///   - plainInterval: seconds between the lines where the output is no terminal.
  package init(
    _ bar: ProgressBar, on device: TerminalDevice, at time: Double, plainInterval: Double = 10
  ) {
    self.bar = bar
    self.device = device
    interval = device.isTerminal ? 0.1 : plainInterval
    startTime = time
    lastTime = device.isTerminal ? -.infinity : time
  }

  /// The text to print now, if any.
  package mutating func update(completed: Int, notes: [String], at time: Double) -> String? {
    advance(completed, notes, time)
    guard time - lastTime >= interval else { return nil }
    lastTime = time
    // Back to the first column, the line, and what a longer one left behind erased.
    return device.width.map { "\r" + bar.line(width: $0 - 1) + "\u{1B}[K" } ?? bar.plainLine + "\n"
  }

  /// The last text, which ends the line. Once: a second call returns nothing.
  package mutating func finish(completed: Int, notes: [String], at time: Double) -> String? {
    guard !isFinished else { return nil }
    isFinished = true
    advance(completed, notes, time)
    return device.width.map { "\r" + bar.line(width: $0 - 1) + "\u{1B}[K\n" } ?? bar.plainLine
      + "\n"
  }

  private mutating func advance(_ completed: Int, _ notes: [String], _ time: Double) {
    bar.completed = completed
    bar.notes = notes
    bar.elapsed = time - startTime
  }
}
