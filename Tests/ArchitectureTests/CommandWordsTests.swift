import Foundation
import Testing

@Suite("The library knows nothing of the command") struct CommandWordsTests {
  /// The command's options, as the page lists them, with their dashes.
  private static func options(on page: String) -> Set<String> {
    Set(
      page.matches(of: /`[^`\n]+`/).flatMap { $0.0.matches(of: /--[a-z][a-z-]*/).map { "\($0.0)" } }
    )
  }

  /// The lines with a string in it that names an option, or calls the command.
  private static func faults(in source: House.Source, options: Set<String>) -> [String] {
    source.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
      .filter { _, line in
        guard !line.drop(while: { $0 == " " }).hasPrefix("//") else { return false }
        return line.matches(of: /--[a-z][a-z_-]*/).contains { options.contains("\($0.0)") }
          || line.contains(/["`]convnet [a-z]/)
      }.map { index, _ in "\(source.path):\(index + 1)" }
  }

  @Test("no text of the library names an option of the command, or tells to call it")
  func library() throws {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOfFile: "\(root.path)/docs/reference.md", encoding: .utf8)
    let options = Self.options(on: page)
    #expect(options.count > 40 && options.isSuperset(of: ["--split", "--data-root", "--as-named"]))
    let sources = try House(repository: root.path).sources.filter {
      $0.path.hasPrefix("Sources/") && !$0.path.hasPrefix("Sources/convnet/")
    }
    #expect(sources.count > 300)
    for place in sources.flatMap({ Self.faults(in: $0, options: options) }) {
      Issue.record("\(place): names what the command has; `remedy(for:)` is the place for it")
    }
  }

  @Test(
    "what names an option is found in strings of one line and of several, and not in comments",
    arguments: [
      (#"let a = "leave out --split""#, 1), ("    leave out --split, or not", 1),
      ("/// As `--split` says", 0), (#"let a = "var(--splitter)""#, 0),
      ("for (;; --split_count)", 0),
      (#"let a = "`convnet models` lists them""#, 1), (#"let a = "convnet.model""#, 0),
    ])
  func kinds(line: String, count: Int) {
    let source = House.Source(path: "a.swift", text: "first\n\(line)\n")
    let options = Self.options(on: "| which | `--split`, `--input HxW` | --other")
    #expect(options == ["--split", "--input"])
    let found = Self.faults(in: source, options: options)
    #expect(found == [String](repeating: "a.swift:2", count: count))
  }
}
