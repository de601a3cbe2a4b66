extension String {
  /// Lines of at most `width` columns, broken between words, and within one that is wider than a line.
  ///
  /// - Parameters:
  ///   - width: `nil` for one line, however long.
  ///   - indent: spaces before every line but the first.
  package func wrapped(to width: Int?, indent: Int = 0) -> [String] {
    guard let width, columns > width else { return [self] }
    let indent = String(repeating: " ", count: Swift.min(indent, Swift.max(0, width - 8)))
    var lines: [String] = []
    var line = ""
    var isEmpty = true
    var rest = self[...]
    while !rest.isEmpty {
      let spaces = rest.prefix { $0 == " " }
      rest = rest.dropFirst(spaces.count)
      var word = rest.prefix { $0 != " " }
      rest = rest.dropFirst(word.count)
      if word.isEmpty { break }
      if line.columns + spaces.count + word.columns <= width {
        line += spaces + word
        isEmpty = false
        continue
      }
      // Where a line breaks, spaces are not needed.
      if !isEmpty {
        lines.append(line)
        line = indent
      }
      while line.columns + word.columns > width {
        // At least one character, even where it is wider than the line.
        let fitting = word.prefix(columns: width - line.columns)
        let part = fitting.isEmpty ? word.prefix(1) : fitting
        lines.append(line + part)
        word = word.dropFirst(part.count)
        line = indent
      }
      line += word
      // Nothing is left of a word whose last character was too wide.
      isEmpty = word.isEmpty
    }
    return isEmpty ? lines : lines + [line]
  }

  func paddedLeft(to width: Int) -> String {
    String(repeating: " ", count: Swift.max(0, width - columns)) + self
  }

  func paddedRight(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - columns))
  }
}
