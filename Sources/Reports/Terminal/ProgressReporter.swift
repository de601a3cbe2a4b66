/// Decides what to show when a job advances: on a terminal a line that the caller draws over the one before, ten times a second;
/// elsewhere a plain line now and then and at the end.
///
/// It prints nothing itself, and takes the time from the caller. The terminal's width is read anew for each line: windows
/// change their size.
package struct ProgressReporter: Sendable {
  package var bar: ProgressBar
  private let device: @Sendable () -> TerminalDevice
  /// Seconds between texts.
  private let interval: Double
  private var lastTime: Double
  private let startTime: Double
  private var isFinished = false

  /// - Parameters:
  ///   - time: now, in seconds on any clock that never goes back.
  ///   - plainInterval: seconds between the lines where the output is no terminal.
  package init(
    _ bar: ProgressBar, on device: @autoclosure @escaping @Sendable () -> TerminalDevice,
    at time: Double, plainInterval: Double = 10
  ) {
    self.bar = bar
    self.device = device
    let isTerminal = device().isTerminal
    interval = isTerminal ? 0.1 : plainInterval
    startTime = time
    lastTime = isTerminal ? -.infinity : time
  }

  /// Whether an update now would show a line.
  package func isDue(at time: Double) -> Bool { time - lastTime >= interval }

  /// The line to show now, if any.
  package mutating func update(
    completed: Int, notes: [String], details: [String] = [], secondsAfterwards: Double? = nil,
    at time: Double
  ) -> String? {
    (bar.details, bar.secondsAfterwards) = (details, secondsAfterwards)
    advance(completed, notes, time)
    guard isDue(at: time) else { return nil }
    lastTime = time
    return line
  }

  /// The last line, which stays. Once: a second call returns nothing.
  package mutating func finish(completed: Int, notes: [String], at time: Double) -> String? {
    guard !isFinished else { return nil }
    isFinished = true
    (bar.details, bar.secondsAfterwards) = ([], nil)
    advance(completed, notes, time)
    return line
  }

  /// The last column stays free: behind it some terminals begin a new line.
  private var line: String { device().width.map { bar.line(width: $0 - 1) } ?? bar.plainLine }

  private mutating func advance(_ completed: Int, _ notes: [String], _ time: Double) {
    bar.completed = completed
    bar.notes = notes
    bar.elapsed = time - startTime
  }
}
