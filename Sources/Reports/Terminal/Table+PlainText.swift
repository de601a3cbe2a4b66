extension Table {
  /// The table as aligned columns of text, two spaces apart, under headings and a rule.
  ///
  /// - Parameter width: the terminal's columns, which no line exceeds. What can be done without is left out first, and named
  ///   below; then words are broken into lines of their column. `nil` leaves out and breaks nothing.
  package func plainText(width: Int? = nil) -> String {
    let lines = [columns.map(\.title)] + rows + (footer.isEmpty ? [] : [footer])
    let natural = columns.indices.map { column in
      lines.map { column < $0.count ? printable($0[column]).columns : 0 }.max() ?? 0
    }
    let shown = width.map { chosen(natural, for: $0) } ?? Array(columns.indices)
    var widths = natural
    if let width { shrink(&widths, shown, to: width) }
    let rule = [shown.map { String(repeating: "─", count: widths[$0]) }.joined(separator: "  ")]
    var result = text(of: columns.map(\.title), shown, widths) + rule
    for row in rows { result += text(of: row, shown, widths) }
    if !footer.isEmpty { result += rule + text(of: footer, shown, widths) }
    let missing = columns.indices.filter { !shown.contains($0) }.map { columns[$0].title }
    if !missing.isEmpty {
      result += "a wider terminal shows \(missing.joined(separator: ", "))".wrapped(to: width)
    }
    if let width { result = result.map { fitted($0, to: width) } }
    return (caption.isEmpty ? [] : caption.wrapped(to: width)).map { $0 + "\n" }.joined()
      + result.map { $0 + "\n" }.joined()
  }

  /// The columns that are shown: those that must be, and of the others the important ones first, as far as there is room.
  private func chosen(_ natural: [Int], for width: Int) -> [Int] {
    var shown: [Int] = []
    for level in Set(columns.map(\.dispensability)).sorted() {
      for column in columns.indices where columns[column].dispensability == level {
        let wider = shown + [column]
        let needed = wider.map { columns[column].isExtra ? natural[$0] : least($0, natural) }
        if level == 0 || total(needed) <= width { shown = wider }
      }
    }
    return shown.sorted()
  }

  private func total(_ widths: [Int]) -> Int { widths.reduce(0, +) + 2 * (widths.count - 1) }

  private func least(_ column: Int, _ natural: [Int]) -> Int {
    columns[column].alignment == .right
      ? natural[column] : min(columns[column].leastWidth, natural[column])
  }

  /// Takes from the widest words first.
  private func shrink(_ widths: inout [Int], _ shown: [Int], to width: Int) {
    var excess = total(shown.map { widths[$0] }) - width
    while excess > 0 {
      let room = shown.filter { widths[$0] > least($0, widths) }
      guard let widest = room.max(by: { widths[$0] < widths[$1] }) else { return }
      widths[widest] -= 1
      excess -= 1
    }
  }

  /// The lines of a row.
  private func text(of cells: [String], _ shown: [Int], _ widths: [Int]) -> [String] {
    let parts = shown.map { column in
      column < cells.count ? printable(cells[column]).wrapped(to: widths[column]) : []
    }
    return (0..<max(1, parts.map(\.count).max() ?? 1)).map { line in
      let cells = zip(shown, parts).map { column, part in
        let cell = line < part.count ? part[line] : ""
        return columns[column].alignment == .right
          ? cell.paddedLeft(to: widths[column]) : cell.paddedRight(to: widths[column])
      }
      var text = cells.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return text
    }
  }

  private func fitted(_ line: String, to width: Int) -> String {
    line.columns <= width ? line : line.prefix(columns: max(0, width - 1)) + "…"
  }

  /// What a file name may contain must neither break the line nor command the terminal.
  private func printable(_ cell: String) -> String {
    String(
      String.UnicodeScalarView(
        cell.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
  }
}
