/// Pictures side by side in rows: a contact sheet.
public struct ImageGrid: Sendable {
  public var images: [Image]
  public var columns: Int
  /// Pixels between pictures and around them.
  public var spacing: Int
  public var background: Image.Color
  /// Every pixel becomes a square of this many pixels a side.
  public var magnification: Int

  /// - Precondition: there is a picture, `columns` and `magnification` are at least 1, `spacing` at
  ///   least 0.
  public init(
    _ images: [Image], columns: Int, spacing: Int = 2, background: Image.Color = .white,
    magnification: Int = 1
  ) {
    precondition(
      !images.isEmpty && columns > 0 && spacing >= 0 && magnification > 0,
      "a grid needs a picture, a column and no negative space")
    self.images = images
    self.columns = columns
    self.spacing = spacing
    self.background = background
    self.magnification = magnification
  }

  /// The sheet: cells as large as the largest picture, pictures centred in them, transparent ones
  /// composited on the background. Grey where every picture and the background are.
  public func image() -> Image {
    let isGrey =
      images.allSatisfy { $0.channels == 1 } && background == .init(grey: background.luminance)
    let channels = isGrey ? 1 : 3
    let height = images.map(\.height).reduce(0, max) * magnification
    let width = images.map(\.width).reduce(0, max) * magnification
    let columns = min(columns, images.count)
    let rows = (images.count + columns - 1) / columns
    var sheet = Image(
      height: rows * (height + spacing) + spacing, width: columns * (width + spacing) + spacing,
      color: background, channels: channels)
    for (index, image) in images.enumerated() {
      let picture = image.converted(toChannels: channels, background: background)
        .magnified(by: magnification)
      let row = spacing + index / columns * (height + spacing) + (height - picture.height) / 2
      let column = spacing + index % columns * (width + spacing) + (width - picture.width) / 2
      sheet.draw(picture, row: row, column: column)
    }
    return sheet
  }
}

extension Image {
  /// Every pixel repeated to a square.
  func magnified(by factor: Int) -> Image {
    guard factor > 1 else { return self }
    var result: [UInt8] = []
    result.reserveCapacity(pixels.count * factor * factor)
    for row in 0..<height * factor {
      for column in 0..<width * factor {
        let start = (row / factor * width + column / factor) * channels
        result += pixels[start..<start + channels]
      }
    }
    return Image(
      height: height * factor, width: width * factor, channels: channels, pixels: result)
  }
}
