import ConvNetFiles
import Testing

@Suite("Text, token by token") struct TextScannerTests {
  private static func scanner(_ text: String) -> TextScanner { TextScanner([UInt8](text.utf8)) }

  @Test("Tokens are found behind space, and what should have stood there is told with its byte")
  func tokens() throws {
    var scanner = Self.scanner(" \t\r\n{ 12x")
    try scanner.require("{")
    #expect(scanner.position == 5)
    let isClosed = scanner.skip("}")
    #expect(!isClosed)
    let digits = scanner.digits()
    #expect(Array(digits) == [UInt8]("12".utf8))
    let more = scanner.digits()
    #expect(more.isEmpty)
    #expect(throws: TextScanner.Failure(position: 8, expected: "'}'")) { try scanner.require("}") }
    #expect(throws: TextScanner.Failure(position: 8, expected: "the end")) {
      try scanner.requireEnd("the end")
    }
    try scanner.require("x")
    try scanner.requireEnd("the end")
  }

  @Test(
    "A string of JSON is read with its escapes, and written so that it is read again",
    arguments: [
      (#""""#, ""), (#""a b""#, "a b"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
      (#""\u0041\u00e9\uD83D\uDE00""#, "Aé😀"), (#""é😀""#, "é😀"),
    ])
  func strings(json: String, text: String) throws {
    var scanner = Self.scanner(json)
    #expect(try scanner.string() == text)
    var written = Self.scanner(text.jsonLiteral)
    #expect(try written.string() == text)
  }

  @Test(
    "A string that JSON does not allow is refused at its byte",
    arguments: [
      ("a", 0), (#""a"#, 2), (#""\x""#, 3), (#""\u12G4""#, 5), (#""\uD800""#, 7),
      (#""\uD800\u0041""#, 13), (#""\uDC00""#, 7), ("\"\n\"", 1), (#""\"#, 2),
    ])
  func refusedStrings(json: String, position: Int) {
    var scanner = Self.scanner(json)
    let failure = #expect(throws: TextScanner.Failure.self) { try scanner.string() }
    #expect(failure?.position == position)
  }

  @Test("A string that is no UTF-8 is refused")
  func encoding() {
    var scanner = TextScanner([0x22, 0xFF, 0x22])
    #expect(throws: TextScanner.Failure.self) { try scanner.string() }
  }

  @Test(
    "Integers from 0 to 2^63 - 1 are read, and no other numbers",
    arguments: [
      ("[]", []), ("[ 0 , 9223372036854775807 ]", [0, .max]), ("[01]", nil), ("[-1]", nil),
      ("[9223372036854775808]", nil), ("[1.5]", nil), ("[1,]", nil), ("[1", nil), ("[1e3]", nil),
    ] as [(String, [Int]?)])
  func integers(json: String, values: [Int]?) {
    var scanner = Self.scanner(json)
    #expect((try? scanner.integers()) == values)
  }

  @Test("The members of an object come in their order, each value read by the caller")
  func object() throws {
    var scanner = Self.scanner(#"{"a": [1], "b" :[2,3]}"#)
    var members: [String] = []
    try scanner.object { scanner, key throws(TextScanner.Failure) in
      members.append("\(key) \(try scanner.integers())")
    }
    #expect(members == ["a [1]", "b [2, 3]"])
  }
}
