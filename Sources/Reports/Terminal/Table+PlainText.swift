extension Table {
  /// The table as aligned columns of text, two spaces apart, under headings and a rule.
  ///
  /// - Parameter width: the terminal's columns; the widest left-aligned column is shortened
  ///   to fit. `nil` cuts nothing.
  package func plainText(width: Int? = nil) -> String {
    let lines = [columns.map(\.title)] + rows + (footer.isEmpty ? [] : [footer])
    var widths = columns.indices.map { column in
      lines.map { column < $0.count ? printable($0[column]).count : 0 }.max() ?? 0
    }
    if let width { shrink(&widths, to: width) }
    let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
    var result = [text(of: columns.map(\.title), widths), rule]
    result += rows.map { text(of: $0, widths) }
    if !footer.isEmpty { result += [rule, text(of: footer, widths)] }
    return (caption.isEmpty ? "" : caption + "\n") + result.map { $0 + "\n" }.joined()
  }

  private func text(of cells: [String], _ widths: [Int]) -> String {
    var line = ""
    for (index, cell) in cells.enumerated() {
      let cell = shortened(printable(cell), to: widths[index])
      if index > 0 { line += "  " }
      line +=
        columns[index].alignment == .right
        ? cell.paddedLeft(to: widths[index]) : cell.paddedRight(to: widths[index])
    }
    while line.last == " " { line.removeLast() }
    return line
  }

  /// What a file name may contain must neither break the line nor command the terminal.
  private func printable(_ cell: String) -> String {
    String(
      String.UnicodeScalarView(
        cell.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
  }

  private func shrink(_ widths: inout [Int], to width: Int) {
    let excess = widths.reduce(0, +) + 2 * (columns.count - 1) - width
    guard excess > 0,
      let widest = columns.indices.filter({ columns[$0].alignment == .left })
        .max(by: { widths[$0] < widths[$1] })
    else { return }
    // Less than eight columns say nothing: then the line runs over instead.
    widths[widest] = max(min(8, widths[widest]), widths[widest] - excess)
  }
}

extension String {
  func paddedLeft(to width: Int) -> String {
    String(repeating: " ", count: Swift.max(0, width - count)) + self
  }

  func paddedRight(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - count))
  }
}
