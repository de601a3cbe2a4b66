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
    "PNG of every depth and color type, exactly",
    arguments: [
      "rgb8", "grey8", "rgba8", "grey-alpha8", "grey1", "grey2", "grey4", "rgb16", "grey16",
      "palette4", "palette4-transparent", "interlaced",
    ])
  func png(name: String) throws {
    #expect(try Image(contentsOf: fixturePath("\(name).png")) == Self.expected(name))
  }

  @Test(
    "JPEG of every kind, as Pillow decodes it, exactly",
    arguments: [
      "baseline", "progressive", "full-chroma", "half-chroma", "restart", "grey", "cmyk", "ycck",
      "photograph",
    ])
  func jpeg(name: String) throws {
    #expect(try Image(contentsOf: fixturePath("\(name).jpg")) == Self.expected(name))
  }

  @Test("WebP with and without loss and alpha", arguments: ["lossless", "lossy", "alpha"])
  func webp(name: String) throws {
    #expect(try Image(contentsOf: fixturePath("\(name).webp")) == Self.expected("\(name)-webp"))
  }

  @Test("Of an animation, the first picture")
  func animation() throws {
    let image = try Image(contentsOf: fixturePath("animation.webp"))
    #expect(try image.converted(toChannels: 3) == Self.expected("rgb8"))
  }

  @Test("A picture stands as its Exif data says, unless asked", arguments: 1...8)
  func orientation(_ orientation: Int) throws {
    let path = fixturePath("orientation\(orientation).png")
    let upright = try Self.expected("rgb8")
    #expect(try Image(contentsOf: path) == upright)
    #expect(
      try Image(contentsOf: path, options: .init(channels: 4)) == upright.converted(toChannels: 4))
    let lying = try Image(contentsOf: path, options: .init(appliesOrientation: false))
    #expect((lying == upright) == (orientation == 1))
    #expect(lying.height == (orientation < 5 ? upright.height : upright.width))
  }

  @Test("JPEG and WebP have orientations too")
  func orientations() throws {
    #expect(
      try Image(contentsOf: fixturePath("orientation.jpg")) == Self.expected("orientation"))
    #expect(
      try Image(contentsOf: fixturePath("orientation.webp")) == Self.expected("orientation-webp"))
  }

  @Test("Channels are converted while decoding", arguments: [1, 3, 4])
  func channels(_ channels: Int) throws {
    for name in ["rgba8.png", "grey8.png", "baseline.jpg", "cmyk.jpg", "grey.jpg", "alpha.webp"] {
      let background = Image.Color(red: 9, green: 200, blue: 30)
      let image = try Image(
        contentsOf: fixturePath(name), options: .init(channels: channels, background: background))
      #expect(
        try image
          == Image(contentsOf: fixturePath(name))
          .converted(toChannels: channels, background: background), "\(name)")
    }
  }

  @Test("A decoder that is used again gives what a new one gives, whatever came before")
  func reuse() throws {
    let names = [
      "photograph.jpg", "rgb8.png", "cmyk.jpg", "progressive.jpg", "alpha.webp", "orientation8.png",
      "grey1.png", "orientation.jpg", "grey.jpg", "interlaced.png",
    ]
    let directory = try TemporaryDirectory()
    var decoder = ImageDecoder()
    var image = Image(height: 1, width: 1, color: .black)
    for name in names {
      let bytes = try fileBytes(fixturePath(name))
      let broken = try directory.write(Array(bytes.prefix(bytes.count / 2)), to: "broken")
      for _ in 0..<2 {
        try decoder.decode(contentsOf: fixturePath(name), into: &image)
        #expect(try image == Image(contentsOf: fixturePath(name)), "\(name)")
        #expect(throws: ImageError.self) { try decoder.decode(contentsOf: broken, into: &image) }
      }
    }
  }

  @Test("A large photograph may be decoded at a part of its size, and is then nearly the same")
  func scaledDecoding() throws {
    // Waves of a few pixels, enlarged, as photographs have them.
    let photograph = try Image(contentsOf: fixturePath("photograph.jpg"))
      .resized(height: 480, width: 640, filter: .bicubic)
    let bytes = try photograph.encodedJPEG(quality: 90)
    let full = try Image(decoding: bytes.span.bytes)
    for (extent, expected) in [(121, 480), (120, 240), (61, 240), (60, 120), (30, 60), (2, 60)] {
      let scaled = try Image(decoding: bytes.span.bytes, options: .init(resizedExtent: extent))
      #expect(scaled.height == expected)
      for filter in [ResizingFilter.bilinear, .bicubic, .lanczos] {
        let direct = full.resized(shorterSide: extent, filter: filter)
        let quick = scaled.resized(
          height: direct.height, width: direct.width, filter: filter)
        let differences = zip(direct.pixels, quick.pixels).map { abs(Int($0) - Int($1)) }.sorted()
        #expect(differences.reduce(0, +) < differences.count)
        #expect(differences[differences.count * 999 / 1000] <= 4)
      }
    }
  }

  @Test("The contents decide, not the name")
  func misnamed() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(fileBytes(fixturePath("rgb8.png")), to: "picture.jpg")
    #expect(try Image(contentsOf: path) == Self.expected("rgb8"))
  }
}
