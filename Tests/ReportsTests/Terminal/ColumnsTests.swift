import ConvNetReports
import Testing

@Suite("Columns of text") struct ColumnsTests {
  /// By Unicode Standard Annex #11, as `unicodedata.east_asian_width` of Python tells it, a character of several scalars once.
  static let widths: [(text: String, columns: Int)] = [
    ("", 0), ("cat", 3), ("é", 1), ("e\u{301}", 1), ("猫", 2), ("ねこ", 4), ("고양이", 6), ("ｃａｔ", 6),
    ("ｶﾅ", 2),
    ("a猫b", 4), ("🐈", 2), ("👩\u{200D}🔬", 2), ("🇯🇵", 2), ("、。", 4), ("…", 1), ("━", 1), ("кот", 3),
    ("\u{200B}", 0), ("𠮷", 2), ("\u{1112}\u{1161}\u{11AB}", 2), ("〈〉", 4), ("①", 1), ("🈁", 2),
    ("½", 1),
  ]

  @Test("a text takes as many columns as a terminal draws", arguments: widths)
  func columns(_ example: (text: String, columns: Int)) {
    #expect(example.text.columns == example.columns)
  }

  @Test("a beginning of so many columns cuts no character in two")
  func beginning() {
    #expect("猫a犬".prefix(columns: 0) == "" && "猫a犬".prefix(columns: 1) == "")
    #expect("猫a犬".prefix(columns: 4) == "猫a" && "猫a犬".prefix(columns: 5) == "猫a犬")
  }

  @Test("columns of a table stand under each other whatever the letters, and no line is too wide")
  func table() {
    let table = Table(
      [.init("class"), .init("pictures", .right)],
      rows: [["猫", "12"], ["三毛猫と犬", "7"], ["cat", "100"]])
    #expect(
      table.plainText() == """
        class       pictures
        ──────────  ────────
        猫                12
        三毛猫と犬         7
        cat              100

        """)
    for width in 12...20 {
      for line in table.plainText(width: width).split(separator: "\n") {
        #expect(line.columns <= width, "\(line)")
      }
    }
  }

  @Test("lines are broken by columns, and a character wider than a line stands alone")
  func wrapping() {
    #expect("猫と犬 と鳥".wrapped(to: 6) == ["猫と犬", "と鳥"])
    #expect("三毛猫".wrapped(to: 5) == ["三毛", "猫"])
    #expect("三毛".wrapped(to: 1) == ["三", "毛"])
  }

  @Test("a bar with a wide label keeps to the terminal")
  func bar() {
    var bar = ProgressBar("三毛猫の学習", unit: "枚", total: 10)
    bar.completed = 5
    bar.elapsed = 2
    for width in 1...60 { #expect(bar.line(width: width).columns <= width) }
  }
}
