import ConvNetFiles
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("GIF, BMP and TIFF")
struct FormatDecodingTests {
  static let files = [
    "interlaced.gif", "plain.gif", "transparent.gif", "grey.gif", "two.gif", "animation.gif",
    "smaller.gif", "smaller-transparent.gif", "larger.gif",
    "rgb.bmp", "palette8.bmp", "grey.bmp", "bits.bmp", "alpha.bmp", "palette4.bmp", "top-down.bmp",
    "few-colors.bmp", "two-colors.bmp", "core.bmp", "core24.bmp", "rgbx.bmp", "rgb555.bmp",
    "rgb565.bmp", "masks.bmp", "version4.bmp", "rle8.bmp", "rle4.bmp",
    "rgb.tiff", "lzw.tiff", "deflate.tiff", "packbits.tiff", "jpeg.tiff", "ycbcr-jpeg.tiff",
    "grey.tiff", "grey-alpha.tiff", "bits.tiff", "fax4.tiff", "fax3.tiff", "palette.tiff",
    "alpha.tiff", "cmyk.tiff", "orientation3.tiff", "orientation6.tiff", "orientation8.tiff",
    "tiles.tiff", "tiled-planes.tiff", "planes.tiff", "strips.tiff", "white-is-zero.tiff",
    "grey4.tiff", "rgb16.tiff", "rgb16-big.tiff", "grey16.tiff", "premultiplied.tiff",
    "unspecified.tiff",
  ]

  @Test("As Pillow reads them, exactly", arguments: files)
  func exact(file: String) throws {
    let tensor = try Tensor(npy: fixturePath("formats/\(file.replacing(".", with: "-")).npy"))
    let expected = Image(
      height: tensor.shape[0], width: tensor.shape[1], channels: tensor.shape[2],
      pixels: tensor.elements(of: UInt8.self))
    let image = try Image(contentsOf: fixturePath("formats/\(file)"))
    // A palette of greys is one of colors here.
    #expect(image == expected.converted(toChannels: image.channels))
    #expect(image.channels >= expected.channels)
  }

  @Test("A part is that of the whole, and channels are converted", arguments: files)
  func parts(file: String) throws {
    let path = fixturePath("formats/\(file)")
    let whole = try Image(contentsOf: path, options: .init(channels: 3))
    var decoder = ImageDecoder(.init(channels: 3))
    var image = Image(height: 1, width: 1, color: .black)
    try decoder.decode(contentsOf: path, into: &image) { height, width in
      ImageRegion(row: 2, column: 3, height: height - 4, width: width - 5)
    }
    for row in 0..<image.height {
      for column in 0..<image.width {
        #expect(image[row, column, 1] == whole[row + 2, column + 3, 1])
      }
    }
  }

  @Test("Files that end early are refused", arguments: files)
  func truncated(file: String) throws {
    let bytes = try fileBytes(fixturePath("formats/\(file)"))
    // Of an animation, what follows the first picture is not looked at.
    let end = file == "animation.gif" ? 240 : bytes.count - 8
    for count in stride(from: 30, to: end, by: 5) {
      #expect(throws: ImageError.self, "\(file) cut to \(count) bytes") {
        try Image(decoding: Array(bytes.prefix(count)).span.bytes)
      }
    }
  }

  @Test("Pictures beyond the limit are refused before memory is asked for", arguments: files)
  func limits(file: String) throws {
    let error = #expect(throws: ImageError.self) {
      try Image(contentsOf: fixturePath("formats/\(file)"), options: .init(pixelLimit: 20))
    }
    guard case .tooLarge = error?.problem else {
      Issue.record("\(file): \(String(describing: error))")
      return
    }
  }

  /// A bitmap's header that claims these extents, and no pixels.
  private static func bitmap(width: Int32, height: Int32, bits: UInt16, compression: UInt32 = 0)
    -> [UInt8]
  {
    func little(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    return Array("BM".utf8) + little(UInt32(54)) + little(UInt32(0)) + little(UInt32(54))
      + little(UInt32(40)) + little(width) + little(height) + little(UInt16(1)) + little(bits)
      + little(compression) + [UInt8](repeating: 0, count: 20)
  }

  @Test(
    "Bitmaps that claim more than they have",
    arguments: [(1 << 30, 1 << 30), (.max, .max), (5, .min), (0, 4), (-3, 4)] as [(Int32, Int32)])
  func claims(width: Int32, height: Int32) {
    for bits in [1, 8, 16, 24, 32] as [UInt16] {
      let bytes = Self.bitmap(width: width, height: height, bits: bits)
      #expect(throws: ImageError.self) { try Image(decoding: bytes.span.bytes) }
    }
  }

  private static func name(_ bytes: [UInt8]) -> String? {
    let error = #expect(throws: ImageError.self) { try Image(decoding: bytes.span.bytes) }
    switch error?.problem {
    case .unsupported(let kind): return kind
    case .otherFile(let kind): return kind.name
    default: return nil
    }
  }

  @Test(
    "What is not read is named",
    arguments: [
      ("....ftypheic....", "HEIC"), ("....ftypmif1....", "HEIC"), ("....ftypavif....", "AVIF"),
      ("....ftypisom....", "a video or another file of MP4's kind"), ("8BPS....", "PSD"),
      ("\0\0\0\u{C}jP  \r\n", "JPEG 2000"), ("\0\0\0\u{C}JXL \r\n", "JPEG XL"),
      ("<?xml version='1.0'?>\n<svg>", "SVG"), ("  <svg width='3'>", "SVG"),
      ("<!DOCTYPE html><html>", "a web page (HTML)"), ("\0\0\u{1}\0....", "ICO"),
      ("%PDF-1.7", "PDF"), ("IIRO....", "the raw data of a camera (ORF)"),
      ("FUJIFILMCCD-RAW ", "the raw data of a camera (RAF)"), ("DDS ....", "DDS"),
    ])
  func named(text: String, expected: String) {
    #expect(Self.name([UInt8](text.utf8)) == expected)
  }

  @Test("Kinds of formats that are not read are named too")
  func kinds() throws {
    #expect(
      Self.name(Self.bitmap(width: 3, height: 3, bits: 0, compression: 5))
        == "BMP with PNG inside")
    #expect(
      Self.name(Self.bitmap(width: 3, height: 3, bits: 13))
        == "BMP of 13 bits a pixel with compression 0")
    var tiff = try fileBytes(fixturePath("formats/grey16.tiff"))
    // The field of the compression, behind its tag, type and count.
    let tag: [UInt8] = [3, 1, 3, 0, 1, 0, 0, 0]
    let place = try #require(tiff.indices.first { tiff[$0...].starts(with: tag) }) + tag.count
    tiff.replaceSubrange(place..<place + 2, with: [0x6D, 0x88])
    #expect(Self.name(tiff) == "TIFF compressed by LZMA (compression 34925)")
    #expect(
      "\(ImageError.Problem.unsupported(kind: "HEIC"))"
        == "HEIC is not read; convert it to PNG or JPEG")
  }
}
