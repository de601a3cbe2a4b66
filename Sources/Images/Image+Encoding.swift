import CImages
import ConvNetFiles

extension Image {
  /// The picture as a PNG file.
  ///
  /// - Throws: ``ImageError`` where it has 2^31 bytes or more, which the encoder does not take.
  public func encodedPNG() throws(ImageError) -> [UInt8] {
    let refusal = ImageError(
      problem: .notEncodable(width: width, height: height, format: "PNG"))
    guard let height = UInt32(exactly: height), let width = UInt32(exactly: width),
      case let bound = ci_png_size_bound(width, height, UInt32(channels)), bound > 0
    else { throw refusal }
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE_SIZE))
    var status = CI_OK
    let bytes = [UInt8](unsafeUninitializedCapacity: bound) { output, written in
      status = ci_encode_png(
        pixels, width, height, UInt32(channels), output.baseAddress, bound, &written, &message)
    }
    guard status != CI_OUT_OF_MEMORY else {
      throw ImageError(problem: .outOfMemory(byteCount: bound))
    }
    guard status == CI_OK else { throw refusal }
    return bytes
  }

  /// The picture as a JPEG file, with alpha composited on the background, and Huffman tables made for
  /// the picture.
  ///
  /// - Parameters:
  ///   - quality: from 1 to 100; the scale of libjpeg, which Pillow uses too.
  ///   - halvesChroma: whether the two channels of color are stored with half the pixels each way
  ///     (4:2:0), as is common for photographs. Drawings keep sharper edges without.
  /// - Throws: ``ImageError`` where a side has more than 65,500 pixels, which the format does not
  ///   take, or there is no such quality.
  public func encodedJPEG(
    quality: Int = 90, halvesChroma: Bool = true, background: Color = .white
  ) throws(ImageError) -> [UInt8] {
    guard 1...100 ~= quality else { throw ImageError(problem: .quality(quality)) }
    let opaque = channels == 4 ? converted(toChannels: 3, background: background) : self
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE_SIZE))
    var memory: UnsafeMutablePointer<UInt8>?
    var count = 0
    let status = ci_encode_jpeg(
      opaque.pixels, UInt32(clamping: width), UInt32(clamping: height), UInt32(opaque.channels),
      Int32(quality), halvesChroma ? 1 : 0, &memory, &count, &message)
    defer { ci_free(memory) }
    guard status != CI_OUT_OF_MEMORY else {
      throw ImageError(problem: .outOfMemory(byteCount: nil))
    }
    guard status == CI_OK else {
      throw ImageError(problem: .notEncodable(width: width, height: height, format: "JPEG"))
    }
    return [UInt8](UnsafeBufferPointer(start: memory, count: count))
  }

  /// Writes a PNG file, whole or not at all.
  ///
  /// - Throws: ``FileError`` where the file cannot be written, ``ImageError`` as ``encodedPNG()``.
  public func writePNG(to path: String) throws {
    try AtomicFile.write(encodedPNG(), to: path)
  }

  /// Writes a JPEG file, whole or not at all.
  ///
  /// - Throws: ``FileError`` where the file cannot be written, ``ImageError`` as
  ///   ``encodedJPEG(quality:halvesChroma:background:)``.
  public func writeJPEG(to path: String, quality: Int = 90, halvesChroma: Bool = true) throws {
    try AtomicFile.write(encodedJPEG(quality: quality, halvesChroma: halvesChroma), to: path)
  }
}
