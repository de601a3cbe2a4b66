import ConvNetImages
import Testing

@Suite("PBM, PGM and PPM")
struct NetpbmTests {
  private static func decode(_ text: String, _ raster: [UInt8] = []) throws -> Image {
    try Image(decoding: ([UInt8](text.utf8) + raster).span.bytes)
  }

  @Test(
    "Text of every kind, with comments and any white space",
    arguments: [
      ("P1\n3 2\n0 1 0\n1 0 1\n", 1, [255, 0, 255, 0, 255, 0]),
      ("P1 # bits may touch\n3 2 010101", 1, [255, 0, 255, 0, 255, 0]),
      ("P2\n# made by hand\n3 1\n# up to\n255\n0 7\t255\r\n", 1, [0, 7, 255]),
      ("P2 2 1 4 1 3", 1, [64, 191]),
      ("P3\n1 2\n1000\n0 500 1000\n1 2 3\n", 3, [0, 128, 255, 0, 1, 1]),
    ] as [(String, Int, [UInt8])])
  func text(contents: String, channels: Int, pixels: [UInt8]) throws {
    let image = try Self.decode(contents)
    #expect(image.channels == channels)
    #expect(image.pixels == pixels)
  }

  @Test("Bytes of every kind, of one and two bytes a value")
  func bytes() throws {
    // Ten columns take two bytes a row.
    let bits = try Self.decode("P4\n10 2\n", [0b1010_0000, 0b0100_0000, 0xFF, 0xFF])
    #expect(
      bits.pixels == [0, 255, 0] + [UInt8](repeating: 255, count: 6) + [0]
        + .init(repeating: 0, count: 10))
    #expect(try Self.decode("P5 3 1 255\n", [0, 10, 255]).pixels == [0, 10, 255])
    #expect(try Self.decode("P5 3 1 31\n", [0, 15, 31]).pixels == [0, 123, 255])
    #expect(try Self.decode("P5 2 1 4095\n", [0x08, 0x00, 0x0F, 0xFF]).pixels == [128, 255])
    // A value may look like a comment.
    let hash = UInt8(ascii: "#")
    let color = try Self.decode("P6\n1 2\n255\n", [1, 2, 3, hash, 10, hash])
    #expect(color == Image(height: 2, width: 1, channels: 3, pixels: [1, 2, 3, hash, 10, hash]))
    #expect(
      try Self.decode("P6 1 1 65535\n", [0xFF, 0xFF, 0x80, 0x00, 0, 0]).pixels == [255, 128, 0])
  }

  @Test(
    "Damage is refused with its reason",
    arguments: [
      ("P5\n3", "the file is truncated"),
      ("P5\n3 2 255\n", "the file is too short for its dimensions"),
      ("P5\n3 x 255\n", "no number at byte 5"),
      ("P5\n0 2 255\n", "0 x 2 pixels with values up to 255"),
      ("P5\n2 2 70000\n", "2 x 2 pixels with values up to 70000"),
      ("P5\n12345678901 2 255\n", "a number of ten digits or more"),
      ("P6\n999999999 999999999 65535\n", "the file is too short for its dimensions"),
      ("P3\n999999999 999999999 65535\n", "the file is too short for its dimensions"),
      ("P2\n2 1 9\n3 10\n", "the value 10 is above the maximum 9"),
      ("P2\n2 1 9\n3 -1\n", "no number at byte 11"),
      ("P2\n2 1 9\n3    \n", "the file is truncated"),
      ("P1\n2 1\n0 2\n", "neither 0 nor 1 at byte 9"),
    ])
  func damage(contents: String, reason: String) {
    let error = #expect(throws: ImageError.self) { try Self.decode(contents) }
    #expect(error?.problem == .corrupt(reason: reason))
  }

  @Test("The limit holds before memory is asked for")
  func limit() {
    let bytes = [UInt8]("P5 3 2 255\n".utf8) + [0, 1, 2, 3, 4, 5]
    let error = #expect(throws: ImageError.self) {
      try Image(decoding: bytes.span.bytes, options: .init(pixelLimit: 5))
    }
    #expect(error?.problem == .tooLarge(width: 3, height: 2, pixelLimit: 5))
    #expect(throws: Never.self) {
      try Image(decoding: bytes.span.bytes, options: .init(pixelLimit: 6))
    }
  }
}
