import CTestSupport
import ConvNetImages
import ConvNetTestSupport
import Testing

/// Every allocation that a library or a shim asks for fails once: what is freed then must not be freed
/// again, and nothing may be lost.
@Suite("Pictures where memory runs out", .enabled(if: ct_can_count()))
struct MemoryFailureTests {
  /// Runs `work`, which says whether its result is right, with the first allocation failing, then the
  /// second, and so on until it has none left to fail.
  private func failEach(_ name: String, _ work: () throws -> Bool) throws {
    var index = 0
    var hasFailed = true
    while hasFailed {
      ct_start_counting()
      ct_start_failing(Int64(index))
      var isRight = false
      var failure: (any Error)?
      do { isRight = try work() } catch { failure = error }
      hasFailed = ct_stop_failing()
      let counts = ct_stop_counting()
      if let failure {
        #expect(hasFailed, "\(name), allocation \(index)")
        let problem = (failure as? ImageError)?.problem
        let isTold = if case .outOfMemory = problem { true } else { false }
        #expect(isTold, "\(name), allocation \(index): \(failure)")
      } else {
        #expect(isRight, "\(name), allocation \(index)")
      }
      // An error holds its text.
      #expect(counts.outstanding_bytes < 2048, "\(name), allocation \(index)")
      index += 1
      try #require(index < 2000)
    }
    #expect(index > 2, "\(name) asks for memory")
  }

  // Not WebP: libwebp 1.2 then frees addresses that it never got, and calls lack of memory damage.
  @Test(
    "Decoding fails with that reason, and frees what it holds, once",
    arguments: [
      "rgb8.png", "interlaced.png", "palette4-transparent.png", "baseline.jpg", "progressive.jpg",
      "cmyk.jpg", "orientation.jpg",
    ])
  func decoding(name: String) throws {
    let bytes = try fileBytes(fixturePath(name))
    let image = try Image(decoding: bytes.span.bytes)
    try failEach(name) { try Image(decoding: bytes.span.bytes) == image }
  }

  @Test("So do the texts of a PNG file and the segments of a JPEG file that say how it stands")
  func orientations() throws {
    for sample in OrientationTests.cases
    where sample.name.contains("compressed") || sample.name.contains("split") {
      let bytes = [UInt8](sample.file)
      let image = try Image(decoding: bytes.span.bytes)
      try failEach(sample.name) { try Image(decoding: bytes.span.bytes) == image }
    }
  }

  @Test("A decoder that failed decodes the next picture", arguments: ["baseline.jpg", "rgb8.png"])
  func goingOn(name: String) throws {
    let bytes = try fileBytes(fixturePath(name))
    let expected = try Image(decoding: bytes.span.bytes)
    var decoder = ImageDecoder()
    var image = Image(height: 1, width: 1, color: .black)
    for index in 0..<30 {
      ct_start_failing(Int64(index))
      var isDecoded = false
      do {
        try decoder.decode(bytes.span.bytes, into: &image)
        isDecoded = true
      } catch {}
      let hasFailed = ct_stop_failing()
      #expect(hasFailed || isDecoded)
      try decoder.decode(bytes.span.bytes, into: &image)
      #expect(image == expected, "after allocation \(index)")
    }
  }

  @Test("Encoding frees its growing buffer once", arguments: [1, 3])
  func encoding(channels: Int) throws {
    // Noise of 200 kB, so that the buffer grows several times.
    var state: UInt32 = 1
    let pixels = (0..<256 * 256 * channels).map { _ -> UInt8 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(truncatingIfNeeded: state >> 24)
    }
    let picture = Image(height: 256, width: 256, channels: channels, pixels: pixels)
    let jpeg = try picture.encodedJPEG(quality: 100)
    try failEach("JPEG") { try picture.encodedJPEG(quality: 100) == jpeg }
    let png = try picture.encodedPNG()
    try failEach("PNG") { try picture.encodedPNG() == png }
    #expect(try Image(decoding: png.span.bytes) == picture)
  }
}
