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
    show(reporter?.update(completed: completed, notes: notes, at: Self.now))
  }

  /// What is shown of a job beside how far it is.
  struct Words {
    var notes: [String]
    /// Where there is room.
    var details: [String] = []
    /// Of what is to be done after this job; `nil` where nothing is.
    var secondsAfterwards: Double?
  }

  /// The same, where the words are made only if they are shown.
  func update(_ completed: Int, words: () -> Words) {
    guard reporter?.isDue(at: Self.now) == true, Self.now >= firstTime else { return }
    let words = words()
    show(
      reporter?.update(
        completed: completed, notes: words.notes, details: words.details,
        secondsAfterwards: words.secondsAfterwards, at: Self.now))
  }

  func finish(notes: [String] = []) {
    guard let total = reporter?.bar.total, Self.now >= firstTime else { return }
    show(reporter?.finish(completed: total, notes: notes, at: Self.now))
    Console.leaveLine()
  }

  private func show(_ line: String?) {
    guard let line else { return }
    if TerminalDevice.standardError.isTerminal {
      Console.draw(line)
    } else {
      Console.tell(line + "\n")
    }
  }
}
