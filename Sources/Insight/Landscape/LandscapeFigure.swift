import ConvNetImages
public import ConvNetReports
import Foundation

/// Losses along one direction as a curve; along two as a contour plot and, beside it, a surface.
public struct LandscapeFigure: Figure {
  /// What is drawn.
  public let landscape: LossLandscape

  /// The figure of a landscape.
  public init(_ landscape: LossLandscape) { self.landscape = landscape }

  public var title: String { "The loss of \(landscape.name) around its parameters" }

  private static let side = 380.0
  private static let left = 48.0
  private static let top = 66.0

  public var size: (width: Double, height: Double) {
    landscape.vertical.isEmpty
      ? (680, 360) : (Self.left + Self.side + 510, Self.top + Self.side + 94)
  }

  public var drawing: String {
    guard !landscape.vertical.isEmpty else { return line.drawing }
    let subtitle =
      "two random directions, filter by filter as long as the weights; loss \(landscape.center.map(HumanReadable.quantity) ?? "unknown") in the middle"
    return
      ([label(title, x: 0, y: 14, "head"), label(subtitle, x: 0, y: 34, "soft")]
      + contours + surface + axes + legend).joined(separator: "\n")
  }

  private var line: LinePlot {
    LinePlot(
      title,
      horizontal: Axis("factor of a random direction, filter by filter as long as the weights"),
      vertical: Axis("cross-entropy"),
      series: [
        .init(
          "loss",
          points: zip(landscape.horizontal, landscape.losses[0]).map { .init($0, $1 ?? .nan) })
      ], width: 680, height: 360)
  }

  // MARK: Levels

  /// Finite losses; what is beyond all measure is drawn as the largest.
  private var finite: [Double] {
    landscape.losses.joined().compactMap { $0 }.filter { $0.isFinite && $0 < 1e30 }
  }

  /// Losses of a landscape span magnitudes: colors and heights go by the logarithm.
  private func height(_ loss: Double?) -> Double {
    guard let loss, !loss.isNaN else { return 1 }
    let (lowest, highest) = (max(finite.min() ?? 1e-3, 1e-6), max(finite.max() ?? 1, 2e-6))
    guard highest > lowest else { return 0 }
    return max(0, min(1, log(max(loss, lowest) / lowest) / log(highest / lowest)))
  }

  /// Round numbers, ten or fewer: 1, 2, 5 and their tens.
  package var levels: [Double] {
    let (lowest, highest) = (max(finite.min() ?? 1e-3, 1e-6), max(finite.max() ?? 1, 2e-6))
    var levels: [Double] = []
    for exponent in Int(log10(lowest).rounded(.down))...Int(log10(highest).rounded(.up)) {
      for multiple in [1.0, 1.5, 2, 3, 5, 7] {
        let level = multiple * pow(10, Double(exponent))
        if level > lowest, level < highest { levels.append(level) }
      }
    }
    while levels.count > 10 {
      levels = levels.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    }
    return levels
  }

  // MARK: Contours

  private func x(_ column: Double) -> Double {
    Self.left + Self.side * column / Double(landscape.horizontal.count - 1)
  }
  private func y(_ row: Double) -> Double {
    Self.top + Self.side - Self.side * row / Double(landscape.vertical.count - 1)
  }

  private var contours: [String] {
    let (rows, columns) = (landscape.vertical.count, landscape.horizontal.count)
    let (halfWidth, halfHeight) = (
      Self.side / Double(columns - 1) / 2, Self.side / Double(rows - 1) / 2
    )
    var parts: [String] = []
    for row in 0..<rows {
      for column in 0..<columns {
        guard let loss = landscape.losses[row][column] else { continue }
        let (left, right) = (
          max(Self.left, x(Double(column)) - halfWidth),
          min(Self.left + Self.side, x(Double(column)) + halfWidth)
        )
        let (upper, lower) = (
          max(Self.top, y(Double(row)) - halfHeight),
          min(Self.top + Self.side, y(Double(row)) + halfHeight)
        )
        parts.append(
          rect(
            x: left - 0.2, y: upper - 0.2, width: right - left + 0.4, height: lower - upper + 0.4,
            ["fill": color(height(loss))]))
      }
    }
    for level in levels {
      let segments = contour(at: level)
      guard !segments.isEmpty else { continue }
      let data = segments.map { a, b in
        "M\(coordinate(x(a.x))) \(coordinate(y(a.y)))L\(coordinate(x(b.x))) \(coordinate(y(b.y)))"
      }.joined()
      parts.append(
        path(
          data,
          ["fill": "none", "stroke": height(level) > 0.55 ? "#222" : "#fff", "stroke-width": "1"]))
      // At the segment that is farthest right.
      if let place = segments.max(by: { $0.0.x < $1.0.x })?.0 {
        parts.append(
          element(
            "text",
            [
              "x": coordinate(min(x(place.x), Self.left + Self.side - 22)),
              "y": coordinate(y(place.y) + 3), "class": "small",
              "style":
                "fill:\(height(level) > 0.55 ? "#222" : "#fff");paint-order:stroke;stroke:\(color(height(level)));stroke-width:3px",
            ], escaped(HumanReadable.quantity(level))))
      }
    }
    let ticks = Ticks(for: landscape.horizontal, on: Axis("factor"), count: 4, isTight: true)
    for (position, text) in zip(ticks.positions, ticks.labels) {
      let share = ticks.fraction(of: position)
      let (place, height) = (Self.left + Self.side * share, Self.top + Self.side * (1 - share))
      parts.append(label(text, x: place, y: Self.top + Self.side + 17, "soft mid"))
      parts.append(label(text, x: Self.left - 7, y: height + 4, "soft end"))
    }
    parts.append(
      label(
        "factor of the first direction", x: Self.left + Self.side, y: Self.top + Self.side + 36,
        "soft end"))
    parts.append(label("factor of the second direction", x: 0, y: Self.top - 12, "soft"))
    return parts
  }

  /// The pieces of a line of equal loss in each cell of the grid, in columns and rows (marching squares; where it is open which
  /// corners belong together, the mean of the four decides).
  package func contour(at level: Double) -> [((x: Double, y: Double), (x: Double, y: Double))] {
    var segments: [((x: Double, y: Double), (x: Double, y: Double))] = []
    for row in 0..<landscape.vertical.count - 1 {
      for column in 0..<landscape.horizontal.count - 1 {
        let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map { dx, dy in
          landscape.losses[row + dy][column + dx].map { $0.isFinite ? $0 : 1e30 }
        }
        guard corners.allSatisfy({ $0 != nil }) else { continue }
        let values = corners.compactMap { $0 }
        let places = [(0.0, 0.0), (1, 0), (1, 1), (0, 1)]
        /// Where the line crosses each edge.
        var crossings: [(edge: Int, x: Double, y: Double)] = []
        for edge in 0..<4 {
          let (a, b) = (values[edge], values[(edge + 1) % 4])
          guard (a < level) != (b < level) else { continue }
          let share = (level - a) / (b - a)
          let (from, to) = (places[edge], places[(edge + 1) % 4])
          crossings.append(
            (
              edge, Double(column) + from.0 + share * (to.0 - from.0),
              Double(row) + from.1 + share * (to.1 - from.1)
            ))
        }
        func add(_ first: Int, _ second: Int) {
          segments.append(
            ((crossings[first].x, crossings[first].y), (crossings[second].x, crossings[second].y)))
        }
        if crossings.count == 2 {
          add(0, 1)
        } else if crossings.count == 4 {
          let isLow = values.reduce(0, +) / 4 < level
          let firstIsLow = values[0] < level
          // Around the corners 1 and 3, or around 0 and 2.
          if isLow == firstIsLow {
            add(0, 1)
            add(2, 3)
          } else {
            add(0, 3)
            add(1, 2)
          }
        }
      }
    }
    return segments
  }

  private func color(_ share: Double) -> String {
    let color = ColorScale.heat.color(share)
    return String(format: "#%02x%02x%02x", color.red, color.green, color.blue)
  }

  // MARK: Surface

  /// The middle of the drawing of the surface.
  private static let origin = (x: left + side + 270, y: top + 205)

  /// Where a point stands on the paper: its places along the first and the second direction, from -1 to 1, seen aslant from
  /// above, and its height, from 0, the floor, to 1.
  private static func place(_ u: Double, _ v: Double, _ height: Double) -> (x: Double, y: Double) {
    (origin.x + 100.8 * (u - v), origin.y - 55.8 * (u + v) - 170 * (height - 0.5))
  }

  /// The grid over its floor, the farthest cells first.
  private var surface: [String] {
    let (rows, columns) = (landscape.vertical.count, landscape.horizontal.count)
    func place(_ row: Int, _ column: Int) -> (x: Double, y: Double) {
      Self.place(
        2 * Double(column) / Double(columns - 1) - 1, 2 * Double(row) / Double(rows - 1) - 1,
        height(landscape.losses[row][column]))
    }
    // Not more cells than can be told apart.
    let step = max(1, (max(rows, columns) - 1) / 50)
    let floor = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map { u, v in
      let corner = Self.place(u, v, 0)
      return "\(coordinate(corner.x)) \(coordinate(corner.y))"
    }
    var parts = [
      path("M" + floor.joined(separator: "L") + "z", ["fill": "none", "class": "grid"])
    ]
    for row in Swift.stride(from: rows - 1 - step, through: 0, by: -step) {
      for column in Swift.stride(from: columns - 1 - step, through: 0, by: -step) {
        let corners = [(0, 0), (0, step), (step, step), (step, 0)].map {
          (row: row + $0.0, column: column + $0.1)
        }
        let losses = corners.map { landscape.losses[$0.row][$0.column] }
        guard losses.allSatisfy({ $0 != nil }) else { continue }
        let share = losses.reduce(0) { $0 + height($1) } / 4
        let points = corners.map { place($0.row, $0.column) }
          .map { "\(coordinate($0.x)),\(coordinate($0.y))" }.joined(separator: " ")
        parts.append(
          element(
            "polygon",
            [
              "points": points, "fill": color(share), "stroke": share > 0.6 ? "#0006" : "#fff6",
              "stroke-width": "0.5",
            ]))
      }
    }
    return parts
  }

  /// Along the near edges of the floor the directions, at the left corner the loss: nothing of the surface stands before them.
  private var axes: [String] {
    let (near, left) = (Self.place(-1, -1, 0), Self.place(-1, 1, 0))
    var parts = [
      rule(from: near, to: Self.place(1, -1, 0), "base"), rule(from: near, to: left, "base"),
      rule(from: left, to: Self.place(-1, 1, 1), "base"),
    ]
    for isFirst in [true, false] {
      let outwards = isFirst ? 1.0 : -1.0
      let style = isFirst ? "soft small" : "soft small end"
      func edge(_ share: Double) -> (x: Double, y: Double) {
        isFirst ? Self.place(share, -1, 0) : Self.place(-1, share, 0)
      }
      let ticks = Ticks(
        for: isFirst ? landscape.horizontal : landscape.vertical, on: Axis("factor"), count: 4,
        isTight: true)
      for (position, text) in zip(ticks.positions, ticks.labels) {
        let place = edge(2 * ticks.fraction(of: position) - 1)
        parts.append(rule(from: place, to: (place.x + 5 * outwards, place.y + 3), "base"))
        parts.append(label(text, x: place.x + 8 * outwards, y: place.y + 14, style))
      }
      let middle = edge(0)
      parts.append(
        label(
          isFirst ? "first direction" : "second direction", x: middle.x + 28 * outwards,
          y: middle.y + 36, style))
    }
    // Levels that are close to each other share a number.
    var last = Double.infinity
    for level in levels {
      let place = Self.place(-1, 1, height(level))
      guard last - place.y >= 13 else { continue }
      last = place.y
      parts.append(rule(from: place, to: (place.x - 5, place.y), "base"))
      parts.append(
        label(HumanReadable.quantity(level), x: place.x - 8, y: place.y + 4, "soft small end"))
    }
    parts.append(label("loss", x: left.x, y: Self.place(-1, 1, 1).y - 12, "soft small mid"))
    return parts
  }

  private var legend: [String] {
    let (x, y, width) = (Self.origin.x - 160, Self.top + Self.side + 62, 320.0)
    var parts = (0..<64).map { index in
      rect(
        x: x + width * Double(index) / 64, y: y, width: width / 64 + 0.3, height: 10,
        ["fill": color((Double(index) + 0.5) / 64)])
    }
    for level in levels
    where levels.count <= 6 || levels.firstIndex(of: level).map({ $0 % 2 == 0 }) == true {
      parts.append(
        label(
          HumanReadable.quantity(level), x: x + width * height(level), y: y + 24, "soft mid small"))
    }
    parts.append(label("cross-entropy, logarithmic", x: x, y: y - 6, "soft small"))
    return parts
  }
}
