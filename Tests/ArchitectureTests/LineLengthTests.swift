import Foundation
import Testing

@Suite("Lines") struct LineLengthTests {
  /// The lines of a source that are longer than `CONTRIBUTING.md` allows.
  private func tooLong(_ source: House.Source) -> [String] {
    let isSwift = source.path.hasSuffix(".swift")
    return source.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
      .filter { _, line in
        if isSwift, isPartOfString(line) { return false }
        let isCode = isSwift && !line.drop { $0 == " " }.hasPrefix("//")
        return line.count > (isCode ? 100 : 130)
      }.map { index, _ in "\(source.path):\(index + 1)" }
  }

  /// A string, which is not broken, or a line of one with a value in it.
  private func isPartOfString(_ line: Substring) -> Bool {
    let text = line.drop { $0 == " " }
    return !text.hasPrefix("//") && (text.contains("\"") || text.contains("\\("))
  }

  @Test("lines keep to the columns that the page of rules states")
  func columns() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let sources = try House(repository: root.path).sources
    #expect(sources.count > 300)
    for place in sources.flatMap(tooLong) { Issue.record("\(place): too long a line") }
  }

  /// The lines of what a command says of itself that `--help` breaks: it prints 80 columns.
  private func broken(_ source: House.Source) -> [String] {
    var faults: [String] = []
    var isInside = false
    var wasJoined = false
    for (index, line) in source.text.split(separator: "\n", omittingEmptySubsequences: false)
      .enumerated()
    {
      guard isInside else {
        isInside = line.hasSuffix("discussion: \"\"\"")
        continue
      }
      if line.drop(while: { $0 == " " }).hasPrefix("\"\"\"") { isInside = false }
      let isJoined = line.hasSuffix(" \\")
      // As written in these sources: six spaces before, and two backslashes for one.
      let printed = line.dropFirst(6).replacing("\\\\", with: "\\")
      if !isJoined, !wasJoined, !line.contains("\\("), printed.count > 80 {
        faults.append("\(source.path):\(index + 1)")
      }
      wasJoined = isJoined
    }
    return faults
  }

  @Test("what a command says of itself is printed as it is written, in 80 columns")
  func discussions() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let sources = try House(repository: root.path).sources.filter {
      $0.path.hasPrefix("Sources/convnet/")
    }
    #expect(sources.count { $0.text.contains("discussion: \"\"\"") } > 20)
    for place in sources.flatMap(broken) { Issue.record("\(place): --help breaks the line") }
    let (head, line) = ("    discussion: \"\"\"\n", String(repeating: "a", count: 81))
    for (text, count) in [
      ("\(head)      \(line)\n", 1), ("\(head)      \(line.dropFirst())\n", 0),
      ("\(head)      \(line) \\\n      b\n", 0), ("\(head)      \"\"\"\n      \(line)\n", 0),
      ("      \(line)\n", 0),
    ] {
      #expect(broken(House.Source(path: "a.swift", text: text)).count == count, "\(text)")
    }
  }

  @Test(
    "comments and C have more columns than code; a string may be longer, a comment that quotes not")
  func lengths() {
    let (code, comment) = (String(repeating: "a", count: 101), String(repeating: "a", count: 128))
    for (path, line, isTooLong) in [
      ("a.swift", code, true), ("a.swift", String(code.dropLast()), false),
      ("a.swift", "// " + comment.dropLast(), false), ("a.swift", "// " + comment, true),
      ("a.swift", "\"\(comment)\(comment)\"", false), ("a.swift", "// \"\(comment)\"", true),
      ("a.c", code, false), ("a.c", comment + "; a", true),
    ] {
      let found = tooLong(House.Source(path: path, text: "first\n\(line)\n"))
      #expect(found == (isTooLong ? ["\(path):2"] : []), "\(path): \(line)")
    }
  }
}
