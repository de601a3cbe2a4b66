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

  @Test("Words of the widest columns go on in a line below where a terminal is narrow")
  func broken() {
    let lines = Self.table.plainText(width: 40).split(separator: "\n")
    #expect(lines.map(\.count).max() == 40)
    #expect(lines[3] == "a long name of   10                61706")
    #expect(lines[4] == "a layer")
  }

  static let wide = Table(
    [
      .init("name", leastWidth: 12), .init("year", .right, dispensability: 1),
      .init("exact", .right, dispensability: 3, isExtra: true), .init("count", .right),
      .init("paper", dispensability: 2, leastWidth: 10),
    ],
    rows: [["network-one", "1998", "61706", "61.7 k", "A paper with a title"]])

  @Test(
    "The columns that matter are shown, and the others are named",
    arguments: [
      (nil, ["name", "year", "exact", "count", "paper"]),
      (54, ["name", "year", "exact", "count", "paper"]),
      // Not the exact number, for which the title would have to be broken.
      (53, ["name", "year", "count", "paper"]), (37, ["name", "year", "count", "paper"]),
      (36, ["name", "year", "exact", "count"]), (32, ["name", "year", "exact", "count"]),
      (31, ["name", "year", "count"]), (24, ["name", "count"]), (19, ["name", "count"]),
    ] as [(Int?, [String])])
  func chosen(width: Int?, shown: [String]) {
    let lines = Self.wide.plainText(width: width).split(separator: "\n")
    #expect(lines[0].split(separator: " ").map(String.init) == shown)
    let missing = Self.wide.columns.map(\.title).filter { !shown.contains($0) }
    let note = "a wider terminal shows \(missing.joined(separator: ", "))"
    #expect(lines.joined(separator: " ").hasSuffix(note) == !missing.isEmpty)
  }

  @Test("No line exceeds the width of a terminal", arguments: 1...80)
  func widths(width: Int) {
    for table in [Self.table, Self.wide] {
      let lines = table.plainText(width: width).split(separator: "\n")
      #expect(lines.allSatisfy { $0.count <= width })
    }
  }

  @Test("Control characters cannot break a line or command the terminal")
  func control() {
    let table = Table([.init("file")], rows: [["a\nb\u{1B}[31m"]])
    #expect(table.plainText() == "file\n────────\na\u{FFFD}b\u{FFFD}[31m\n")
  }
}
