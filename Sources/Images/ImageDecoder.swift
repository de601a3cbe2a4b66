import CImages
import ConvNetFiles
import ConvNetTensors

/// Decodes one picture after another. It keeps the decoders' state and its memory, so that nothing of
/// ours is allocated once it has seen pictures as large (the libraries allocate small things).
///
/// PNG, JPEG, WebP, GIF, BMP, TIFF, PGM, PPM and PBM are told apart by their contents and not by the
/// name. Pixels are those of Pillow; of JPEG, also of every other user of libjpeg-turbo with its
/// default settings.
///
/// ```swift
/// var decoder = ImageDecoder(.init(channels: 3))
/// var image = Image(height: 1, width: 1, color: .black)
/// for path in paths { try decoder.decode(contentsOf: path, into: &image) }
/// ```
public struct ImageDecoder: ~Copyable, @unchecked Sendable {
  /// What becomes of the next picture that is decoded.
  public var options: DecodingOptions
  private let handle: OpaquePointer?
  private var file = FileBuffer()
  /// The pixels before their channels are converted.
  private var stored: [UInt8] = []
  /// The pixels before they are cut or turned.
  private var earlier: [UInt8] = []

  /// A decoder that has no memory yet: the first picture asks for it.
  public init(_ options: DecodingOptions = DecodingOptions()) {
    self.options = options
    handle = ci_decoder_create()
  }

  deinit { ci_decoder_destroy(handle) }

  /// Decodes a file, or a part of its picture.
  ///
  /// - Parameters:
  ///   - image: is overwritten, its memory used again; after an error it holds anything.
  ///   - part: is given the height and the width of the upright picture and says which part of it is
  ///     wanted. Of a JPEG file, little else is decoded, and the pixels are those of the whole.
  ///     ``DecodingOptions/resizedExtent`` counts for whole pictures only. Damage behind the part
  ///     may stay unnoticed.
  /// - Throws: ``FileError`` where the file cannot be read, ``ImageError`` where it cannot be
  ///   decoded.
  public mutating func decode(
    contentsOf path: String, into image: inout Image,
    part: (_ height: Int, _ width: Int) -> ImageRegion = ImageRegion.all
  ) throws {
    // Taken out, so that it can be read while the rest is written.
    var file = FileBuffer()
    swap(&file, &self.file)
    defer { swap(&file, &self.file) }
    try file.read(path)
    try file.withBytes { bytes throws(ImageError) in
      try decode(bytes, file: path, into: &image, part: part)
    }
  }

  /// Decodes the contents of a file, or a part of its picture.
  ///
  /// - Parameters:
  ///   - file: the name that errors carry.
  ///   - image: is overwritten, its memory used again; after an error it holds anything.
  ///   - part: as for ``decode(contentsOf:into:part:)``.
  /// - Throws: ``ImageError``.
  public mutating func decode(
    _ bytes: RawSpan, file: String? = nil, into image: inout Image,
    part: (_ height: Int, _ width: Int) -> ImageRegion = ImageRegion.all
  ) throws(ImageError) {
    do throws(ImageError.Problem) {
      if let header = try NetpbmHeader(bytes) {
        try decode(bytes, header, into: &image, part)
      } else if let header = try BitmapHeader(bytes) {
        try decode(bytes, header, into: &image, part)
      } else {
        try bytes.withUnsafeBytes { bytes throws(ImageError.Problem) in
          try decode(bytes, into: &image, part)
        }
      }
    } catch {
      throw ImageError(file: file, problem: error)
    }
  }

  /// What is wrong with a picture as far as the first bytes of its file tell; nothing is decoded.
  ///
  /// - Parameter isWhole: whether there are no more: else nothing is called damaged.
  /// - Returns: `nil` where nothing is known to be wrong.
  package mutating func problem(
    ofBeginning bytes: RawSpan, isWhole: Bool
  ) -> ImageError.Problem? {
    do throws(ImageError.Problem) {
      if let header = try NetpbmHeader(bytes) {
        try checkExtents(header.height, header.width)
      } else if let header = try BitmapHeader(bytes) {
        try checkExtents(header.height, header.width)
      } else {
        try bytes.withUnsafeBytes { bytes throws(ImageError.Problem) in
          guard let handle else { return }
          defer { ci_decoder_close(handle) }
          _ = try open(handle, bytes)
        }
      }
      return nil
    } catch {
      // What is missing may lie behind.
      if case .corrupt = error, !isWhole { return nil }
      if case .outOfMemory = error { return nil }
      return error
    }
  }

  private mutating func decode(
    _ bytes: RawSpan, _ header: some PixelHeader, into image: inout Image,
    _ part: (Int, Int) -> ImageRegion
  ) throws(ImageError.Problem) {
    let (height, width, channels) = (header.height, header.width, header.channels)
    try checkExtents(height, width)
    let region = Self.checked(part(height, width), height, width)
    try requireMemory(height * width * (channels + (options.channels ?? channels)))
    stored.resize(to: height * width * channels)
    var span = stored.mutableSpan
    try header.decode(bytes, into: &span)
    cutStored(to: region, height, width, channels)
    convertStored(region.height, region.width, channels, into: &image)
  }

  private mutating func decode(
    _ bytes: UnsafeRawBufferPointer, into image: inout Image, _ part: (Int, Int) -> ImageRegion
  ) throws(ImageError.Problem) {
    guard let handle else { throw .outOfMemory(byteCount: nil) }
    // What is open points to bytes that are only lent.
    defer { ci_decoder_close(handle) }
    var info = try open(handle, bytes)
    let orientation = options.appliesOrientation ? info.orientation : 1
    let isTransposed = orientation >= 5
    var (height, width) = (Int(info.height), Int(info.width))
    let (uprightHeight, uprightWidth) = isTransposed ? (width, height) : (height, width)
    let wanted = Self.checked(part(uprightHeight, uprightWidth), uprightHeight, uprightWidth)
    var region = wanted.lying(orientation: orientation, height: height, width: width)
    let isWhole = region == .all(height: height, width: width)
    if isWhole, let extent = options.resizedExtent {
      // Twice as many pixels as are needed stay.
      ci_decoder_shrink(handle, UInt32(clamping: 2 * min(max(extent, 1), 1 << 30)), &info)
      (height, width) = (Int(info.height), Int(info.width))
      region = .all(height: height, width: width)
    }
    let channels = Int(info.channels)
    let readsPart = !isWhole && info.format == CI_JPEG
    let read = readsPart || isWhole ? region : .all(height: height, width: width)
    try requireMemory(read.height * read.width * (channels + (options.channels ?? channels)))
    if orientation == 1, read == region, channels == options.channels ?? channels {
      try image.overwrite(height: read.height, width: read.width, channels: channels) {
        pixels throws(ImageError.Problem) in
        try Self.read(handle, readsPart ? read : nil, into: &pixels)
      }
      return
    }
    stored.resize(to: read.height * read.width * channels)
    var span = stored.mutableSpan
    try Self.read(handle, readsPart ? read : nil, into: &span)
    if read != region { cutStored(to: region, height, width, channels) }
    if orientation != 1 {
      swap(&stored, &earlier)
      stored.resize(to: earlier.count)
      ci_orient(earlier, region.height, region.width, channels, orientation, &stored)
    }
    convertStored(
      isTransposed ? region.width : region.height, isTransposed ? region.height : region.width,
      channels, into: &image)
  }

  private mutating func cutStored(
    to region: ImageRegion, _ height: Int, _ width: Int, _ channels: Int
  ) {
    guard region != .all(height: height, width: width) else { return }
    swap(&stored, &earlier)
    let count = region.width * channels
    stored.resize(to: region.height * count)
    stored.withUnsafeMutableBufferPointer { target in
      earlier.withUnsafeBufferPointer { source in
        for row in 0..<region.height {
          let start = ((region.row + row) * width + region.column) * channels
          _ = target[row * count..<(row + 1) * count].update(
            fromContentsOf: source[start..<start + count])
        }
      }
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
    var choices = ci_options(accepts_damage: options.acceptsDamage ? 1 : 0)
    try Self.check(bytes) { message in
      ci_decoder_open(handle, bytes.baseAddress, bytes.count, &choices, &info, message)
    }
    try checkExtents(Int(info.full_height), Int(info.full_width))
    guard info.least_bytes <= bytes.count else {
      throw .corrupt(reason: "the file is too short for its dimensions")
    }
    return info
  }

  private static func read(
    _ handle: OpaquePointer, _ region: ImageRegion?, into pixels: inout MutableSpan<UInt8>
  ) throws(ImageError.Problem) {
    try pixels.withUnsafeMutableBufferPointer { pixels throws(ImageError.Problem) in
      try check(nil) { message in
        guard let region else {
          return ci_decoder_read(handle, nil, pixels.baseAddress, pixels.count, message)
        }
        var part = ci_region(
          x: UInt32(region.column), y: UInt32(region.row), width: UInt32(region.width),
          height: UInt32(region.height))
        return ci_decoder_read(handle, &part, pixels.baseAddress, pixels.count, message)
      }
    }
  }

  private static func checked(_ region: ImageRegion, _ height: Int, _ width: Int) -> ImageRegion {
    guard region.fits(height: height, width: width) else {
      fatalError("\(region) is not a part of a picture of \(height)x\(width)")
    }
    return region
  }

  /// Arrays that grow beyond what there is would end the process.
  private func requireMemory(_ byteCount: Int) throws(ImageError.Problem) {
    guard Memory.has(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
  }

  private func checkExtents(_ height: Int, _ width: Int) throws(ImageError.Problem) {
    guard height > 0, width > 0, height <= options.pixelLimit / width else {
      throw .tooLarge(width: width, height: height, pixelLimit: options.pixelLimit)
    }
  }

  private static func check(
    _ bytes: UnsafeRawBufferPointer?, _ work: (UnsafeMutablePointer<CChar>?) -> ci_status
  ) throws(ImageError.Problem) {
    var problem: ImageError.Problem?
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CI_MESSAGE_SIZE)) { message in
      let status = work(message.baseAddress)
      switch status {
      case CI_OK: break
      case CI_UNKNOWN_FORMAT:
        problem =
          bytes.flatMap { FileKind(of: $0.bytes) }.map {
            $0.isPicture ? .unsupported(kind: $0.name) : .otherFile($0)
          } ?? .unknownFormat(byteCount: bytes?.count ?? 0)
      case CI_OUT_OF_MEMORY: problem = .outOfMemory(byteCount: nil)
      default:
        let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let words = String(decoding: text, as: UTF8.self)
        problem = status == CI_UNSUPPORTED ? .unsupported(kind: words) : .corrupt(reason: words)
      }
    }
    if let problem { throw problem }
  }
}

/// The beginning of a picture whose pixels are little more than rows, and which is read here.
protocol PixelHeader {
  var height: Int { get }
  var width: Int { get }
  var channels: Int { get }

  /// - Precondition: `bytes` are those of the header, and `pixels` has room for the picture.
  func decode(
    _ bytes: RawSpan, into pixels: inout MutableSpan<UInt8>
  ) throws(ImageError.Problem)
}
