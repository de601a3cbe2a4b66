import ConvNetFiles
import ConvNetTensors

/// The beginning of a picture of Netpbm's formats: PBM, PGM and PPM, as text (P1 to P3) or as bytes
/// (P4 to P6).
struct NetpbmHeader: PixelHeader {
  private enum Encoding { case bits, text, textBits, bytes }

  let height: Int
  let width: Int
  let channels: Int
  /// The value of white, up to 65,535.
  private let maximum: Int
  private let encoding: Encoding
  /// Where the pixels begin.
  private let offset: Int

  /// `nil` where the bytes are of another format.
  ///
  /// - Throws: where the header is damaged, or the file too short for its dimensions.
  init?(_ bytes: RawSpan) throws(ImageError.Problem) {
    guard bytes.byteCount >= 3, bytes.byte(0) == UInt8(ascii: "P"),
      case let kind = Int(bytes.byte(1)) - 0x30, 1...6 ~= kind, bytes.byte(2).isSpace
    else { return nil }
    var reader = NetpbmReader(at: 2)
    width = try reader.number(bytes)
    height = try reader.number(bytes)
    channels = kind % 3 == 0 ? 3 : 1
    let isBitmap = kind % 3 == 1
    maximum = isBitmap ? 1 : try reader.number(bytes)
    guard width > 0, height > 0, 1...65535 ~= maximum else {
      throw .corrupt(reason: "\(width) x \(height) pixels with values up to \(maximum)")
    }
    encoding = isBitmap ? (kind < 4 ? .textBits : .bits) : (kind < 4 ? .text : .bytes)
    // One byte of space ends the header of binary files.
    offset = kind < 4 ? reader.offset : reader.offset + 1
    guard let least = leastByteCount, offset <= bytes.byteCount - least else {
      throw .corrupt(reason: "the file is too short for its dimensions")
    }
  }

  /// Bytes that the pixels take at least.
  private var leastByteCount: Int? {
    // Both are below 2^32.
    let (values, overflow) = (width * channels).multipliedReportingOverflow(by: height)
    guard !overflow, values < Int.max / 4 else { return nil }
    return switch encoding {
    case .bits: (width + 7) / 8 * height
    case .textBits: values
    case .text: 2 * values - 1
    case .bytes: maximum > 255 ? 2 * values : values
    }
  }

  /// Decodes to eight bits a channel: `value * 255 / maximum`, rounded.
  ///
  /// - Precondition: `bytes` are those of the header, and `pixels` has room for the picture.
  func decode(
    _ bytes: RawSpan, into pixels: inout MutableSpan<UInt8>
  ) throws(ImageError.Problem) {
    precondition(pixels.count == height * width * channels)
    switch encoding {
    case .bits:
      let stride = (width + 7) / 8
      for row in 0..<height {
        for column in 0..<width {
          let byte = bytes.byte(offset + row * stride + column / 8)
          pixels[row * width + column] = byte << UInt8(column % 8) & 0x80 == 0 ? 255 : 0
        }
      }
    case .textBits:
      var reader = NetpbmReader(at: offset)
      for index in pixels.indices { pixels[index] = try reader.bit(bytes) ? 0 : 255 }
    case .text:
      var reader = NetpbmReader(at: offset)
      for index in pixels.indices { pixels[index] = try level(reader.number(bytes)) }
    case .bytes where maximum == 255:
      bytes.withUnsafeBytes { bytes in
        pixels.withUnsafeMutableBytes { pixels in
          pixels.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + pixels.count]))
        }
      }
    case .bytes where maximum < 255:
      for index in pixels.indices { pixels[index] = try level(Int(bytes.byte(offset + index))) }
    case .bytes:
      for index in pixels.indices {
        let value = bytes.integer(at: offset + 2 * index, bigEndian: true, as: UInt16.self) ?? 0
        pixels[index] = try level(Int(value))
      }
    }
  }

  private func level(_ value: Int) throws(ImageError.Problem) -> UInt8 {
    guard value <= maximum else {
      throw .corrupt(reason: "the value \(value) is above the maximum \(maximum)")
    }
    return UInt8((value * 510 + maximum) / (2 * maximum))
  }
}

/// Numbers in text, between white space and comments.
private struct NetpbmReader {
  private(set) var offset: Int

  init(at offset: Int) { self.offset = offset }

  private mutating func skipSpace(_ bytes: RawSpan) {
    while offset < bytes.byteCount {
      let byte = bytes.byte(offset)
      if byte == UInt8(ascii: "#") {
        while offset < bytes.byteCount, bytes.byte(offset) != UInt8(ascii: "\n") { offset += 1 }
      } else if byte.isSpace {
        offset += 1
      } else {
        return
      }
    }
  }

  /// Up to nine digits.
  mutating func number(_ bytes: RawSpan) throws(ImageError.Problem) -> Int {
    skipSpace(bytes)
    var value = 0
    let start = offset
    while offset < bytes.byteCount, case let digit = bytes.byte(offset), 0x30...0x39 ~= digit {
      value = value * 10 + Int(digit - 0x30)
      offset += 1
      guard offset - start <= 9 else { throw .corrupt(reason: "a number of ten digits or more") }
    }
    guard offset > start else {
      throw .corrupt(
        reason: offset == bytes.byteCount
          ? "the file is truncated" : "no number at byte \(offset)")
    }
    return value
  }

  /// One digit, which needs no space around it; 1 is black.
  mutating func bit(_ bytes: RawSpan) throws(ImageError.Problem) -> Bool {
    skipSpace(bytes)
    guard offset < bytes.byteCount else { throw .corrupt(reason: "the file is truncated") }
    let digit = bytes.byte(offset)
    guard digit == 0x30 || digit == 0x31 else {
      throw .corrupt(reason: "neither 0 nor 1 at byte \(offset)")
    }
    offset += 1
    return digit == 0x31
  }
}

extension RawSpan {
  /// - Precondition: the offset lies within the span.
  func byte(_ offset: Int) -> UInt8 {
    unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }
}

extension UInt8 {
  /// White space as C counts it.
  fileprivate var isSpace: Bool { self == 0x20 || 0x09...0x0D ~= self }
}
