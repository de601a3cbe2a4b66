import ConvNetReports
import Testing

@Suite("Text of a width")
struct WrappingTests {
  private static let text = "Note: a sentence of words, and averyveryverylongword in it"

  @Test("Lines break between words, and within one that is longer than a line")
  func breaks() {
    #expect(
      Self.text.wrapped(to: 20, indent: 2) == [
        "Note: a sentence of", "  words, and", "  averyveryverylongw", "  ord in it",
      ])
    #expect("  indented text".wrapped(to: 10, indent: 4) == ["  indented", "  text"])
    // Columns stay where they are as far as a line goes.
    #expect("name   kind   a, b".wrapped(to: 14, indent: 2) == ["name   kind", "  a, b"])
  }

  @Test("No line exceeds the width, and no word is lost", arguments: 1...60)
  func widths(width: Int) {
    let lines = Self.text.wrapped(to: width, indent: 4)
    #expect(lines.allSatisfy { $0.count <= width })
    #expect(lines.joined().filter { $0 != " " } == Self.text.filter { $0 != " " })
  }

  @Test("Without a width there is one line")
  func endless() {
    #expect(Self.text.wrapped(to: nil) == [Self.text])
    #expect("".wrapped(to: 10) == [""])
  }
}
