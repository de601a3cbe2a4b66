import ConvNetReports
import Testing

@Suite("Tables of text")
struct TableTests {
  static let table = Table(
    [.init("layer"), .init("output"), .init("parameters", .right)],
    rows: [
      ["conv1", "28 x 28 x 6", "156"], ["a long name of a layer", "10", "61706"], ["flatten"],
    ],
    footer: ["total", "", "61862"])

  @Test("Words are aligned left, numbers right, under headings and a rule")
  func aligned() {
    #expect(
      Self.table.plainText() == """
        layer                   output       parameters
        ──────────────────────  ───────────  ──────────
        conv1                   28 x 28 x 6         156
        a long name of a layer  10                61706
        flatten
        ──────────────────────  ───────────  ──────────
        total                                     61862

        """)
  }

  @Test("The widest column of words is shortened to a terminal's width")
  func shortened() {
    let lines = Self.table.plainText(width: 40).split(separator: "\n")
    #expect(lines.map(\.count).max() == 40)
    #expect(lines[3] == "a long name of…  10                61706")
  }

  @Test("Control characters cannot break a line or command the terminal")
  func control() {
    let table = Table([.init("file")], rows: [["a\nb\u{1B}[31m"]])
    #expect(table.plainText() == "file\n────────\na\u{FFFD}b\u{FFFD}[31m\n")
  }
}
