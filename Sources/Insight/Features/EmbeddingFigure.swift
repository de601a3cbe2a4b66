public import ConvNetImages
import ConvNetLayers
public import ConvNetReports
import Foundation

/// Pictures in the plane, near each other where a network takes them for alike: small pictures or dots, in the colors of their
/// classes.
public struct EmbeddingFigure: Figure {
  /// One picture.
  public struct Point: Sendable {
    /// To the right, in any unit.
    public var x: Double
    /// Up.
    public var y: Double
    /// Its class, by number.
    public var label: Int
    /// What it is called.
    public var name: String
    /// `nil` for a dot.
    public var thumbnail: Image?

    /// A picture at a place.
    public init(x: Double, y: Double, label: Int, name: String, thumbnail: Image? = nil) {
      (self.x, self.y, self.label) = (x, y, label)
      (self.name, self.thumbnail) = (name, thumbnail)
    }
  }

  public var title: String
  /// What stands below the title.
  public var subtitle: String
  /// What x and y are.
  public var axes: (horizontal: String, vertical: String)
  /// The pictures.
  public var points: [Point]
  /// What the classes are called.
  public var classNames: [String]

  /// A map of pictures.
  public init(
    _ title: String, subtitle: String, axes: (horizontal: String, vertical: String),
    points: [Point], classNames: [String]
  ) {
    (self.title, self.subtitle, self.axes) = (title, subtitle, axes)
    (self.points, self.classNames) = (points, classNames)
  }

  private static let side = 600.0
  private static let top = 52.0
  private static let left = 22.0

  /// The classes that have points, the most frequent first.
  private var classes: [Int] {
    let counts = Dictionary(points.map { ($0.label, 1) }, uniquingKeysWith: +)
    return counts.keys.sorted { (counts[$0] ?? 0, $1) > (counts[$1] ?? 0, $0) }
  }

  /// Six colors, and beyond them other signs.
  private func sign(_ label: Int) -> (color: Int, shape: Int) {
    let place = shown.firstIndex(of: label) ?? 0
    return (place % 6, place / 6)
  }

  /// Numbers in order: the colors of two figures of the same classes are the same.
  private var shown: [Int] { Array(classes.sorted().prefix(24)) }

  public var size: (width: Double, height: Double) {
    let names = shown.map { textWidth(shortened(classNames.className($0), to: 20)) }.max() ?? 0
    return (
      Self.left + Self.side + 40 + names,
      max(Self.top + Self.side + 28, Self.top + 18 * Double(shown.count) + 10)
    )
  }

  public var drawing: String {
    var parts = [label(title, x: 0, y: 14, "head"), label(subtitle, x: 0, y: 34, "soft")]
    let (xs, ys) = (points.map(\.x), points.map(\.y))
    let (lowX, lowY) = (xs.min() ?? 0, ys.min() ?? 0)
    let span = max((xs.max() ?? 1) - lowX, (ys.max() ?? 1) - lowY, 1e-12)
    let margin = 16.0
    let unit = (Self.side - 2 * margin) / span
    let offset = (
      x: (Self.side - 2 * margin - ((xs.max() ?? 0) - lowX) * unit) / 2,
      y: (Self.side - 2 * margin - ((ys.max() ?? 0) - lowY) * unit) / 2
    )
    parts.append(
      rect(
        x: Self.left, y: Self.top, width: Self.side, height: Self.side,
        ["fill": "none", "class": "grid"]))
    for point in points {
      let x = Self.left + margin + offset.x + (point.x - lowX) * unit
      let y = Self.top + Self.side - margin - offset.y - (point.y - lowY) * unit
      parts.append(draw(point, x: x, y: y))
    }
    parts.append(
      label(
        axes.horizontal + " →", x: Self.left + Self.side, y: Self.top + Self.side + 18, "soft end"))
    parts.append(
      element(
        "text",
        [
          "transform":
            "translate(14 \(coordinate(Self.top + Self.side))) rotate(-90)", "class": "soft",
        ], escaped(axes.vertical + " →")))
    for (place, index) in shown.enumerated() {
      let y = Self.top + 14 + 18 * Double(place)
      let name = classNames.className(index)
      parts.append(mark(index, x: Self.left + Self.side + 20, y: y - 4, hint: name))
      parts.append(
        label(
          shortened(name, to: 20), x: Self.left + Self.side + 32, y: y, "",
          hint: name))
    }
    return parts.joined(separator: "\n")
  }

  private func draw(_ point: Point, x: Double, y: Double) -> String {
    let hint = "\(point.name): \(classNames.className(point.label))"
    guard let thumbnail = point.thumbnail, let png = try? thumbnail.encodedPNG() else {
      return mark(point.label, x: x, y: y, hint: hint)
    }
    let scale = 22 / Double(max(thumbnail.height, thumbnail.width))
    let (width, height) = (Double(thumbnail.width) * scale, Double(thumbnail.height) * scale)
    return element(
      "image",
      [
        "x": coordinate(x - width / 2), "y": coordinate(y - height / 2),
        "width": coordinate(width), "height": coordinate(height),
        "href": "data:image/png;base64," + Data(png).base64EncodedString(),
      ], element("title", [:], escaped(hint)))
      + rect(
        x: x - width / 2, y: y - height / 2, width: width, height: height,
        ["fill": "none", "class": "s\(sign(point.label).color)", "stroke-width": "1.2"])
  }

  private func mark(_ label: Int, x: Double, y: Double, hint: String) -> String {
    let sign = sign(label)
    let title = element("title", [:], escaped(hint))
    let style = "f\(sign.color)"
    switch sign.shape {
    case 0:
      return element(
        "circle",
        ["cx": coordinate(x), "cy": coordinate(y), "r": "3.4", "class": "halo \(style)"], title)
    case 1:
      return element(
        "path",
        [
          "d": "M\(coordinate(x)) \(coordinate(y - 4.4))l4.2 7.4h-8.4z",
          "class": "halo \(style)",
        ], title)
    case 2:
      return element(
        "rect",
        [
          "x": coordinate(x - 3.2), "y": coordinate(y - 3.2), "width": "6.4", "height": "6.4",
          "class": "halo \(style)",
        ], title)
    default:
      return element(
        "path",
        [
          "d": "M\(coordinate(x)) \(coordinate(y - 4.8))l4.8 4.8l-4.8 4.8l-4.8 -4.8z",
          "class": "halo \(style)",
        ], title)
    }
  }
}
