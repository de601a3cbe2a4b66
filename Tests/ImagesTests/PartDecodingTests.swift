import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Decoding a part of a picture")
struct PartDecodingTests {
  private static func region(
    in image: Image, _ numbers: inout RandomNumbers
  ) -> ImageRegion {
    let row = Int.random(in: 0..<image.height, using: &numbers)
    let column = Int.random(in: 0..<image.width, using: &numbers)
    return ImageRegion(
      row: row, column: column,
      height: Int.random(in: 1...image.height - row, using: &numbers),
      width: Int.random(in: 1...image.width - column, using: &numbers))
  }

  @Test(
    "Gives the pixels of the whole, in every format and orientation",
    arguments: [
      "photograph.jpg", "baseline.jpg", "progressive.jpg", "half-chroma.jpg", "full-chroma.jpg",
      "restart.jpg", "grey.jpg", "cmyk.jpg", "orientation.jpg", "rgba8.png", "interlaced.png",
      "lossy.webp", "orientation.webp",
    ] + (1...8).map { "orientation\($0).png" })
  func formats(name: String) throws {
    let path = fixturePath(name)
    var numbers = RandomNumbers(RandomKey(seed: 7, purpose: .input))
    var decoder = ImageDecoder()
    var part = Image(height: 1, width: 1, color: .black)
    for index in 0..<40 {
      decoder.options.channels = [nil, 1, 3, 4][index % 4]
      decoder.options.appliesOrientation = index % 3 != 0
      let whole = try Image(contentsOf: path, options: decoder.options)
      let region = Self.region(in: whole, &numbers)
      try decoder.decode(contentsOf: path, into: &part) { height, width in
        #expect((height, width) == (whole.height, whole.width))
        return region
      }
      #expect(part == whole.cropped(to: region), "\(region)")
    }
  }

  @Test("JPEG and its orientations, turned by their Exif data", arguments: 1...8)
  func turnedJPEG(orientation: UInt8) throws {
    // The fixture's orientation is 6; its Exif entry ends with the number and two zeros.
    var bytes = try fileBytes(fixturePath("orientation.jpg"))
    let entry = try #require(
      (0..<bytes.count - 12).first { start in
        [[0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6], [0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0]]
          .contains { Array(bytes[start..<start + 10]) == $0 }
      })
    let place = entry + (bytes[entry + 9] == 6 ? 9 : 8)
    bytes[place] = orientation
    let whole = try Image(decoding: bytes.span.bytes)
    #expect((whole.height > whole.width) == (orientation >= 5))
    var numbers = RandomNumbers(RandomKey(seed: 8, purpose: .input))
    var decoder = ImageDecoder()
    var part = Image(height: 1, width: 1, color: .black)
    for _ in 0..<20 {
      let region = Self.region(in: whole, &numbers)
      try decoder.decode(bytes.span.bytes, into: &part) { _, _ in region }
      #expect(part == whole.cropped(to: region), "\(region)")
    }
  }

  @Test("Text pictures too")
  func netpbm() throws {
    let bytes = [UInt8]("P2 3 2 255  1 2 3  4 5 6".utf8)
    var decoder = ImageDecoder()
    var part = Image(height: 1, width: 1, color: .black)
    try decoder.decode(bytes.span.bytes, into: &part) { _, _ in
      ImageRegion(row: 0, column: 1, height: 2, width: 2)
    }
    #expect(part == Image(height: 2, width: 2, channels: 1, pixels: [2, 3, 5, 6]))
  }
}
