/// A picture: eight bits a channel, channels of a pixel side by side, rows from the top (order [H,
/// W, C]).
public struct Image: Hashable, Sendable {
  /// Rows, at least 1.
  public private(set) var height: Int
  /// Columns, at least 1.
  public private(set) var width: Int
  /// 1 grey, 3 red, green and blue, 4 the same and alpha (not premultiplied; 255 is opaque).
  public private(set) var channels: Int
  /// `height * width * channels` values from 0 to 255.
  public private(set) var pixels: [UInt8]

  /// - Precondition: the extents are at least 1, `channels` is 1, 3 or 4, and `pixels` has as many
  ///   values.
  public init(height: Int, width: Int, channels: Int, pixels: [UInt8]) {
    guard height > 0 && width > 0 else { fatalError("a picture needs at least one pixel") }
    guard [1, 3, 4].contains(channels) else {
      fatalError("a picture has 1, 3 or 4 channels, not \(channels)")
    }
    guard pixels.count == height * width * channels else {
      fatalError("\(pixels.count) values do not fill \(height)x\(width)x\(channels)")
    }
    self.height = height
    self.width = width
    self.channels = channels
    self.pixels = pixels
  }

  /// A picture of one color.
  public init(height: Int, width: Int, color: Color, channels: Int = 3) {
    let values = color.values(channels: channels)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(height * width * channels)
    for _ in 0..<height * width { pixels += values }
    self.init(height: height, width: width, channels: channels, pixels: pixels)
  }

  /// Writes a picture of these extents over this one, and allocates only where its memory does not
  /// suffice. `body` gets all the pixels, which hold anything, to fill.
  ///
  /// - Precondition: as for ``init(height:width:channels:pixels:)``.
  package mutating func overwrite<Result, Failure: Error>(
    height: Int, width: Int, channels: Int,
    _ body: (inout MutableSpan<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard height > 0 && width > 0 else { fatalError("a picture needs at least one pixel") }
    guard [1, 3, 4].contains(channels) else {
      fatalError("a picture has 1, 3 or 4 channels, not \(channels)")
    }
    self.height = height
    self.width = width
    self.channels = channels
    pixels.resize(to: height * width * channels)
    var span = pixels.mutableSpan
    return try body(&span)
  }

  /// Lends the pixels for writing, in the order of ``pixels``.
  public mutating func withMutablePixels<Result>(
    _ body: (inout MutableSpan<UInt8>) -> Result
  ) -> Result {
    var span = pixels.mutableSpan
    return body(&span)
  }

  /// One value, from 0 to 255.
  public subscript(row: Int, column: Int, channel: Int) -> UInt8 {
    get { pixels[offset(row, column, channel)] }
    set { pixels[offset(row, column, channel)] = newValue }
  }

  private func offset(_ row: Int, _ column: Int, _ channel: Int) -> Int {
    guard 0..<height ~= row && 0..<width ~= column && 0..<channels ~= channel else {
      fatalError(
        "(\(row), \(column), \(channel)) is outside a picture of \(height)x\(width)x\(channels)")
    }
    return (row * width + column) * channels + channel
  }

  /// Copies another picture of as many channels over this one.
  package mutating func draw(_ other: Image, row: Int, column: Int) {
    precondition(
      other.channels == channels && row >= 0 && column >= 0 && row + other.height <= height
        && column + other.width <= width)
    let count = other.width * channels
    for line in 0..<other.height {
      let target = offset(row + line, column, 0)
      let source = line * count
      pixels.replaceSubrange(target..<target + count, with: other.pixels[source..<source + count])
    }
  }
}

extension Image {
  /// An opaque color.
  public struct Color: Hashable, Sendable, Codable {
    /// From 0 to 255, as stored: of sRGB, not of light.
    public var red: UInt8
    /// From 0 to 255.
    public var green: UInt8
    /// From 0 to 255.
    public var blue: UInt8

    /// A color of these parts.
    public init(red: UInt8, green: UInt8, blue: UInt8) {
      self.red = red
      self.green = green
      self.blue = blue
    }

    /// Three equal parts: 0 is black, 255 white.
    public init(grey: UInt8) { self.init(red: grey, green: grey, blue: grey) }

    /// All parts 255.
    public static let white = Color(grey: 255)
    /// All parts 0.
    public static let black = Color(grey: 0)

    /// The brightness of ITU-R BT.601, `0.299 red + 0.587 green + 0.114 blue`, rounded (in the
    /// fixed-point form that Pillow uses).
    public var luminance: UInt8 {
      let sum = 19595 * UInt32(red) + 38470 * UInt32(green) + 7471 * UInt32(blue)
      return UInt8((sum + 0x8000) >> 16)
    }

    func values(channels: Int) -> [UInt8] {
      switch channels {
      case 1: [luminance]
      case 3: [red, green, blue]
      default: [red, green, blue, 255]
      }
    }
  }
}
