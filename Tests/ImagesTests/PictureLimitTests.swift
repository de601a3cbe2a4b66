import CTestSupport
import ConvNetImages
import ConvNetTestSupport
import Testing

/// Small files that ask for much memory or time.
@Suite("Limits of pictures")
struct PictureLimitTests {
  private static let tooShort = ImageError.Problem.corrupt(
    reason: "the file is too short for its dimensions")

  private static func problem(_ bytes: [UInt8]) -> ImageError.Problem? {
    #expect(throws: ImageError.self) { try Image(decoding: bytes.span.bytes) }?.problem
  }

  private static func decode(_ bytes: [UInt8]) throws -> Image {
    try Image(decoding: bytes.span.bytes)
  }

  private static func bigEndian(_ value: Int, count: Int = 4) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
  }

  // MARK: PNG

  private static func chunk(_ kind: String, _ data: [UInt8]) -> [UInt8] {
    let body = [UInt8](kind.utf8) + data
    return bigEndian(data.count) + body + bigEndian(Int(crc32(body)))
  }

  /// A picture of one pixel that says it has others.
  private static func png(
    width: Int, height: Int, depth: UInt8 = 8, color: UInt8 = 0, isInterlaced: Bool = false
  ) throws -> [UInt8] {
    let small = try Image(height: 1, width: 1, color: .white).encodedPNG()
    let header =
      bigEndian(width) + bigEndian(height) + [depth, color, 0, 0, isInterlaced ? 1 : 0]
    return Array(small[..<8]) + chunk("IHDR", header) + Array(small[33...])
  }

  @Test(
    "A PNG file is refused where deflate cannot make its pixels of so few bytes",
    arguments: [
      (1, 1 << 28), (1 << 28, 1), (8, 1 << 25), (1 << 14, 1 << 14), (1, 200_000),
    ])
  func claims(width: Int, height: Int) throws {
    for (depth, color) in [(1, 0), (8, 0), (8, 3), (16, 6)] as [(UInt8, UInt8)] {
      for isInterlaced in [false, true] {
        let bytes = try Self.png(
          width: width, height: height, depth: depth, color: color, isInterlaced: isInterlaced)
        ct_start_counting()
        let problem = Self.problem(bytes)
        let counts = ct_stop_counting()
        #expect(counts.largest_bytes < 1 << 20)
        // Where there is no palette the library is the first to refuse.
        #expect(color == 3 || problem == Self.tooShort, "depth \(depth), color \(color)")
      }
    }
  }

  @Test("A tall picture that is whole is decoded", arguments: [1, 3])
  func tall(channels: Int) throws {
    let pixels = (0..<70_000 * channels).map { UInt8(truncatingIfNeeded: $0 >> 3) }
    let tall = Image(height: 70_000, width: 1, channels: channels, pixels: pixels)
    #expect(try Self.decode(tall.encodedPNG()) == tall)
  }

  /// A zlib stream of so many zeros: a literal, then the longest copies of the byte before.
  private static func zeros(atLeast count: Int) -> [UInt8] {
    var bytes: [UInt8] = [0x78, 0x01]
    var (bits, bitCount) = (UInt64(0), UInt64(0))
    func append(_ value: UInt64, _ width: UInt64) {
      bits |= value << bitCount
      bitCount += width
      while bitCount >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: bits))
        bits >>= 8
        bitCount -= 8
      }
    }
    // The last block, of fixed codes; the codes' bits in reverse: 48 for the literal, then 197 for
    // length 258 and 0 for distance 1.
    append(0b011, 3)
    append(0b0000_1100, 8)
    for _ in 0..<count / 258 { append(0b0_0000_1010_0011, 13) }
    append(0, 7)
    append(0, 7)
    // Adler's sum: nothing added to 1, which is added up.
    let sum = UInt32((count / 258 * 258 + 1) % 65521) << 16 | 1
    return bytes + bigEndian(Int(sum))
  }

  @Test("Text, profiles and palettes that do not make pixels are not inflated")
  func text() throws {
    let picture = try fileBytes(fixturePath("rgb8.png"))
    let image = try ImageDecodingTests.expected("rgb8")
    let stream = Self.zeros(atLeast: 12 << 20)
    let keyword = [UInt8]("Comment".utf8) + [0]
    let chunks = [
      ("zTXt", keyword + [0] + stream), ("iTXt", keyword + [1, 0, 0, 0] + stream),
      ("iCCP", keyword + [0] + stream),
      ("sPLT", keyword + [8] + [UInt8](repeating: 9, count: 60_000)),
      ("tEXt", keyword + [UInt8](repeating: 65, count: 60_000)),
      ("zTXt", [UInt8]("Raw profile type exif".utf8) + [0, 0] + stream),
      ("iTXt", [UInt8]("XML:com.adobe.xmp".utf8) + [0, 1, 0, 0, 0] + stream),
    ]
    for (kind, data) in chunks {
      let extra = (0..<20).flatMap { _ in Self.chunk(kind, data) }
      for place in [33, picture.count - 12] {
        let bytes = Array(picture[..<place]) + extra + Array(picture[place...])
        ct_start_counting()
        let decoded = try? Self.decode(bytes)
        let counts = ct_stop_counting()
        #expect(decoded == image, "\(kind)")
        #expect(counts.largest_bytes <= 1 << 21, "\(kind)")
      }
    }
  }

  @Test("Chunks larger than memory claims are passed over where they are whole")
  func largeChunk() throws {
    let picture = try fileBytes(fixturePath("rgb8.png"))
    let extra = Self.chunk("prVt", [UInt8](repeating: 1, count: 20 << 20))
    let bytes = Array(picture[..<33]) + extra + Array(picture[33...])
    #expect(try Self.decode(bytes) == ImageDecodingTests.expected("rgb8"))
  }

  // MARK: JPEG

  private static func segment(_ marker: UInt8, _ data: [UInt8]) -> [UInt8] {
    [0xFF, marker] + bigEndian(data.count + 2, count: 2) + data
  }

  /// Zeros and ones from the left, filled with ones; a byte of ones is followed by an empty one.
  private static func entropy(_ bits: [UInt8]) -> [UInt8] {
    let filled = bits + [UInt8](repeating: 1, count: (8 - bits.count % 8) % 8)
    return stride(from: 0, to: filled.count, by: 8).flatMap { start -> [UInt8] in
      let byte = filled[start..<start + 8].reduce(0) { $0 << 1 | $1 }
      return byte == 0xFF ? [byte, 0] : [byte]
    }
  }

  /// A grey progressive picture: each block takes a bit, and each refining scan hardly any.
  private static func progressive(width: Int, height: Int, scans: Int) -> [UInt8] {
    let blocks = (width + 7) / 8 * ((height + 7) / 8)
    let oneCode: [UInt8] = [1] + [UInt8](repeating: 0, count: 15)
    var bytes: [UInt8] = [0xFF, 0xD8] + segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
    bytes += segment(
      0xC2, [8] + bigEndian(height, count: 2) + bigEndian(width, count: 2) + [1, 1, 0x11, 0])
    bytes += segment(0xC4, [0x00] + oneCode + [0])
    // Its only code is a run of blocks without values, whose length 14 bits say.
    bytes += segment(0xC4, [0x10] + oneCode + [0xE0])
    bytes += segment(0xDA, [1, 1, 0, 0, 0, 0]) + entropy([UInt8](repeating: 0, count: blocks))
    let run: [UInt8] = [0] + [UInt8](repeating: 1, count: 14)
    let refinement =
      segment(0xDA, [1, 1, 0, 1, 63, 0x10])
      + entropy((0..<(blocks + 32766) / 32767).flatMap { _ in run })
    for _ in 1..<scans { bytes += refinement }
    return bytes + [0xFF, 0xD9]
  }

  @Test("Scans of a JPEG file are counted, and the blocks that they go through")
  func scans() throws {
    let reason = "more scans than a picture of these dimensions may have"
    #expect(
      Self.problem(Self.progressive(width: 16, height: 8, scans: 501))
        == .corrupt(reason: "more than 500 scans"))
    #expect(
      Self.problem(Self.progressive(width: 4096, height: 4096, scans: 491))
        == .corrupt(reason: reason))
    for (extent, scans) in [(16, 500), (1024, 491), (2048, 100)] {
      let bytes = Self.progressive(width: extent, height: extent, scans: scans)
      let image = try Self.decode(bytes)
      #expect(image.pixels.allSatisfy { $0 == 128 })
    }
  }

  @Test("Segments of metadata are gone through once, however many")
  func segments() throws {
    let picture = try fileBytes(fixturePath("orientation.jpg"))
    let empty = Self.segment(0xE1, [UInt8]("Exif".utf8) + [0, 0])
    let note = Self.segment(0xE1, [UInt8]("http://ns.adobe.com/xap/1.0/".utf8) + [0])
    let extra = (0..<30_000).flatMap { $0 % 2 == 0 ? empty : note }
    ct_start_counting()
    let decoded = try? Self.decode(Array(picture[..<2]) + extra + Array(picture[2...]))
    let counts = ct_stop_counting()
    #expect(try decoded == ImageDecodingTests.expected("orientation"))
    // Nothing is kept of each.
    #expect(counts.by_program < 1000 || !ct_can_count())
  }

  // MARK: Formats that can say nothing in no bits

  @Test("Above sixteen million pixels a byte is asked for each 1,024 of them")
  func plausibility() throws {
    // Arithmetic coding.
    var jpeg = try fileBytes(fixturePath("baseline.jpg"))
    let frame = try #require(
      (0..<jpeg.count - 1).first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
    jpeg[frame + 1] = 0xC9
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0x3E, 0x80, 0x3E, 0x80])
    #expect(Self.problem(jpeg) == Self.tooShort)
    // WebP without loss, whose extents are two numbers of 14 bits.
    var lossless = try fileBytes(fixturePath("lossless.webp"))
    lossless.replaceSubrange(21..<25, with: [0xFF, 0xFF, 0xFF, lossless[24] | 0x0F])
    #expect(Self.problem(lossless) == Self.tooShort)
    // With loss, where they stand behind the first ten bytes of the frame.
    var lossy = try fileBytes(fixturePath("lossy.webp"))
    lossy.replaceSubrange(26..<30, with: [0xFF, 0x3F, 0xFF, 0x3F])
    #expect(Self.problem(lossy) == Self.tooShort)
    // The canvas of an animation.
    var animation = try fileBytes(fixturePath("animation.webp"))
    animation.replaceSubrange(24..<30, with: [0xFF, 0x3F, 0, 0xFF, 0x3F, 0])
    #expect(Self.problem(animation) == Self.tooShort)
  }
}
