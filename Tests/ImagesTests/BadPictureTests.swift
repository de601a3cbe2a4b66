import ConvNetFiles
import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Pictures that are none")
struct BadPictureTests {
  private static func problem(_ bytes: [UInt8]) -> ImageError.Problem? {
    #expect(throws: ImageError.self) { try Image(decoding: bytes.span.bytes) }?.problem
  }

  @Test("Empty and unknown files are refused; the error names the file")
  func unknown() throws {
    #expect(Self.problem([]) == .unknownFormat(byteCount: 0))
    #expect(Self.problem([UInt8]("GIF90a".utf8)) == .unknownFormat(byteCount: 6))
    let directory = try TemporaryDirectory()
    let broken = try directory.write([1, 2, 3], to: "broken.png")
    let error = #expect(throws: ImageError.self) { try Image(contentsOf: broken) }
    #expect(
      error?.description
        == "\(broken): none of PNG, JPEG, WebP, GIF, BMP, TIFF, PGM, PPM and PBM; convert it to one of them"
    )
    let empty = try directory.write([], to: "empty.jpg")
    let emptiness = #expect(throws: ImageError.self) { try Image(contentsOf: empty) }
    #expect(emptiness?.description == "\(empty): the file is empty")
  }

  @Test(
    "Truncated files are refused wherever they are cut",
    arguments: [
      "rgb8.png", "interlaced.png", "baseline.jpg", "progressive.jpg", "restart.jpg", "lossy.webp",
      "lossless.webp", "alpha.webp",
    ])
  func truncation(name: String) throws {
    let bytes = try fileBytes(fixturePath(name))
    // A PNG without its last chunk has all its pixels, and a JPEG without its last marker too, but
    // both are incomplete.
    for count in Array(stride(from: 12, to: bytes.count - 20, by: 7)) + [bytes.count - 2] {
      guard case .corrupt = Self.problem(Array(bytes.prefix(count))) else {
        Issue.record("\(name) cut to \(count) bytes")
        continue
      }
    }
  }

  @Test("Damage inside a JPEG is refused, and accepted on request")
  func damagedJPEG() throws {
    var bytes = try fileBytes(fixturePath("photograph.jpg"))
    let good = try Image(decoding: bytes.span.bytes)
    let tolerant = DecodingOptions(acceptsDamage: true)
    // An end-of-image marker in the middle of the data.
    bytes.replaceSubrange(bytes.count / 2..<bytes.count / 2 + 2, with: [0xFF, 0xD9])
    guard case .corrupt(let reason) = Self.problem(bytes) else {
      Issue.record("a picture that ends in its middle")
      return
    }
    #expect(reason.contains("premature end"))
    for damaged in [bytes, Array(bytes.prefix(bytes.count / 2))] {
      let image = try Image(decoding: damaged.span.bytes, options: tolerant)
      #expect((image.height, image.width) == (good.height, good.width))
      let rows = good.width * 3 * 16
      #expect(image.pixels[..<rows] == good.pixels[..<rows])
      #expect(image != good)
    }
    // Bytes too many before a marker take no pixel away.
    var padded = try fileBytes(fixturePath("photograph.jpg"))
    padded.insert(contentsOf: [1, 2, 3], at: padded.count - 2)
    #expect(try Image(decoding: padded.span.bytes) == good)
  }

  @Test(
    "JPEGs of kinds that are not read are named, and not taken for damaged",
    arguments: [
      (0xC1, 12, "JPEG of 12 bits a sample"), (0xC3, 8, "lossless JPEG"),
      (0xC3, 16, "lossless JPEG"), (0xCB, 8, "lossless JPEG"), (0xC5, 8, "hierarchical JPEG"),
      (0xC7, 8, "lossless JPEG"), (0xF7, 8, "JPEG-LS"),
    ] as [(UInt8, UInt8, String)])
  func kinds(marker: UInt8, bits: UInt8, kind: String) throws {
    var jpeg = try fileBytes(fixturePath("baseline.jpg"))
    let frame = try #require(
      (0..<jpeg.count - 1).first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
    jpeg[frame + 1] = marker
    jpeg[frame + 4] = bits
    let problem = Self.problem(jpeg)
    guard case .unsupported(let found) = problem else {
      Issue.record("\(String(describing: problem))")
      return
    }
    // Newer versions of the library decode some without loss, and then say how many bits.
    #expect(found == kind || found == "JPEG of \(bits) bits a sample")
    // No precision that the standard has.
    jpeg[frame + 1] = 0xC0
    jpeg[frame + 4] = 77
    guard case .corrupt = Self.problem(jpeg) else {
      Issue.record("a precision of 77 bits is damage")
      return
    }
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
    func png(width: UInt32, height: UInt32) throws -> [UInt8] {
      let small = try Image(height: 1, width: 1, color: .white).encodedPNG()
      return Array(small[..<8]) + pngHeader(width: width, height: height) + Array(small[33...])
    }
    #expect(
      try Self.problem(png(width: 50_000, height: 50_000))
        == .tooLarge(width: 50_000, height: 50_000, pixelLimit: Image.pixelLimit))
    // Below the limit, but more than so small a file can hold.
    let short = ImageError.Problem.corrupt(reason: "the file is too short for its dimensions")
    #expect(try Self.problem(png(width: 16_000, height: 16_000)) == short)
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0x3E, 0x80, 0x3E, 0x80])
    #expect(Self.problem(jpeg) == short)
  }

  /// An IHDR chunk with its checksum.
  private func pngHeader(width: UInt32, height: UInt32) -> [UInt8] {
    func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 0xFF) } }
    let body = [UInt8]("IHDR".utf8) + bytes(width) + bytes(height) + [8, 2, 0, 0, 0]
    return bytes(13) + body + bytes(crc32(body))
  }

  @Test("Paths that are no files, and files that cannot be read")
  func paths() throws {
    let directory = try TemporaryDirectory()
    func error(_ path: String) -> FileError? {
      #expect(throws: FileError.self) { try Image(contentsOf: path) }
    }
    let folder = directory.file("folder.jpg")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    #expect(error(folder)?.problem == .notRegularFile)
    // A pipe into which nobody writes must not be waited for.
    let pipe = directory.file("pipe.jpg")
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(error(pipe)?.problem == .notRegularFile)
    let loop = directory.file("loop.jpg")
    try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: loop)
    #expect(error(loop)?.problem == .system(code: ELOOP))
    let gone = try directory.write([1], to: "gone.jpg")
    try FileManager.default.removeItem(atPath: gone)
    #expect(error(gone)?.problem == .system(code: ENOENT))
    #expect(error(gone)?.description.contains(gone) == true)
    // The administrator may read everything.
    if geteuid() != 0 {
      let secret = try directory.write(fileBytes(fixturePath("rgb8.png")), to: "secret.png")
      #expect(chmod(secret, 0) == 0)
      #expect(error(secret)?.problem == .system(code: EACCES))
    }
  }

  @Test("Names with spaces, quotes and letters of any script")
  func names() throws {
    let directory = try TemporaryDirectory()
    for name in ["a picture.png", "Müller's “cat”.png", "猫 🐈.jpg", "-", "%d\n.png"] {
      let path = try directory.write(fileBytes(fixturePath("rgb8.png")), to: name)
      #expect(try Image(contentsOf: path) == ImageDecodingTests.expected("rgb8"))
      let broken = try directory.write([0], to: name)
      let error = #expect(throws: ImageError.self) { try Image(contentsOf: broken) }
      #expect(error?.file == broken)
    }
  }
}
