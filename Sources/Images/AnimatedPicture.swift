import CImages
import ConvNetFiles

/// Pictures one after the other in one file: an animated PNG, which browsers play and every other reader of PNG files shows the
/// first picture of (PNG, third edition, 2025, section 11.3.6).
public struct AnimatedPicture: Sendable {
  /// One picture, and how long it stands.
  public struct Frame: Sendable {
    /// Of the same extents and channels as all others.
    public var image: Image
    /// Thousandths of a second, 1 to 65535.
    public var milliseconds: Int

    /// A picture that stands so long.
    public init(_ image: Image, milliseconds: Int) {
      self.image = image
      self.milliseconds = milliseconds
    }
  }

  /// In the order in which they are shown.
  public private(set) var frames: [Frame]
  /// How often they are shown; 0 for without end.
  public var plays: Int

  /// An animation.
  ///
  /// - Precondition: there is a picture, all have the same extents and channels, and each stands for 1 to 65535 milliseconds.
  public init(_ frames: [Frame], plays: Int = 0) {
    guard let first = frames.first?.image, plays >= 0 else {
      fatalError("an animation has a picture at least")
    }
    for frame in frames {
      guard frame.image.height == first.height, frame.image.width == first.width,
        frame.image.channels == first.channels, 1...65535 ~= frame.milliseconds
      else {
        fatalError("the pictures of an animation are alike, and stand for 1 to 65535 milliseconds")
      }
    }
    self.frames = frames
    self.plays = plays
  }

  /// The file.
  ///
  /// - Throws: ``ImageError`` as ``Image/encodedPNG()``.
  public func encodedPNG() throws(ImageError) -> [UInt8] {
    var result: [UInt8] = []
    var sequence: UInt32 = 0
    for (index, frame) in frames.enumerated() {
      let picture = try frame.image.encodedPNG()
      let chunks = PNGChunk.all(of: picture)
      if index == 0 {
        result += picture.prefix(8)
        // What all pictures share stands before the data of the first.
        for chunk in chunks.prefix(while: { $0.kind != "IDAT" }) { result += chunk.encoded }
        let plays = UInt32(clamping: plays)
        result +=
          PNGChunk("acTL", UInt32(frames.count).bigEndianBytes + plays.bigEndianBytes).encoded
      }
      result += control(of: frame, &sequence).encoded
      for chunk in chunks where chunk.kind == "IDAT" {
        if index == 0 {
          result += chunk.encoded
        } else {
          result += PNGChunk("fdAT", sequence.bigEndianBytes + chunk.data).encoded
          sequence += 1
        }
      }
    }
    return result + PNGChunk("IEND", []).encoded
  }

  /// Where a picture lies in the first, which it replaces, and how long it stands.
  private func control(of frame: Frame, _ sequence: inout UInt32) -> PNGChunk {
    let numbers = [sequence, UInt32(frame.image.width), UInt32(frame.image.height), 0, 0]
    sequence += 1
    let delay = UInt32(frame.milliseconds) << 16 | 1000
    return PNGChunk(
      "fcTL", numbers.flatMap(\.bigEndianBytes) + delay.bigEndianBytes + [0, 0])
  }

  /// Writes the file, whole or not at all.
  ///
  /// - Throws: ``FileError`` where it cannot be written, ``ImageError`` as ``encodedPNG()``.
  public func writePNG(to path: String) throws {
    try AtomicFile.write(encodedPNG(), to: path)
  }
}

/// A part of a PNG file: its length, kind, data, and a checksum.
private struct PNGChunk {
  var kind: String
  var data: ArraySlice<UInt8>

  init(_ kind: String, _ data: some Sequence<UInt8>) {
    self.kind = kind
    self.data = ArraySlice(data)
  }

  var encoded: [UInt8] {
    let checked = Array(kind.utf8) + data
    let checksum = ci_png_checksum(checked, checked.count)
    return UInt32(data.count).bigEndianBytes + checked + checksum.bigEndianBytes
  }

  /// Those of a file that this package wrote.
  static func all(of file: [UInt8]) -> [PNGChunk] {
    var chunks: [PNGChunk] = []
    var offset = 8
    while offset + 12 <= file.count {
      let length = file[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      let kind = String(decoding: file[offset + 4..<offset + 8], as: UTF8.self)
      chunks.append(PNGChunk(kind, file[offset + 8..<offset + 8 + length]))
      offset += 12 + length
    }
    return chunks
  }
}

extension UInt32 {
  fileprivate var bigEndianBytes: [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: self >> (24 - 8 * UInt32($0))) }
  }
}
