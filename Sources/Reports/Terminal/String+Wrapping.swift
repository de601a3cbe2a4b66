extension String {
  /// Lines of at most `width` columns, broken between words, and within one that is wider than a line.
  ///
  /// - Parameters:
  ///   - width: `nil` for one line, however long.
  ///   - indent: spaces before every line but the first.
  package func wrapped(to width: Int?, indent: Int = 0) -> [String] {
    guard let width, count > width else { return [self] }
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
      if line.count + spaces.count + word.count <= width {
        line += spaces + word
        isEmpty = false
        continue
      }
      // Where a line breaks, spaces are not needed.
      if !isEmpty {
        lines.append(line)
        line = indent
      }
      while line.count + word.count > width {
        let room = Swift.max(1, width - line.count)
        lines.append(line + word.prefix(room))
        word = word.dropFirst(room)
        line = indent
      }
      line += word
      isEmpty = false
    }
    return isEmpty ? lines : lines + [line]
  }

  func paddedLeft(to width: Int) -> String {
    String(repeating: " ", count: Swift.max(0, width - count)) + self
  }

  func paddedRight(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - count))
  }
}
