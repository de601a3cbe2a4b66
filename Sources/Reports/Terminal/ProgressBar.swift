/// The line that shows how far a job is:
///
///     epoch 2/5 ━━━━━━━━━╸─────  62 %  loss 0.412  23.4 k images/s  41 s left (2 min 10 s)
///
/// In parentheses is what is left of all, where other jobs follow this one.
///
/// A value: the same progress makes the same line. ``ProgressReporter`` decides when it is printed.
package struct ProgressBar: Hashable, Sendable {
  package var label: String
  /// What is counted: `images`.
  package var unit: String
  package var total: Int
  package var completed = 0
  /// Since the start of this bar, in seconds.
  package var elapsed = 0.0
  /// Texts between the percentage and the rate: `loss 0.412`.
  package var notes: [String] = []
  /// Texts that follow them where there is room after the time and the rate.
  package var details: [String] = []
  /// Seconds of what is to be done after this job; `nil` where nothing is.
  package var secondsAfterwards: Double?

  package init(_ label: String, unit: String, total: Int) {
    self.label = label
    self.unit = unit
    self.total = total
  }

  package var fraction: Double {
    total > 0 ? min(1, max(0, Double(completed) / Double(total))) : 1
  }

  /// Units a second so far; `nil` before there is anything to divide.
  package var rate: Double? {
    completed > 0 && elapsed > 0 ? Double(completed) / elapsed : nil
  }

  /// Seconds to go at the rate so far.
  package var timeLeft: Double? {
    rate.map { Double(max(0, total - completed)) / $0 }
  }

  private var rateText: String? { rate.map { HumanReadable.quantity($0) + " \(unit)/s" } }

  /// With what is left of all, where that is more, and without.
  private var timeTexts: [String] {
    if completed >= total { return ["in " + HumanReadable.duration(elapsed)] }
    guard let left = timeLeft else { return [] }
    // Fractions of a guess would only flicker.
    func text(_ seconds: Double) -> String {
      seconds <= 9
        ? "\(Int(seconds.rounded(.up))) s" : HumanReadable.duration(seconds.rounded(.up))
    }
    let short = text(left) + " left"
    guard let secondsAfterwards, secondsAfterwards > 0 else { return [short] }
    return ["\(short) (\(text(left + secondsAfterwards)))", short]
  }

  private var percentage: String { "\(Int(fraction * 100))".paddedLeft(to: 3) + " %" }

  /// At most `width` columns. What the job has brought comes first, then the time, the rate and the details as far as there is
  /// room, and the bar takes what is left.
  package func line(width: Int) -> String {
    var room = width - label.columns - 1 - percentage.columns
    guard room >= 0 else { return String("\(label) \(percentage)".prefix(columns: max(0, width))) }
    func fits(_ text: String) -> Bool {
      guard room >= text.columns + 2 else { return false }
      room -= text.columns + 2
      return true
    }
    // Of the notes the first: one that follows a gap would be taken for it.
    let shown = notes.prefix(while: fits)
    let time = timeTexts.first(where: fits)
    let rate = rateText.flatMap { fits($0) ? $0 : nil }
    let more = details.prefix(while: fits)
    let tail = ([percentage] + shown + more + [rate, time].compactMap(\.self))
      .joined(separator: "  ")
    // Fewer than three columns are no bar.
    return room > 3
      ? "\(label) \(bar(columns: min(room - 1, 30))) \(tail)" : "\(label) \(tail)"
  }

  /// One line for a log: `epoch 2/5: 62 %, loss 0.412, 23.4 k images/s, 41 s left`.
  package var plainLine: String {
    let parts =
      ["\(Int(fraction * 100)) %"] + notes + details
      + [rateText, timeTexts.first].compactMap(\.self)
    return "\(label): " + parts.joined(separator: ", ")
  }

  /// Drawn in half columns.
  private func bar(columns: Int) -> String {
    let halves = Int(fraction * Double(columns * 2))
    let (full, hasHalf) = (halves / 2, halves % 2 == 1)
    return String(repeating: "━", count: full) + (hasHalf ? "╸" : "")
      + String(repeating: "─", count: columns - full - (hasHalf ? 1 : 0))
  }
}
