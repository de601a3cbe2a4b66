import ConvNetFiles

/// The beginning of a Windows bitmap (BMP): 1, 4, 8, 16, 24 or 32 bits a pixel, from the bottom or from the top, of OS/2's or
/// Windows' headers, with runs (RLE4, RLE8) or masks. No library that is kept up reads the format, and it is little more than
/// rows.
///
/// Numbers are little-endian; every place is checked before it is read. As of Pillow, the fourth byte of 32 bits without a mask
/// is nothing, and a color that the palette does not have is black.
struct BitmapHeader: PixelHeader {
  private enum Encoding {
    case indices(bits: Int)
    case runs(bits: Int)
    case masked(byteCount: Int, [Mask])
    case bytes(count: Int)
  }

  let height: Int
  let width: Int
  let channels: Int
  private let isTopDown: Bool
  private let encoding: Encoding
  /// Red, green and blue of each index.
  private let palette: [(UInt8, UInt8, UInt8)]
  /// Where the pixels begin.
  private let offset: Int

  /// Bits of a pixel that are one channel.
  private struct Mask {
    var shift: UInt32
    var maximum: UInt32

    init(_ bits: UInt32) {
      shift = bits == 0 ? 0 : UInt32(bits.trailingZeroBitCount)
      maximum = bits >> shift
    }

    func level(_ pixel: UInt32) -> UInt8 {
      guard maximum > 0 else { return 0 }
      let value = UInt64(pixel >> shift & maximum)
      return UInt8(truncatingIfNeeded: value * 255 / UInt64(maximum))
    }
  }

  /// `nil` where the bytes are of another format.
  ///
  /// - Throws: where the header is damaged or of an unknown kind, or the file too short for its dimensions.
  init?(_ bytes: RawSpan) throws(ImageError.Problem) {
    let knownSizes = [12, 16, 40, 52, 56, 64, 108, 124]
    guard bytes.byteCount >= 26, bytes.byte(0) == UInt8(ascii: "B"),
      bytes.byte(1) == UInt8(ascii: "M"), case let size = bytes.littleEndian(14, 4),
      knownSizes.contains(size)
    else { return nil }
    guard 14 + size <= bytes.byteCount, size != 16 else {
      throw size == 16
        ? .unsupported(kind: "BMP with a header of 16 bytes")
        : .corrupt(reason: "the file is too short for its header")
    }
    let isCore = size == 12
    width = isCore ? bytes.littleEndian(18, 2) : bytes.signed(18)
    let signedHeight = isCore ? bytes.littleEndian(20, 2) : bytes.signed(22)
    height = abs(signedHeight)
    isTopDown = signedHeight < 0
    let bits = bytes.littleEndian(isCore ? 24 : 28, 2)
    let compression = isCore ? 0 : bytes.littleEndian(30, 4)
    guard width > 0, height > 0 else {
      throw .corrupt(reason: "\(width) x \(signedHeight) pixels")
    }
    var end = 14 + size
    switch (compression, bits) {
    case (0, 1), (0, 2), (0, 4), (0, 8): encoding = .indices(bits: bits)
    case (1, 8), (2, 4): encoding = .runs(bits: bits)
    case (0, 24), (0, 32): encoding = .bytes(count: bits / 8)
    case (0, 16):
      encoding = .masked(byteCount: 2, [0x7C00, 0x3E0, 0x1F].map(Mask.init))
    case (3, 16), (3, 24), (3, 32), (6, 16), (6, 24), (6, 32):
      // Behind a short header, or in a long one.
      let count = compression == 6 || size >= 56 ? 4 : 3
      if size == 40 { end += 4 * count }
      guard 54 + 4 * count <= bytes.byteCount else {
        throw .corrupt(reason: "the file is too short for its header")
      }
      var masks = (0..<count).map { UInt32(bytes.littleEndian(54 + 4 * $0, 4)) }
      if masks.count == 4, masks[3] == 0 { masks.removeLast() }
      encoding = .masked(byteCount: bits / 8, masks.map(Mask.init))
    case (4, _): throw .unsupported(kind: "BMP with JPEG inside")
    case (5, _): throw .unsupported(kind: "BMP with PNG inside")
    default:
      throw .unsupported(kind: "BMP of \(bits) bits a pixel with compression \(compression)")
    }
    channels = if case .masked(_, let masks) = encoding, masks.count == 4 { 4 } else { 3 }
    let given = bytes.littleEndian(10, 4)
    offset = given == 0 ? end : given
    palette = try Self.palette(
      bytes, at: end, entrySize: isCore ? 3 : 4, encoding,
      claimed: isCore || bytes.byteCount < 50 ? 0 : bytes.littleEndian(46, 4))
    guard let least = leastByteCount, offset <= bytes.byteCount, least <= bytes.byteCount - offset
    else { throw .corrupt(reason: "the file is too short for its dimensions") }
  }

  private static func palette(
    _ bytes: RawSpan, at start: Int, entrySize: Int, _ encoding: Encoding, claimed: Int
  ) throws(ImageError.Problem) -> [(UInt8, UInt8, UInt8)] {
    let bits: Int
    switch encoding {
    case .indices(let count), .runs(let count): bits = count
    case .masked, .bytes: return []
    }
    let count = claimed == 0 ? 1 << bits : min(claimed, 256)
    guard start <= bytes.byteCount, count * entrySize <= bytes.byteCount - start else {
      throw .corrupt(reason: "the file is too short for its palette")
    }
    let colors = (0..<count).map { index in
      let place = start + index * entrySize
      return (bytes.byte(place + 2), bytes.byte(place + 1), bytes.byte(place))
    }
    return colors + repeatElement((0, 0, 0), count: 256 - colors.count)
  }

  /// Bytes of a row without the gap behind it.
  private var rowByteCount: Int? {
    let bits =
      switch encoding {
      case .indices(let bits): bits
      case .runs: 0
      case .masked(let count, _), .bytes(let count): 8 * count
      }
    let (product, overflows) = width.multipliedReportingOverflow(by: bits)
    return overflows ? nil : (product + 7) / 8
  }

  private var stride: Int { ((rowByteCount ?? 0) + 3) / 4 * 4 }

  /// Bytes that the pixels take at least.
  private var leastByteCount: Int? {
    if case .runs = encoding {
      // Whole pictures may be a step; only those of nearly one color shrink further.
      return max(0, width * height - 1 << 24) / 1024
    }
    guard let row = rowByteCount else { return nil }
    let (above, overflows) = stride.multipliedReportingOverflow(by: height - 1)
    return overflows || above > Int.max - row ? nil : above + row
  }

  /// - Precondition: `bytes` are those of the header, and `pixels` has room for the picture.
  func decode(
    _ bytes: RawSpan, into pixels: inout MutableSpan<UInt8>
  ) throws(ImageError.Problem) {
    precondition(pixels.count == height * width * channels)
    if case .runs(let bits) = encoding { return try decodeRuns(bytes, bits: bits, into: &pixels) }
    for row in 0..<height {
      let start = offset + row * stride
      let target = (isTopDown ? row : height - 1 - row) * width * channels
      switch encoding {
      case .indices(let bits):
        let mask = (1 << bits) - 1
        for column in 0..<width {
          let byte = Int(bytes.byte(start + column * bits / 8))
          let index = byte >> (8 - bits - column * bits % 8) & mask
          write(palette[index], to: &pixels, at: target + 3 * column)
        }
      case .bytes(let count):
        for column in 0..<width {
          let place = start + count * column
          let color = (bytes.byte(place + 2), bytes.byte(place + 1), bytes.byte(place))
          write(color, to: &pixels, at: target + 3 * column)
        }
      case .masked(let count, let masks):
        for column in 0..<width {
          let pixel = UInt32(bytes.littleEndian(start + count * column, count))
          for channel in 0..<channels {
            pixels[target + channels * column + channel] = masks[channel].level(pixel)
          }
        }
      case .runs: break
      }
    }
  }

  private func write(
    _ color: (UInt8, UInt8, UInt8), to pixels: inout MutableSpan<UInt8>, at place: Int
  ) {
    pixels[place] = color.0
    pixels[place + 1] = color.1
    pixels[place + 2] = color.2
  }

  /// Runs of a color, literal colors, ends of rows and of the picture, steps. What is stepped over has the first color.
  private func decodeRuns(
    _ bytes: RawSpan, bits: Int, into pixels: inout MutableSpan<UInt8>
  ) throws(ImageError.Problem) {
    for index in 0..<height * width { write(palette[0], to: &pixels, at: 3 * index) }
    var (place, column, row) = (offset, 0, 0)
    func byte() throws(ImageError.Problem) -> Int {
      guard place < bytes.byteCount else { throw .corrupt(reason: "the file is truncated") }
      place += 1
      return Int(bytes.byte(place - 1))
    }
    func put(_ index: Int, _ pixels: inout MutableSpan<UInt8>) {
      // What a run has too much for its row is lost.
      guard column < width, row < height else { return }
      let target = (isTopDown ? row : height - 1 - row) * width + column
      write(palette[index], to: &pixels, at: 3 * target)
      column += 1
    }
    while row < height {
      let count = try byte()
      let value = try byte()
      if count > 0 {
        for step in 0..<count {
          put(bits == 8 ? value : step % 2 == 0 ? value >> 4 : value & 15, &pixels)
        }
        continue
      }
      switch value {
      case 0: (column, row) = (0, row + 1)
      case 1: return
      case 2:
        column = min(width, column + (try byte()))
        row += try byte()
      default:
        let byteCount = bits == 8 ? value : (value + 1) / 2
        for step in 0..<byteCount {
          let next = try byte()
          if bits == 8 {
            put(next, &pixels)
          } else {
            put(next >> 4, &pixels)
            if 2 * step + 1 < value { put(next & 15, &pixels) }
          }
        }
        if byteCount % 2 == 1 { _ = try byte() }
      }
      // A row may end without saying so only where the next begins with what follows.
      if column == width, row == height - 1 { return }
    }
  }
}

extension RawSpan {
  /// - Precondition: the bytes are there.
  fileprivate func littleEndian(_ offset: Int, _ count: Int) -> Int {
    (0..<count).reduce(0) { $0 | Int(byte(offset + $1)) << (8 * $1) }
  }

  fileprivate func signed(_ offset: Int) -> Int {
    Int(Int32(truncatingIfNeeded: littleEndian(offset, 4)))
  }
}
