/// Curves over a common axis, as of loss over epochs.
///
/// Each curve carries its name at its end, in its color, which spares the reader a legend. Of many curves, of some that end early
/// and of long names there is one above them. A value that is not finite, or not positive on a logarithmic axis, leaves a gap.
public struct LinePlot: Figure, Hashable {
  /// A place on a curve.
  public struct Point: Hashable, Sendable {
    /// On the horizontal axis.
    public var x: Double
    /// On the vertical axis.
    public var y: Double

    /// A point at these values.
    public init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// One curve.
  public struct Series: Hashable, Sendable {
    /// What stands at its end.
    public var name: String
    /// In the order in which they are joined.
    public var points: [Point]

    /// A curve through these points.
    public init(_ name: String, points: [Point]) {
      self.name = name
      self.points = points
    }

    /// Values at x = `first`, `first` + 1, ...: one an epoch.
    public init(_ name: String, values: [Double], first: Int = 1) {
      self.init(
        name, points: values.enumerated().map { Point(Double($0.offset + first), $0.element) })
    }
  }

  /// A value of the horizontal axis to look at: a rule, and words above it.
  public struct Mark: Hashable, Sendable {
    /// On the horizontal axis; nothing is drawn of one beyond it.
    public var x: Double
    /// What stands above the rule.
    public var text: String

    /// A mark at a value.
    public init(_ x: Double, _ text: String) {
      self.x = x
      self.text = text
    }
  }

  public var title: String
  /// What the curves run over.
  public var horizontal: Axis
  /// What they show.
  public var vertical: Axis
  /// The curves, in the order of their colors; one without a point has a color and no name.
  public var series: [Series]
  /// Behind the curves.
  public var marks: [Mark]
  /// In the figure's units, which are pixels where nothing scales it.
  public var width: Double
  /// In the same units.
  public var height: Double

  /// A plot of these curves.
  public init(
    _ title: String, horizontal: Axis, vertical: Axis, series: [Series], marks: [Mark] = [],
    width: Double = 680, height: Double = 300
  ) {
    self.title = title
    self.horizontal = horizontal
    self.vertical = vertical
    self.series = series
    self.marks = marks
    self.width = width
    self.height = height
  }

  public var size: (width: Double, height: Double) { (width, height + legendHeight) }

  public func drawn(width: Double) -> Self {
    var plot = self
    plot.width = width
    plot.height = min(height, 260)
    return plot
  }

  /// Of each curve, the points that have a place.
  private var visible: [[Point]] {
    series.map { series in
      series.points.filter { horizontal.accepts($0.x) && vertical.accepts($0.y) }
    }
  }

  /// Curves whose names are told apart at their ends.
  private static let namesAtEnds = 5
  /// Of a legend's entry, the piece of the curve and the space after it.
  private static let sample = 26.0

  /// The places of the curves that there is something to see of.
  private var shown: [Int] {
    let visible = visible
    return series.indices.filter { !visible[$0].isEmpty }
  }

  /// Whether all curves end near the right edge, where their names would stand.
  private var endTogether: Bool {
    let visible = visible
    let ticks = Ticks(for: visible.joined().map(\.x), on: horizontal, count: 3, isTight: true)
    return visible.compactMap(\.last).allSatisfy { ticks.fraction(of: $0.x) > 0.9 }
  }

  /// Where names at the ends would be far from these or leave too little room for the curves, they stand above them.
  private var legend: [(index: Int, name: String, x: Double, row: Int)] {
    let shown = shown
    let widest = shown.map { textWidth(series[$0].name) }.max() ?? 0
    if widest <= width * 0.28, shown.count <= Self.namesAtEnds, endTogether { return [] }
    var (x, row) = (0.0, 0)
    return shown.map { index in
      let name = shortened(series[index].name, toWidth: width - Self.sample)
      let length = Self.sample + textWidth(name)
      if x > 0, x + length > width { (x, row) = (0, row + 1) }
      defer { x += length + 18 }
      return (index, name, x, row)
    }
  }

  private var legendHeight: Double { (legend.last.map { Double($0.row + 1) * 18 + 4 }) ?? 0 }

  /// The look of a curve: its color, and by dashes which of those that share it.
  private static func style(_ index: Int) -> String {
    let dashes = ["", " dash", " dot", " dash-dot"]
    let round = index / FigureStyle.colorCount % dashes.count
    return "series s\(index % FigureStyle.colorCount)\(dashes[round])"
  }

  public var drawing: String {
    let visible = visible
    let verticalTicks = Ticks(
      for: visible.joined().map(\.y), on: vertical, count: max(3, Int(height / 60)))
    let legend = legend
    let endWidth =
      legend.isEmpty ? (shown.map { textWidth(series[$0].name) }.max() ?? 0) + 16 : 8
    let frame = Frame(
      left: (verticalTicks.labels.map { textWidth($0) }.max() ?? 0) + 10, top: 52 + legendHeight,
      right: width - endWidth, bottom: size.height - 42)
    let horizontalTicks = Ticks(
      for: visible.joined().map(\.x), on: horizontal,
      count: max(3, Int((frame.right - frame.left) / 80)), isTight: true)
    let place = { (point: Point) in
      (
        x: frame.left + (frame.right - frame.left) * horizontalTicks.fraction(of: point.x),
        y: frame.bottom - (frame.bottom - frame.top) * verticalTicks.fraction(of: point.y)
      )
    }

    var parts = [
      label(title, x: 0, y: 14, "head"),
      label(vertical.title, x: 0, y: 36 + legendHeight, "soft"),
    ]
    parts += legend.flatMap { entry -> [String] in
      let y = 36 + Double(entry.row) * 18
      let color = entry.index % FigureStyle.colorCount
      return [
        rule(
          from: (entry.x, y - 4), to: (entry.x + Self.sample - 6, y - 4), Self.style(entry.index)),
        label(entry.name, x: entry.x + Self.sample, y: y, "f\(color)"),
      ]
    }
    parts += grid(horizontalTicks, verticalTicks, frame)
    parts += rules(at: horizontalTicks, frame)
    if !visible.contains(where: { !$0.isEmpty }) {
      parts.append(
        label(
          "no values", x: (frame.left + frame.right) / 2, y: (frame.top + frame.bottom) / 2,
          "soft mid"))
    }
    let isCrowded = shown.count > FigureStyle.colorCount
    for (index, series) in series.enumerated() {
      parts += curve(series, index: index, isCrowded: isCrowded, in: frame, place: place)
    }
    if legend.isEmpty { parts += endLabels(visible, frame: frame) { place($0).y } }
    return parts.joined(separator: "\n")
  }

  private struct Frame {
    var left, top, right, bottom: Double
  }

  private func grid(_ horizontalTicks: Ticks, _ verticalTicks: Ticks, _ frame: Frame) -> [String] {
    var parts: [String] = []
    for (position, text) in zip(verticalTicks.positions, verticalTicks.labels) {
      let y = frame.bottom - (frame.bottom - frame.top) * verticalTicks.fraction(of: position)
      let isBase = position == verticalTicks.range.lowerBound
      parts.append(rule(from: (frame.left, y), to: (frame.right, y), isBase ? "base" : "grid"))
      parts.append(label(text, x: frame.left - 8, y: y + 4, "soft end"))
    }
    for (position, text) in zip(horizontalTicks.positions, horizontalTicks.labels) {
      let x = frame.left + (frame.right - frame.left) * horizontalTicks.fraction(of: position)
      parts.append(rule(from: (x, frame.bottom), to: (x, frame.bottom + 4), "base"))
      // The last may stand at the edge.
      let middle = min(x, width - textWidth(text) / 2)
      parts.append(label(text, x: middle, y: frame.bottom + 18, "soft mid"))
    }
    parts.append(label(horizontal.title, x: frame.right, y: size.height - 6, "soft end"))
    return parts
  }

  /// The marks, their words beside the title of the vertical axis and within the width.
  private func rules(at ticks: Ticks, _ frame: Frame) -> [String] {
    let shown = marks.filter { horizontal.accepts($0.x) && ticks.range.contains($0.x) }
    return shown.flatMap { mark -> [String] in
      let x = frame.left + (frame.right - frame.left) * ticks.fraction(of: mark.x)
      let half = textWidth(mark.text) / 2
      let middle = max(textWidth(vertical.title) + 12 + half, min(width - half, x))
      return [
        rule(from: (x, frame.top - 10), to: (x, frame.bottom), "base dash"),
        label(mark.text, x: middle, y: frame.top - 16, "mid"),
      ]
    }
  }

  /// In the figure's units.
  private typealias Place = (x: Double, y: Double)

  /// The parts of a path that lie within a frame, cut where it goes beyond its upper edge.
  private func parts(of path: [Place], in frame: Frame) -> [[Place]] {
    guard vertical.upperLimit != nil else { return [path] }
    var (parts, part): ([[Place]], [Place]) = ([], [])
    for (index, place) in path.enumerated() {
      let isBeyond = place.y < frame.top
      if index > 0, isBeyond != (path[index - 1].y < frame.top) {
        let last = path[index - 1]
        let share = (frame.top - last.y) / (place.y - last.y)
        part.append((x: last.x + share * (place.x - last.x), y: frame.top))
      }
      if !isBeyond {
        part.append(place)
      } else if !part.isEmpty {
        parts.append(part)
        part = []
      }
    }
    return parts + [part]
  }

  private func curve(
    _ series: Series, index: Int, isCrowded: Bool, in frame: Frame, place: (Point) -> Place
  ) -> [String] {
    let color = index % FigureStyle.colorCount
    var parts: [String] = []
    let pieces = series.points.split { !(horizontal.accepts($0.x) && vertical.accepts($0.y)) }
    for part in pieces.flatMap({ self.parts(of: $0.map(place), in: frame) }) where part.count > 1 {
      let path = part.map { "\(coordinate($0.x)),\(coordinate($0.y))" }
      parts.append(
        element(
          "polyline", ["points": path.joined(separator: " "), "class": Self.style(index)]))
    }
    // Few points are marked, with their values to hover over; many would hide the curve.
    let isSparse = series.points.count <= 40 && !isCrowded
    for piece in pieces where isSparse || piece.count == 1 {
      for point in piece {
        let (x, y) = place(point)
        if vertical.upperLimit != nil, y < frame.top { continue }
        let hint =
          "\(series.name): \(HumanReadable.quantity(point.y)) at \(horizontal.title) "
          + HumanReadable.quantity(point.x)
        parts.append(
          element(
            "circle",
            ["cx": coordinate(x), "cy": coordinate(y), "r": "3", "class": "halo f\(color)"],
            element("title", [:], escaped(hint))))
      }
    }
    return parts
  }

  /// The names at the curves' ends, moved apart where they would overlap.
  private func endLabels(
    _ visible: [[Point]], frame: Frame, y: (Point) -> Double
  ) -> [String] {
    let ends = visible.enumerated().compactMap { index, points in
      points.last.map { (index: index, y: y($0)) }
    }.sorted { ($0.y, $0.index) < ($1.y, $1.index) }
    let places = spread(ends.map(\.y), gap: 15, within: (frame.top - 8)...(frame.bottom + 4))
    return zip(ends, places).map { end, y in
      label(
        series[end.index].name, x: frame.right + 10, y: y + 4,
        "f\(end.index % FigureStyle.colorCount)")
    }
  }
}

/// The places nearest to the ascending `wanted` that are at least `gap` apart and, if there is
/// room, in the range.
package func spread(_ wanted: [Double], gap: Double, within range: ClosedRange<Double>) -> [Double]
{
  /// Neighbours that touch, which sit around the mean of what they want.
  struct Cluster {
    var sum: Double
    var count: Int
    func first(gap: Double, within range: ClosedRange<Double>) -> Double {
      let span = Double(count - 1) * gap
      let start = sum / Double(count) - span / 2
      return max(range.lowerBound, min(range.upperBound - span, start))
    }
  }
  var clusters: [Cluster] = []
  for value in wanted {
    clusters.append(Cluster(sum: value, count: 1))
    while clusters.count > 1 {
      let (upper, lower) = (clusters[clusters.count - 2], clusters[clusters.count - 1])
      let end = upper.first(gap: gap, within: range) + Double(upper.count) * gap
      if lower.first(gap: gap, within: range) >= end { break }
      clusters.removeLast()
      clusters[clusters.count - 1] = Cluster(
        sum: upper.sum + lower.sum, count: upper.count + lower.count)
    }
  }
  return clusters.flatMap { cluster in
    let first = cluster.first(gap: gap, within: range)
    return (0..<cluster.count).map { first + Double($0) * gap }
  }
}
