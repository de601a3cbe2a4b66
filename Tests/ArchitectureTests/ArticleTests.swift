import Foundation
import Testing

@Suite("What the articles show is compiled") struct ArticleTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  private static func files(in folder: String, ending: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)")
      .filter { $0.hasSuffix(ending) }.sorted()
  }

  private static func text(_ path: String) throws -> String {
    try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
  }

  @Test("every block of an article stands in the file of its name")
  func articles() throws {
    let folder = "Sources/ConvNet/ConvNet.docc"
    let pages = try Self.files(in: folder, ending: ".md")
    #expect(pages.count > 6)
    for page in pages where page != "ConvNet.md" {
      let blocks = CodeBlocks(in: try Self.text("\(folder)/\(page)"))
      #expect(blocks.swift.count > 1, "\(page)")
      // Of what is no Swift, a reader wants to know what it is; indented code says nothing of it.
      #expect(blocks.others.allSatisfy { $0.language == "console" }, "\(page)")
      let source = try Self.text(
        "Examples/Articles/\(page.replacingOccurrences(of: ".md", with: ".swift"))")
      for block in blocks.swift {
        #expect(CodeBlocks.contains(block, in: source), "\(page): \(block.joined(separator: "\n"))")
      }
    }
  }

  @Test("the list of articles names each, and every article has a program's name")
  func list() throws {
    let front = try Self.text("Sources/ConvNet/ConvNet.docc/ConvNet.md")
    let program = try Self.text("Examples/Articles/Articles.swift")
    for page in try Self.files(in: "Sources/ConvNet/ConvNet.docc", ending: ".md")
    where page != "ConvNet.md" {
      let name = String(page.dropLast(3))
      #expect(front.contains("- <doc:\(name)>"), "\(name)")
      #expect(program.contains("\(name).run()"), "\(name)")
    }
  }

  @Test("the first program of the README is the example, paragraph by paragraph")
  func firstProgram() throws {
    let section = try #require(
      Self.text("README.md").components(separatedBy: "## A first program").dropFirst().first)
    let block = try #require(CodeBlocks(in: section).swift.first)
    let source = try Self.text("Examples/TrainAndClassify/TrainAndClassify.swift")
    let code = block.filter { $0 != "import ConvNet" && !$0.hasPrefix("//") }
    let paragraphs = code.split(separator: "", omittingEmptySubsequences: true)
    #expect(paragraphs.count > 3)
    for paragraph in paragraphs {
      #expect(
        CodeBlocks.contains(Array(paragraph), in: source), "\(paragraph.joined(separator: "\n"))")
    }
  }

  @Test(
    "a block is found where it stands whole, however deep, and nowhere else",
    arguments: [
      ("a\nb", true), ("  a\n  b", true), ("x\n    a\n    b\ny", true), ("a\n\nb", false),
      ("  a\n b", false), ("ab", false), ("a", false), ("a b", false), ("b\na", false),
    ])
  func places(_ source: String, _ isThere: Bool) {
    #expect(CodeBlocks.contains(["a", "b"], in: source) == isThere)
  }

  @Test("blocks are read with their language, and with what they are indented by inside")
  func reading() {
    let blocks = CodeBlocks(
      in: "t\n```swift\na\n  b\n\nc\n```\n```console\n$ d\n```\n```\ne\n```\n")
    #expect(blocks.swift == [["a", "  b", "", "c"]])
    #expect(blocks.others.map(\.language) == ["console", ""])
    let source = "{\n  a\n    b\n\n  c\n}"
    #expect(CodeBlocks.contains(blocks.swift[0], in: source))
    #expect(!CodeBlocks.contains(blocks.swift[0], in: "{\n  a\n  b\n\n  c\n}"))
  }
}

/// The code of a page of Markdown, between fences.
private struct CodeBlocks {
  /// Lines of each block of Swift.
  private(set) var swift: [[String]] = []
  private(set) var others: [(language: String, lines: [String])] = []

  init(in page: String) {
    var open: (language: String, lines: [String])?
    for line in page.components(separatedBy: "\n") {
      guard line.hasPrefix("```") else {
        open?.lines.append(line)
        continue
      }
      if let block = open {
        if block.language == "swift" { swift.append(block.lines) } else { others.append(block) }
        open = nil
      } else {
        open = (String(line.dropFirst(3)), [])
      }
    }
  }

  /// Whether lines stand one below the other in a source, all deeper by the same spaces.
  static func contains(_ block: [String], in source: String) -> Bool {
    let lines = source.components(separatedBy: "\n")
    guard let first = block.first, lines.count >= block.count else { return false }
    return (0...lines.count - block.count).contains { start in
      guard lines[start].hasSuffix(first) else { return false }
      let indent = lines[start].dropLast(first.count)
      guard indent.allSatisfy({ $0 == " " }) else { return false }
      return zip(block, lines[start...]).allSatisfy { own, line in
        own.isEmpty ? line.isEmpty : line == indent + own
      }
    }
  }
}
