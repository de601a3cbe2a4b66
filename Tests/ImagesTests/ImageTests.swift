import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Pictures")
struct ImageTests {
  private static func gradient(channels: Int) -> Image {
    Image(
      height: 5, width: 7, channels: channels,
      pixels: (0..<35 * channels).map { UInt8(truncatingIfNeeded: $0 * 7) })
  }

  @Test("What is encoded as PNG is decoded again", arguments: [1, 3, 4])
  func encoding(channels: Int) throws {
    let image = Self.gradient(channels: channels)
    let directory = try TemporaryDirectory()
    try image.writePNG(to: directory.file("a.png"))
    #expect(try Image(contentsOf: directory.file("a.png")) == image)
    #expect(try directory.contents() == ["a.png"])
  }

  @Test("What is encoded as JPEG is decoded again, nearly", arguments: [1, 3])
  func encodingJPEG(channels: Int) throws {
    let image = try Image(contentsOf: fixturePath("photograph.jpg"))
      .converted(toChannels: channels)
    let directory = try TemporaryDirectory()
    try image.writeJPEG(to: directory.file("a.jpg"), quality: 95, halvesChroma: false)
    let again = try Image(contentsOf: directory.file("a.jpg"))
    #expect(again.channels == channels)
    let differences = zip(image.pixels, again.pixels).map { abs(Int($0) - Int($1)) }
    #expect(differences.reduce(0, +) < 3 * differences.count)
    let coarse = try image.encodedJPEG(quality: 20)
    #expect(try coarse.count < image.encodedJPEG(quality: 95).count / 3)
    #expect(try Image(decoding: coarse.span.bytes).height == image.height)
  }

  @Test("a quality that JPEG does not have is refused", arguments: [0, 101, -5])
  func quality(quality: Int) throws {
    let image = Image(height: 2, width: 2, color: .black, channels: 1)
    let error = #expect(throws: ImageError.self) { try image.encodedJPEG(quality: quality) }
    #expect(error?.problem == .quality(quality))
    #expect(
      error.map { "\($0)" } == "picture: JPEG's quality is \(quality), must be from 1 to 100")
  }

  @Test("JPEG has no transparency and an end of its extents")
  func limitsOfJPEG() throws {
    let pixels = [UInt8](repeating: 0, count: 64 * 4)
    let bytes = try Image(height: 8, width: 8, channels: 4, pixels: pixels)
      .encodedJPEG(background: .init(red: 255, green: 0, blue: 0))
    let image = try Image(decoding: bytes.span.bytes)
    #expect(image.channels == 3)
    #expect(image[0, 0, 0] > 250 && image[0, 0, 1] < 5 && image[7, 7, 2] < 5)
    let long = Image(height: 1, width: 65_501, color: .white, channels: 1)
    let error = #expect(throws: ImageError.self) { try long.encodedJPEG() }
    #expect(error?.problem == .notEncodable(width: 65_501, height: 1, format: "JPEG"))
  }

  @Test("Grey is Pillow's luminance")
  func luminance() throws {
    let image = try Image(contentsOf: fixturePath("rgb8.png"))
    #expect(try image.converted(toChannels: 1) == ImageDecodingTests.expected("luminance"))
  }

  @Test("Transparency shows the background, and grey becomes three equal channels")
  func conversion() {
    let pixels: [UInt8] = [200, 100, 50, 255, 200, 100, 50, 0, 200, 100, 50, 51]
    let image = Image(height: 1, width: 3, channels: 4, pixels: pixels)
    let background = Image.Color(red: 0, green: 0, blue: 255)
    #expect(
      image.converted(toChannels: 3, background: background).pixels
        == [200, 100, 50, 0, 0, 255, 40, 20, 214])
    #expect(image.converted(toChannels: 3).pixels[3..<6] == [255, 255, 255])
    let grey = Image(height: 1, width: 2, channels: 1, pixels: [3, 9])
    #expect(grey.converted(toChannels: 3).pixels == [3, 3, 3, 9, 9, 9])
    #expect(grey.converted(toChannels: 4).pixels == [3, 3, 3, 255, 9, 9, 9, 255])
  }

  @Test("A tensor holds values from 0 to 1, and comes back the same", arguments: [1, 3])
  func tensors(channels: Int) {
    let image = Self.gradient(channels: channels)
    let tensor = image.tensor
    #expect(tensor.shape == [5, 7, channels])
    #expect(tensor.elements == image.pixels.map { Float($0) / 255 })
    #expect(Image(tensor) == image)
    let outside = Tensor([-1, 2, .nan, .infinity] as [Float], shape: [2, 2, 1])
    #expect(Image(outside).pixels == [0, 255, 0, 255])
  }

  @Test("A grid places pictures in rows, centred in equal cells")
  func grid() {
    let dark = Image(height: 2, width: 3, color: .black, channels: 1)
    let small = Image(height: 1, width: 1, color: .init(grey: 9), channels: 1)
    let sheet = ImageGrid([dark, small, dark], columns: 2, spacing: 1).image()
    #expect([sheet.height, sheet.width, sheet.channels] == [7, 9, 1])
    let rows = (0..<7).map { row in (0..<9).map { sheet[row, $0, 0] } }
    let white: UInt8 = 255
    #expect(rows[0] == [UInt8](repeating: white, count: 9))
    #expect(rows[1] == [white, 0, 0, 0, white, white, 9, white, white])
    #expect(rows[4] == [white, 0, 0, 0, white, white, white, white, white])

    let color = Image(height: 1, width: 1, color: .init(red: 1, green: 2, blue: 3))
    let large = ImageGrid([color, small], columns: 5, spacing: 0, magnification: 2).image()
    #expect([large.height, large.width, large.channels] == [2, 4, 3])
    #expect(large.pixels[..<12] == [1, 2, 3, 1, 2, 3, 9, 9, 9, 9, 9, 9])
  }

  @Test("Labels stand below their pictures, in letters that can be read")
  func labels() {
    let dot = Image(height: 1, width: 1, color: .black, channels: 1)
    let sheet = ImageGrid([dot, dot], columns: 2, spacing: 1, labels: ["Li", "é"]).image()
    // Two letters are eleven pixels wide; a label begins two rows below the pictures.
    #expect([sheet.height, sheet.width, sheet.channels] == [13, 25, 1])
    let rows = (0..<13).map { row in
      String((0..<25).map { sheet[row, $0, 0] == 0 ? "#" : "." as Character })
    }
    #expect(
      rows == [
        ".........................",
        "......#...........#......",
        ".........................",
        ".........................",
        ".#.......#...............",
        ".#.......................",
        ".#......##.......###.....",
        ".#.......#......#...#....",
        ".#.......#......#####....",
        ".#.......#......#........",
        ".#####..###......###.....",
        ".........................",
        ".........................",
      ])
  }

  @Test("Long labels lose their middle, and dark sheets have bright letters")
  func longLabels() {
    let dot = Image(height: 1, width: 1, color: .white, channels: 1)
    let grid = ImageGrid(
      [dot], columns: 1, spacing: 0, background: .black, labels: ["abcdefgh"],
      labelMagnification: 2, labelLimit: 5)
    let short = ImageGrid(
      [dot], columns: 1, spacing: 0, background: .black, labels: ["ab..h"], labelMagnification: 2)
    #expect(grid.image() == short.image())
    #expect(grid.image().width == 2 * 29)
    #expect(grid.image().pixels.count { $0 == 255 } > 50)
  }
}
