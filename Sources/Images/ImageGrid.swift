/// Pictures side by side in rows, with labels or without: a contact sheet.
public struct ImageGrid: Sendable {
  /// The pictures, row by row; they may differ in size.
  public var images: [Image]
  /// Pictures in a row.
  public var columns: Int
  /// Pixels between pictures and around them.
  public var spacing: Int
  /// What stands between and behind them.
  public var background: Image.Color
  /// Every pixel becomes a square of this many pixels a side.
  public var magnification: Int
  /// What stands below each picture, or `nil` for no labels. Letters beyond ASCII lose their accents,
  /// or become boxes.
  public var labels: [String]?
  /// A pixel of the letters, which are eight high, becomes a square of this many pixels a side.
  public var labelMagnification: Int
  /// A longer label loses letters in its middle.
  public var labelLimit: Int

  /// - Precondition: there is a picture, and a label for each where there are any; `columns` and the
  ///   magnifications are at least 1, `spacing` at least 0, `labelLimit` at least 4.
  public init(
    _ images: [Image], columns: Int, spacing: Int = 2, background: Image.Color = .white,
    magnification: Int = 1, labels: [String]? = nil, labelMagnification: Int = 1,
    labelLimit: Int = 24
  ) {
    guard !images.isEmpty && columns > 0 && spacing >= 0 && magnification > 0 else {
      fatalError("a grid needs a picture, a column and no negative space")
    }
    guard labels.map({ $0.count == images.count }) ?? true else {
      fatalError("\(images.count) pictures need as many labels, not \(labels?.count ?? 0)")
    }
    guard labelMagnification > 0 && labelLimit >= 4 else {
      fatalError("a label needs pixels and four letters")
    }
    self.images = images
    self.columns = columns
    self.spacing = spacing
    self.background = background
    self.magnification = magnification
    self.labels = labels
    self.labelMagnification = labelMagnification
    self.labelLimit = labelLimit
  }

  /// The sheet: cells as large as the largest picture and the longest label, pictures centred in
  /// them, transparent ones composited on the background. Grey where every picture and the
  /// background are.
  public func image() -> Image {
    let isGrey =
      images.allSatisfy { $0.channels == 1 } && background == .init(grey: background.luminance)
    let channels = isGrey ? 1 : 3
    let texts = labels.map { $0.map(shortened) }
    let textExtents = (texts ?? []).map {
      Image.textExtents($0, magnification: labelMagnification)
    }
    let pictureHeight = images.map(\.height).reduce(0, max) * magnification
    let gap = texts == nil ? 0 : 2 * labelMagnification
    let height = pictureHeight + gap + textExtents.map(\.height).reduce(0, max)
    let width = max(
      images.map(\.width).reduce(0, max) * magnification,
      textExtents.map(\.width).reduce(0, max))
    let columns = min(columns, images.count)
    let rows = (images.count + columns - 1) / columns
    var sheet = Image(
      height: rows * (height + spacing) + spacing, width: columns * (width + spacing) + spacing,
      color: background, channels: channels)
    for (index, image) in images.enumerated() {
      let picture = image.converted(toChannels: channels, background: background)
        .magnified(by: magnification)
      let top = spacing + index / columns * (height + spacing)
      let left = spacing + index % columns * (width + spacing)
      sheet.draw(
        picture, row: top + (pictureHeight - picture.height) / 2,
        column: left + (width - picture.width) / 2)
      if let texts {
        sheet.draw(
          texts[index], row: top + pictureHeight + gap,
          column: left + (width - textExtents[index].width) / 2,
          color: background.luminance > 127 ? .black : .white, magnification: labelMagnification)
      }
    }
    return sheet
  }

  private func shortened(_ label: String) -> String {
    guard label.count > labelLimit else { return label }
    let kept = labelLimit - 2
    return label.prefix((kept + 1) / 2) + ".." + label.suffix(kept / 2)
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
