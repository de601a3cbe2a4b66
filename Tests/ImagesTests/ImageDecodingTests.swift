import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Decoding pictures")
struct ImageDecodingTests {
  static func expected(_ name: String) throws -> Image {
    let tensor = try Tensor(npy: fixturePath("\(name).npy"))
    return Image(
      height: tensor.shape[0], width: tensor.shape[1], channels: tensor.shape[2],
      pixels: tensor.elements(of: UInt8.self))
  }

  @Test(
    "PNG of every depth and colour type, exactly",
    arguments: [
      "rgb8", "grey8", "rgba8", "grey-alpha8", "grey1", "grey2", "grey4", "rgb16", "grey16",
      "palette4", "palette4-transparent", "interlaced",
    ])
  func png(name: String) throws {
    #expect(try Image(contentsOf: fixturePath("\(name).png")) == Self.expected(name))
  }

  @Test(
    "JPEG as Pillow decodes it, within one level",
    arguments: ["baseline", "progressive", "full-chroma", "restart", "grey", "cmyk"])
  func jpeg(name: String) throws {
    let image = try Image(contentsOf: fixturePath("\(name).jpg"))
    let expected = try Self.expected(name)
    #expect(
      [image.height, image.width, image.channels]
        == [expected.height, expected.width, expected.channels])
    #expect(zip(image.pixels, expected.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
  }

  @Test("The contents decide, not the name")
  func misnamed() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(fileBytes(fixturePath("rgb8.png")), to: "picture.jpg")
    #expect(try Image(contentsOf: path) == Self.expected("rgb8"))
  }

  private static func problem(_ bytes: [UInt8]) -> ImageError.Problem? {
    #expect(throws: ImageError.self) { try Image(decoding: bytes.span.bytes) }?.problem
  }

  @Test("Empty, unknown and truncated files are refused; the error names the file")
  func refusals() throws {
    #expect(Self.problem([]) == .unknownFormat(byteCount: 0))
    #expect(Self.problem([UInt8]("GIF89a".utf8)) == .unknownFormat(byteCount: 6))
    for name in ["rgb8.png", "baseline.jpg", "progressive.jpg", "interlaced.png"] {
      let bytes = try fileBytes(fixturePath(name))
      for count in [9, 30, bytes.count / 2, bytes.count - 20] {
        let problem = Self.problem(Array(bytes.prefix(count)))
        guard case .corrupt = problem else {
          Issue.record("\(name) cut to \(count) bytes: \(String(describing: problem))")
          continue
        }
      }
    }
    let directory = try TemporaryDirectory()
    let path = try directory.write([1, 2, 3], to: "broken.png")
    let error = #expect(throws: ImageError.self) { try Image(contentsOf: path) }
    #expect(error?.description == "\(path): neither PNG nor JPEG; convert it to one of them")
    #expect(throws: FileError.self) { try Image(contentsOf: directory.path) }
  }

  @Test("A header of 50,000 x 50,000 pixels is refused before memory is asked for")
  func bombs() throws {
    // JPEG: the extents stand behind the start-of-frame marker.
    var jpeg = try fileBytes(fixturePath("baseline.jpg"))
    let frame = try #require(
      (0..<jpeg.count - 1).first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xC3, 0x50, 0xC3, 0x50])
    #expect(
      Self.problem(jpeg)
        == .tooLarge(width: 50_000, height: 50_000, pixelLimit: Image.pixelLimit))
    // PNG: a small file cannot hold so many pixels, whatever its header says.
    let png = try Image(height: 1, width: 1, color: .white).encodedPNG()
    let header = pngHeader(width: 50_000, height: 50_000)
    let bomb = Array(png[..<8]) + header + Array(png[33...])
    #expect(Self.problem(bomb) == .corrupt(reason: "the file is too short for its dimensions"))
  }

  /// An IHDR chunk with its checksum.
  private func pngHeader(width: UInt32, height: UInt32) -> [UInt8] {
    func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 0xFF) } }
    let body = [UInt8]("IHDR".utf8) + bytes(width) + bytes(height) + [8, 2, 0, 0, 0]
    var checksum = UInt32.max
    for byte in body {
      checksum ^= UInt32(byte)
      for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return bytes(13) + body + bytes(~checksum)
  }

  @Test("Twenty thousand mutated pictures neither trap nor allocate without bound")
  func fuzz() async {
    await #expect(processExitsWith: .success) {
      let names = [
        "rgb8.png", "palette4-transparent.png", "interlaced.png", "grey1.png", "baseline.jpg",
        "progressive.jpg", "restart.jpg", "cmyk.jpg",
      ]
      let samples = try names.map { try fileBytes(fixturePath($0)) }
      var mutator = Mutator(samples: samples, seed: 3)
      // The largest JPEG header alone claims 4 GiB, and is refused; a progressive picture below the
      // limit of pixels may ask for more than this, and must then fail cleanly.
      limitMemory(toExtra: 1 << 30)
      var accepted = 0
      for _ in 0..<20_000 {
        if (try? Image(decoding: mutator.mutant().span.bytes)) != nil { accepted += 1 }
      }
      precondition(accepted > 100, "mutations that leave a picture valid must occur")
    }
  }
}
