import CImages
import ConvNetTensors

/// Decodes one picture after another. It keeps the decoders' state and its memory, so that nothing of
/// ours is allocated once it has seen pictures as large (the libraries allocate small things).
///
/// PNG, JPEG, WebP, PGM, PPM and PBM are told apart by their contents and not by the name. JPEG
/// pixels are those of Pillow, and of every other user of libjpeg-turbo with its default settings.
///
/// ```swift
/// var decoder = ImageDecoder(.init(channels: 3))
/// var image = Image(height: 1, width: 1, color: .black)
/// for path in paths { try decoder.decode(contentsOf: path, into: &image) }
/// ```
public struct ImageDecoder: ~Copyable, @unchecked Sendable {
  public var options: DecodingOptions
  private let handle: OpaquePointer?
  private var file = FileBuffer()
  /// The pixels before their channels are converted.
  private var stored: [UInt8] = []
  /// The pixels before they are turned.
  private var lying: [UInt8] = []

  public init(_ options: DecodingOptions = DecodingOptions()) {
    self.options = options
    handle = ci_decoder_create()
  }

  deinit { ci_decoder_destroy(handle) }

  /// Decodes a file.
  ///
  /// - Parameter image: is overwritten, its memory used again; after an error it holds anything.
  /// - Throws: ``FileError`` where the file cannot be read, ``ImageError`` where it cannot be
  ///   decoded.
  public mutating func decode(contentsOf path: String, into image: inout Image) throws {
    // Taken out, so that it can be read while the rest is written.
    var file = FileBuffer()
    swap(&file, &self.file)
    defer { swap(&file, &self.file) }
    try file.read(path)
    try file.withBytes { bytes throws(ImageError) in
      try decode(bytes, file: path, into: &image)
    }
  }

  /// Decodes the contents of a file.
  ///
  /// - Parameters:
  ///   - file: the name that errors carry.
  ///   - image: is overwritten, its memory used again; after an error it holds anything.
  /// - Throws: ``ImageError``.
  public mutating func decode(
    _ bytes: RawSpan, file: String? = nil, into image: inout Image
  ) throws(ImageError) {
    do throws(ImageError.Problem) {
      if let header = try NetpbmHeader(bytes) {
        try decode(bytes, header, into: &image)
      } else {
        try bytes.withUnsafeBytes { bytes throws(ImageError.Problem) in
          try decode(bytes, into: &image)
        }
      }
    } catch {
      throw ImageError(file: file, problem: error)
    }
  }

  private mutating func decode(
    _ bytes: RawSpan, _ header: NetpbmHeader, into image: inout Image
  ) throws(ImageError.Problem) {
    try checkExtents(header.height, header.width)
    stored.resize(to: header.height * header.width * header.channels)
    var span = stored.mutableSpan
    try header.decode(bytes, into: &span)
    convertStored(header.height, header.width, header.channels, into: &image)
  }

  private mutating func decode(
    _ bytes: UnsafeRawBufferPointer, into image: inout Image
  ) throws(ImageError.Problem) {
    guard let handle else { throw .outOfMemory }
    // What is open points to bytes that are only lent.
    defer { ci_decoder_close(handle) }
    let info = try open(handle, bytes)
    let (height, width, channels) = (Int(info.height), Int(info.width), Int(info.channels))
    let orientation = options.appliesOrientation ? info.orientation : 1
    if orientation == 1, channels == options.channels ?? channels {
      try image.overwrite(height: height, width: width, channels: channels) {
        pixels throws(ImageError.Problem) in try Self.read(handle, into: &pixels)
      }
      return
    }
    stored.resize(to: height * width * channels)
    var span = stored.mutableSpan
    try Self.read(handle, into: &span)
    guard orientation != 1 else {
      convertStored(height, width, channels, into: &image)
      return
    }
    swap(&stored, &lying)
    stored.resize(to: lying.count)
    ci_orient(lying, height, width, channels, orientation, &stored)
    if orientation < 5 {
      convertStored(height, width, channels, into: &image)
    } else {
      convertStored(width, height, channels, into: &image)
    }
  }

  private func convertStored(
    _ height: Int, _ width: Int, _ channels: Int, into image: inout Image
  ) {
    let wanted = options.channels ?? channels
    image.overwrite(height: height, width: width, channels: wanted) { pixels in
      Image.convert(
        stored.span, channels: channels, into: &pixels, channels: wanted,
        background: options.background)
    }
  }

  /// Reads the header.
  private func open(
    _ handle: OpaquePointer, _ bytes: UnsafeRawBufferPointer
  ) throws(ImageError.Problem) -> ci_info {
    var info = ci_info()
    // Twice as many pixels as are needed stay.
    let minimum = UInt32(clamping: 2 * min(options.resizedExtent ?? 0, 1 << 30))
    var choices = ci_options(
      accepts_damage: options.acceptsDamage ? 1 : 0, minimum_extent: minimum)
    try Self.check(byteCount: bytes.count) { message in
      ci_decoder_open(handle, bytes.baseAddress, bytes.count, &choices, &info, message)
    }
    try checkExtents(Int(info.full_height), Int(info.full_width))
    guard info.least_bytes <= bytes.count else {
      throw .corrupt(reason: "the file is too short for its dimensions")
    }
    return info
  }

  private static func read(
    _ handle: OpaquePointer, into pixels: inout MutableSpan<UInt8>
  ) throws(ImageError.Problem) {
    try pixels.withUnsafeMutableBufferPointer { pixels throws(ImageError.Problem) in
      try check(byteCount: 1) { message in
        ci_decoder_read(handle, nil, pixels.baseAddress, pixels.count, message)
      }
    }
  }

  private func checkExtents(_ height: Int, _ width: Int) throws(ImageError.Problem) {
    guard height > 0, width > 0, height <= options.pixelLimit / width else {
      throw .tooLarge(width: width, height: height, pixelLimit: options.pixelLimit)
    }
  }

  private static func check(
    byteCount: Int, _ work: (UnsafeMutablePointer<CChar>?) -> ci_status
  ) throws(ImageError.Problem) {
    var problem: ImageError.Problem?
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CI_MESSAGE_SIZE)) { message in
      switch work(message.baseAddress) {
      case CI_OK: break
      case CI_UNKNOWN_FORMAT: problem = .unknownFormat(byteCount: byteCount)
      case CI_OUT_OF_MEMORY: problem = .outOfMemory
      default:
        let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        problem = .corrupt(reason: String(decoding: text, as: UTF8.self))
      }
    }
    if let problem { throw problem }
  }
}
