import CImages
import ConvNetTensors

extension Image {
  /// The picture as a PNG file.
  ///
  /// - Throws: ``ImageError`` where it has 2^31 bytes or more, which the encoder does not take.
  public func encodedPNG() throws(ImageError) -> [UInt8] {
    guard let height = UInt32(exactly: height), let width = UInt32(exactly: width),
      case let bound = ci_png_size_bound(width, height, UInt32(channels)), bound > 0
    else { throw ImageError(problem: .notEncodable(width: self.width, height: self.height)) }
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE_SIZE))
    var status = CI_OK
    let bytes = [UInt8](unsafeUninitializedCapacity: bound) { output, written in
      status = ci_encode_png(
        pixels, width, height, UInt32(channels), output.baseAddress, bound, &written, &message)
    }
    guard status == CI_OK else {
      throw ImageError(problem: .notEncodable(width: self.width, height: self.height))
    }
    return bytes
  }

  /// Writes a PNG file, whole or not at all.
  ///
  /// - Throws: ``FileError`` where the file cannot be written, ``ImageError`` as ``encodedPNG()``.
  public func writePNG(to path: String) throws {
    try AtomicFile.write(encodedPNG(), to: path)
  }
}
