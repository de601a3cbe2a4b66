import ConvNetServing
import ConvNetTestSupport
import Testing

@Suite("Bodies of several parts") struct MultipartBodyTests {
  private static let type = "multipart/form-data; boundary=\"x-1\""

  private func parts(_ text: String, type: String = type, limit: Int = 9) throws -> [String] {
    try parts([UInt8](text.utf8), type: type, limit: limit)
  }

  private func parts(
    _ body: [UInt8], type: String = type, limit: Int = 9
  ) throws -> [String] {
    return try MultipartBody(body, contentType: type, limit: limit).parts.map { part in
      "\(part.name ?? "-")|\(part.fileName ?? "-")|"
        + String(decoding: body[part.range], as: UTF8.self)
    }
  }

  private static let two =
    "--x-1\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b;\\\"c.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n1\r\n--x\r\n2\r\n--x-1\r\ncontent-disposition: form-data; name=d\r\n\r\n\r\n--x-1--\r\n"

  @Test("names, file names and contents of each part are found")
  func whole() throws {
    #expect(try parts(Self.two) == ["a|b;\"c.jpg|1\r\n--x\r\n2", "d|-|"])
    #expect(try parts("words\r\n" + Self.two + "more") == parts(Self.two))
    #expect(try parts("--x-1--") == [])
    #expect(
      try parts("--x-1\r\nA: b\r\n\r\nc\r\n--x-1--", type: "Multipart/Mixed;Boundary=x-1 ; a=b")
        == ["-|-|c"])
  }

  @Test("a body that was cut off anywhere is refused, and never read beyond its end")
  func halves() {
    let end = Self.two.utf8.count - 4
    for length in 0..<end {
      #expect(throws: MultipartBody.Failure.self, "\(length) bytes") {
        try parts(Array(Self.two.utf8.prefix(length)))
      }
    }
  }

  @Test("what is no multipart body says why")
  func refusals() throws {
    for (type, text, expected) in [
      ("multipart/form-data", Self.two, MultipartBody.Failure.noBoundary),
      ("multipart/form-data; boundary=\"\"", Self.two, .noBoundary),
      ("multipart/form-data; boundary=\(String(repeating: "b", count: 71))", Self.two, .noBoundary),
      (Self.type, "abc", .unfinished(byteCount: 3)),
      (Self.type, "--x-1\r\nabc\r\n--x-1--", .noHeader(byte: 5)),
    ] {
      #expect(throws: expected) { try parts(text, type: type) }
    }
    #expect(throws: MultipartBody.Failure.tooMany(limit: 1)) { try parts(Self.two, limit: 1) }
  }
}
