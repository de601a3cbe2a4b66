import CImages
import ConvNetTensors

extension Image {
  /// The largest number of pixels that is decoded (2^28, 16,384 squared); a header that claims more
  /// is refused before memory is asked for.
  public static let pixelLimit = 1 << 28

  /// Decodes a picture file: PNG (any depth, palette, transparency, interlaced) or JPEG (baseline,
  /// progressive, grey, CMYK), told apart by their contents and not by the name.
  ///
  /// - Throws: ``FileError`` where the file cannot be read, ``ImageError`` where it cannot be
  ///   decoded.
  public init(contentsOf path: String) throws {
    let file = try MappedFile(path: path)
    self = try file.withBytes { bytes throws(ImageError) in
      try Image(decoding: bytes, file: path)
    }
  }

  /// Decodes the contents of a picture file.
  ///
  /// - Parameter file: the name that errors carry.
  /// - Throws: ``ImageError``.
  public init(decoding bytes: RawSpan, file: String? = nil) throws(ImageError) {
    var info = ci_info()
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE_SIZE))
    let status = bytes.withUnsafeBytes { bytes in
      ci_read_info(bytes.baseAddress, bytes.count, &info, &message)
    }
    try Self.check(status, message, file, byteCount: bytes.byteCount)
    let (height, width, channels) = (Int(info.height), Int(info.width), Int(info.channels))
    guard height > 0, width > 0, height <= Self.pixelLimit / width else {
      throw ImageError(
        file: file,
        problem: .tooLarge(width: width, height: height, pixelLimit: Self.pixelLimit))
    }
    let count = height * width * channels
    var decoding = CI_OK
    let pixels = [UInt8](unsafeUninitializedCapacity: count) { pixels, initialized in
      decoding = bytes.withUnsafeBytes { bytes in
        ci_decode(bytes.baseAddress, bytes.count, pixels.baseAddress, count, &message)
      }
      initialized = decoding == CI_OK ? count : 0
    }
    try Self.check(decoding, message, file, byteCount: bytes.byteCount)
    self.init(
      height: height, width: width, channels: channels == 2 ? 4 : channels,
      pixels: channels == 2 ? Self.expandingGrey(pixels) : pixels)
  }

  private static func check(
    _ status: ci_status, _ message: [CChar], _ file: String?, byteCount: Int
  ) throws(ImageError) {
    switch status {
    case CI_OK: return
    case CI_UNKNOWN_FORMAT:
      throw ImageError(file: file, problem: .unknownFormat(byteCount: byteCount))
    case CI_OUT_OF_MEMORY:
      throw ImageError(file: file, problem: .outOfMemory)
    default:
      let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw ImageError(
        file: file, problem: .corrupt(reason: String(decoding: text, as: UTF8.self)))
    }
  }

  /// Grey and alpha to four channels.
  private static func expandingGrey(_ pixels: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(pixels.count * 2)
    for start in stride(from: 0, to: pixels.count, by: 2) {
      let grey = pixels[start]
      result += [grey, grey, grey, pixels[start + 1]]
    }
    return result
  }
}
