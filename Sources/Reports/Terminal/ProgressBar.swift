/// The line that shows how far a job is:
///
///     epoch 2/5 ━━━━━━━━━╸─────  62 %  loss 0.412  23.4 k images/s  41 s left
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

  private var timeText: String? {
    if completed >= total { return "in " + HumanReadable.duration(elapsed) }
    return timeLeft.map { left in
      // Fractions of a guess would only flicker.
      (left <= 9 ? "\(Int(left.rounded(.up))) s" : HumanReadable.duration(left.rounded(.up)))
        + " left"
    }
  }

  private var percentage: String { "\(Int(fraction * 100))".paddedLeft(to: 3) + " %" }

  /// At most `width` columns. A narrow terminal loses the rate first, then the notes, then the bar.
  package func line(width: Int) -> String {
    let time = timeText.map { [$0] } ?? []
    let rate = rateText.map { [$0] } ?? []
    let choices = [notes + rate + time, notes + time, time, []]
    for (index, extras) in choices.enumerated() {
      let tail = ([percentage] + extras).joined(separator: "  ")
      let room = width - label.count - tail.count - 2
      // Eight columns are the least bar worth drawing; without extras, any.
      if room >= (index < choices.count - 1 ? 8 : 3) {
        return "\(label) \(bar(columns: min(room, 30))) \(tail)"
      }
    }
    return String("\(label) \(percentage)".prefix(max(0, width)))
  }

  /// One line for a log: `epoch 2/5: 62 %, loss 0.412, 23.4 k images/s, 41 s left`.
  package var plainLine: String {
    let parts = ["\(Int(fraction * 100)) %"] + notes + [rateText, timeText].compactMap(\.self)
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
