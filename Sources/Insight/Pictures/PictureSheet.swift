public import ConvNetImages
public import ConvNetReports
import Foundation

/// Pictures side by side with what each is below it, and what their colors stand for. Drawn as SVG, or as a picture.
public struct PictureSheet: Figure {
  /// One picture.
  public struct Panel: Hashable, Sendable {
    /// What is shown.
    public var image: Image
    /// What it is; lines are broken at line feeds.
    public var label: String

    /// A picture with a label.
    public init(_ image: Image, _ label: String) {
      self.image = image
      self.label = label
    }
  }

  public var title: String
  /// What stands below the title; empty for nothing.
  public var subtitle: String
  /// From left to right, row by row.
  public var panels: [Panel]
  /// Panels in a row.
  public var columns: Int
  /// The longer side of the largest picture, in pixels.
  public var side: Int
  /// What colors stand for; `nil` where they are the pictures' own.
  public var legend: ColorLegend?

  /// A sheet of these pictures.
  ///
  /// - Precondition: there is at least one; `columns` and `side` are at least 1.
  public init(
    _ title: String, subtitle: String = "", panels: [Panel], columns: Int = 4, side: Int = 224,
    legend: ColorLegend? = nil
  ) {
    guard !panels.isEmpty, columns > 0, side > 0 else {
      fatalError("a sheet has a picture, a column and a pixel at least")
    }
    self.title = title
    self.subtitle = subtitle
    self.panels = panels
    self.columns = columns
    self.side = side
    self.legend = legend
  }

  // MARK: Places

  private static let gap = 14.0
  private static let lineHeight = 16.0
  /// From the pictures to the scale, from its left side to its numbers, from their end to the title, and the title's own.
  private static let legendPlaces = (left: 4.0, numbers: 20.0, gap: 12.0, title: 14.0)

  /// The width of the numbers beside the scale.
  private static func width(ofNumbers legend: ColorLegend) -> Double {
    legend.texts.map { textWidth($0) }.max() ?? 0
  }

  private var legendWidth: Double {
    let places = Self.legendPlaces
    return legend.map {
      places.left + places.numbers + Self.width(ofNumbers: $0) + places.gap + places.title
    } ?? 0
  }

  private var subtitleLines: [String] { subtitle.isEmpty ? [] : Self.lines(subtitle) }
  private var top: Double { 30 + Self.lineHeight * Double(subtitleLines.count) }
  private var longest: Double {
    Double(panels.map { max($0.image.height, $0.image.width) }.max() ?? 1)
  }

  private func extents(_ panel: Panel) -> (width: Double, height: Double) {
    let factor = Double(side) / longest
    return (Double(panel.image.width) * factor, Double(panel.image.height) * factor)
  }

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  private var cell: (width: Double, height: Double, label: Double) {
    let pictures = panels.map(extents)
    let lines = panels.map { Self.lines($0.label) }
    let widest = lines.joined().map { textWidth($0, size: 12) }.max() ?? 0
    let label = Self.lineHeight * Double(lines.map(\.count).max() ?? 0) + 6
    return (
      max(pictures.map(\.width).max() ?? 0, widest) + Self.gap,
      (pictures.map(\.height).max() ?? 0) + label + Self.gap / 2, label
    )
  }

  private var rows: Int { (panels.count + columns - 1) / columns }

  public var size: (width: Double, height: Double) {
    let cell = cell
    let inner = cell.width * Double(min(columns, panels.count))
    let texts = ([title] + subtitleLines).map { textWidth($0, size: 13) + 4 }.max() ?? 0
    return (
      max(inner + legendWidth, texts),
      top
        + max(
          cell.height * Double(rows), legend.map { textWidth($0.title, size: 11) + 8 } ?? 0)
    )
  }

  // MARK: Vector drawing

  public var drawing: String {
    var parts = [label(title, x: 0, y: 14, "head")]
    for (index, line) in subtitleLines.enumerated() {
      parts.append(label(line, x: 0, y: 32 + Self.lineHeight * Double(index), "soft"))
    }
    let cell = cell
    let pictureHeight = cell.height - cell.label - Self.gap / 2
    for (index, panel) in panels.enumerated() {
      let (width, height) = extents(panel)
      let left = cell.width * Double(index % columns)
      let y = top + cell.height * Double(index / columns)
      let isMagnified = width > Double(panel.image.width) * 1.5
      parts.append(
        element(
          "image",
          [
            "x": coordinate(left), "y": coordinate(y + pictureHeight - height),
            "width": coordinate(width), "height": coordinate(height),
            "preserveAspectRatio": "none", "href": Self.link(panel.image),
            "style": isMagnified ? "image-rendering:pixelated" : "image-rendering:auto",
          ], element("title", [:], escaped(panel.label))))
      for (line, text) in Self.lines(panel.label).enumerated() {
        parts.append(
          label(
            text, x: left, y: y + pictureHeight + Self.lineHeight * Double(line + 1),
            line == 0 ? "" : "soft"))
      }
    }
    if let legend {
      let left = cell.width * Double(min(columns, panels.count)) + Self.legendPlaces.left
      parts += draw(legend, x: left, y: top, height: min(200, pictureHeight))
    }
    return parts.joined(separator: "\n")
  }

  private func draw(_ legend: ColorLegend, x: Double, y: Double, height: Double) -> [String] {
    let bar = Self.bar(legend.scale, width: 1, height: 64)
    let places = Self.legendPlaces
    let title = x + places.numbers + Self.width(ofNumbers: legend) + places.gap
    var parts = [
      element(
        "image",
        [
          "x": coordinate(x), "y": coordinate(y), "width": "14", "height": coordinate(height),
          "preserveAspectRatio": "none", "href": Self.link(bar),
        ], element("title", [:], escaped(legend.title)))
    ]
    for (share, text) in zip([0.0, 0.5, 1.0], legend.texts) {
      parts.append(
        label(text, x: x + places.numbers, y: y + 4 + (height - 4) * share + 3, "soft"))
    }
    parts.append(
      element(
        "text",
        [
          "transform": "translate(\(coordinate(title)) \(coordinate(y))) rotate(90)",
          "class": "soft",
        ], escaped(legend.title)))
    return parts
  }

  /// The scale from its upper end down.
  private static func bar(_ scale: ColorScale, width: Int, height: Int) -> Image {
    var pixels: [UInt8] = []
    for row in 0..<height {
      let share = 1 - (Double(row) + 0.5) / Double(height)
      let range = scale.range
      let color = scale.color(
        range.lowerBound + share * (range.upperBound - range.lowerBound))
      for _ in 0..<width { pixels += [color.red, color.green, color.blue] }
    }
    return Image(height: height, width: width, channels: 3, pixels: pixels)
  }

  /// The picture as a reference that carries it. Photographs are carried as JPEG, which is a tenth as large; drawings,
  /// and what is magnified so that its pixels show, without loss.
  private static func link(_ image: Image) -> String {
    let png = (try? image.encodedPNG()) ?? []
    if png.count > 24_000, let jpeg = try? image.encodedJPEG(quality: 88), jpeg.count < png.count {
      return "data:image/jpeg;base64," + Data(jpeg).base64EncodedString()
    }
    return "data:image/png;base64," + Data(png).base64EncodedString()
  }
}

// MARK: - As a picture

extension PictureSheet {
  /// The sheet in pixels, dark letters on white, letters of the size of a bitmap.
  public func image() -> Image {
    let letter = 2
    let line = 10 * letter
    let pictures = panels.map { panel in
      let (width, height) = extents(panel)
      let image = panel.image.converted(toChannels: 3)
      let (rows, columns) = (max(1, Int(height.rounded())), max(1, Int(width.rounded())))
      return image.height * 3 / 2 < rows
        ? image.magnified(height: rows, width: columns)
        : image.resized(height: rows, width: columns)
    }
    let labels = panels.map { Self.lines($0.label) }
    func width(_ text: String) -> Int { Image.textExtents(text, magnification: letter).width }
    let space = 12
    let cellWidth =
      max(pictures.map(\.width).max() ?? 0, labels.joined().map(width).max() ?? 0) + space
    let pictureHeight = pictures.map(\.height).max() ?? 0
    let cellHeight = pictureHeight + 4 + line * (labels.map(\.count).max() ?? 0) + space
    let inColumns = min(columns, panels.count)
    let heads = [title] + subtitleLines
    let top = space + line * heads.count + space / 2
    let legendTexts = legend?.texts
    let legendLines = legend.map { wrapped($0.title, limit: 16) } ?? []
    let legendWidth =
      legend == nil
      ? 0
      : max(
        20 + (legendTexts ?? []).map(width).reduce(0, max), legendLines.map(width).reduce(0, max))
        + space
    var sheet = Image(
      height: max(
        top + cellHeight * rows,
        top + min(200, pictureHeight) + 8 + line * (legendLines.count + 1)),
      width: max(
        space + cellWidth * inColumns + legendWidth, heads.map(width).reduce(0, max) + 2 * space),
      color: .white)
    for (index, text) in heads.enumerated() {
      sheet.draw(
        text, row: space + line * index, column: space,
        color: index == 0 ? .black : .init(grey: 96), magnification: letter)
    }
    for (index, picture) in pictures.enumerated() {
      let left = space + cellWidth * (index % inColumns)
      let row = top + cellHeight * (index / inColumns)
      sheet.draw(picture, row: row + pictureHeight - picture.height, column: left)
      for (number, text) in labels[index].enumerated() {
        sheet.draw(
          text, row: row + pictureHeight + 4 + line * number, column: left,
          color: number == 0 ? .black : .init(grey: 96), magnification: letter)
      }
    }
    if let legend, let texts = legendTexts {
      let left = space + cellWidth * inColumns
      let height = min(200, pictureHeight)
      sheet.draw(Self.bar(legend.scale, width: 14, height: height), row: top, column: left)
      for (share, text) in zip([0, (height - 16) / 2, height - 16], texts) {
        sheet.draw(
          text, row: top + share, column: left + 20, color: .init(grey: 96), magnification: letter)
      }
      for (number, text) in legendLines.enumerated() {
        sheet.draw(
          text, row: top + height + 8 + line * number, column: left, color: .init(grey: 96),
          magnification: letter)
      }
    }
    return sheet
  }

  private func wrapped(_ text: String, limit: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= limit {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}

extension Image {
  /// Other extents, each pixel a rectangle.
  func magnified(height: Int, width: Int) -> Image {
    var result: [UInt8] = []
    result.reserveCapacity(height * width * channels)
    for row in 0..<height {
      let source = row * self.height / height
      for column in 0..<width {
        let start = (source * self.width + column * self.width / width) * channels
        result += pixels[start..<start + channels]
      }
    }
    return Image(height: height, width: width, channels: channels, pixels: result)
  }
}
