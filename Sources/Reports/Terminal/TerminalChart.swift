/// Curves as lines of text, each drawn with a letter of its own, on axes of round numbers:
///
///     30 ┤a
///        │ab
///     20 ┤ abb
///        │  aabbb
///     10 ┤    aaaaa
///        └──────────
///         1        9 epoch
package struct TerminalChart: Hashable, Sendable {
  /// A curve and the letter that it is drawn with.
  package struct Series: Hashable, Sendable {
    package var mark: Character
    package var points: [LinePlot.Point]

    package init(_ mark: Character, points: [LinePlot.Point]) {
      self.mark = mark
      self.points = points
    }

    /// The value at a place between the first and the last point, on the line that joins those beside it.
    fileprivate func value(at x: Double) -> Double? {
      guard let first = points.first, let last = points.last, x >= first.x, x <= last.x else {
        return nil
      }
      guard let next = points.firstIndex(where: { $0.x >= x }), next > 0 else { return first.y }
      let (left, right) = (points[next - 1], points[next])
      guard right.x > left.x else { return right.y }
      return left.y + (right.y - left.y) * (x - left.x) / (right.x - left.x)
    }
  }

  package var title: String
  package var horizontal: Axis
  package var vertical: Axis
  package var series: [Series]

  package init(_ title: String, horizontal: Axis, vertical: Axis, series: [Series]) {
    self.title = title
    self.horizontal = horizontal
    self.vertical = vertical
    self.series = series.map { series in
      Series(
        series.mark,
        points: series.points.filter { horizontal.accepts($0.x) && vertical.accepts($0.y) })
    }
  }

  /// No line exceeds the width.
  package func lines(width: Int, height: Int = 12) -> [String] {
    let all = series.flatMap(\.points)
    guard !all.isEmpty, height > 1 else { return [] }
    let ticks = Ticks(for: all.map(\.y), on: vertical, count: max(2, height / 3))
    let labelWidth = ticks.labels.map(\.columns).max() ?? 0
    let columns = width - labelWidth - 3
    guard columns >= 8 else { return [] }
    let (first, last) = (all.map(\.x).min() ?? 0, all.map(\.x).max() ?? 1)
    func row(of value: Double) -> Int {
      // An axis may end below the largest value.
      height - 1 - Int((min(1, ticks.fraction(of: value)) * Double(height - 1)).rounded())
    }

    var cells = [[Character]](repeating: [Character](repeating: " ", count: columns), count: height)
    // What comes first is what lies above the others.
    for series in series.reversed() {
      for column in 0..<columns {
        let x = first + (last - first) * Double(column) / Double(columns - 1)
        guard let value = series.value(at: x) else { continue }
        cells[row(of: value)][column] = series.mark
      }
    }
    var labels = [Int: String]()
    for (position, label) in zip(ticks.positions, ticks.labels) {
      labels[row(of: position)] = label
    }
    var lines = [title.wrapped(to: width).first ?? ""]
    for (place, row) in cells.enumerated() {
      var line = (labels[place] ?? "").paddedLeft(to: labelWidth)
      line += (labels[place] == nil ? " │" : " ┤") + String(row)
      while line.last == " " { line.removeLast() }
      lines.append(line)
    }
    let margin = String(repeating: " ", count: labelWidth + 1)
    lines.append(margin + "└" + String(repeating: "─", count: columns))
    let (begin, end) = (
      HumanReadable.quantity(first), "\(horizontal.title) \(HumanReadable.quantity(last))"
    )
    let gap = columns - begin.columns - end.columns
    lines.append(
      margin + " "
        + (last > first && gap > 0
          ? begin + String(repeating: " ", count: gap) + end
          : String(end.prefix(columns: columns))))
    return lines
  }
}
