/// Curves over a common axis, as of loss over epochs.
///
/// Each curve carries its name at its end, in its color, which spares the reader a legend. A value
/// that is not finite, or not positive on a logarithmic axis, leaves a gap.
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

  public var title: String
  /// What the curves run over.
  public var horizontal: Axis
  /// What they show.
  public var vertical: Axis
  /// The curves, in the order of their colors.
  public var series: [Series]
  /// In the figure's units, which are pixels where nothing scales it.
  public var width: Double
  /// In the same units.
  public var height: Double

  /// A plot of these curves.
  public init(
    _ title: String, horizontal: Axis, vertical: Axis, series: [Series], width: Double = 680,
    height: Double = 300
  ) {
    self.title = title
    self.horizontal = horizontal
    self.vertical = vertical
    self.series = series
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

  /// Where names at the ends would leave too little room for the curves, they stand above them.
  private var legend: [(index: Int, x: Double, row: Int)] {
    let names = series.map { textWidth(name(of: $0)) }
    guard (names.max() ?? 0) > width * 0.28 || series.count > Int(height / 24) else { return [] }
    var (x, row) = (0.0, 0)
    return names.enumerated().map { index, length in
      if x > 0, x + length + 22 > width { (x, row) = (0, row + 1) }
      defer { x += length + 40 }
      return (index, x, row)
    }
  }

  private var legendHeight: Double { (legend.last.map { Double($0.row + 1) * 18 + 4 }) ?? 0 }

  public var drawing: String {
    let visible = series.map { series in
      series.points.filter { horizontal.accepts($0.x) && vertical.accepts($0.y) }
    }
    let verticalTicks = Ticks(
      for: visible.joined().map(\.y), on: vertical, count: max(3, Int(height / 60)))
    let legend = legend
    let endWidth =
      legend.isEmpty ? (series.map { textWidth(name(of: $0)) }.max() ?? 0) + 14 : 8
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
      let (color, y) = (entry.index % FigureStyle.colorCount, 36 + Double(entry.row) * 18)
      let dash = entry.index < FigureStyle.colorCount ? "" : " dash"
      return [
        rule(from: (entry.x, y - 4), to: (entry.x + 16, y - 4), "series s\(color)\(dash)"),
        label(name(of: series[entry.index]), x: entry.x + 22, y: y, "f\(color)"),
      ]
    }
    parts += grid(horizontalTicks, verticalTicks, frame)
    if !visible.contains(where: { !$0.isEmpty }) {
      parts.append(
        label(
          "no values", x: (frame.left + frame.right) / 2, y: (frame.top + frame.bottom) / 2,
          "soft mid"))
    }
    for (index, series) in series.enumerated() {
      parts += curve(series, index: index, place: place)
    }
    if legend.isEmpty { parts += endLabels(visible, frame: frame) { place($0).y } }
    return parts.joined(separator: "\n")
  }

  private struct Frame {
    var left, top, right, bottom: Double
  }

  private func name(of series: Series) -> String { shortened(series.name, to: 32) }

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
      parts.append(label(text, x: x, y: frame.bottom + 18, "soft mid"))
    }
    parts.append(label(horizontal.title, x: frame.right, y: size.height - 6, "soft end"))
    return parts
  }

  private func curve(
    _ series: Series, index: Int, place: (Point) -> (x: Double, y: Double)
  ) -> [String] {
    let color = index % FigureStyle.colorCount
    let dash = index < FigureStyle.colorCount ? "" : " dash"
    var parts: [String] = []
    let pieces = series.points.split { !(horizontal.accepts($0.x) && vertical.accepts($0.y)) }
    for piece in pieces where piece.count > 1 {
      let path = piece.map { point in
        let (x, y) = place(point)
        return "\(coordinate(x)),\(coordinate(y))"
      }
      parts.append(
        element(
          "polyline",
          ["points": path.joined(separator: " "), "class": "series s\(color)\(dash)"]))
    }
    // Few points are marked, with their values to hover over; many would hide the curve.
    let isSparse = series.points.count <= 40 && self.series.count <= FigureStyle.colorCount
    for piece in pieces where isSparse || piece.count == 1 {
      for point in piece {
        let (x, y) = place(point)
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
        name(of: series[end.index]), x: frame.right + 10, y: y + 4,
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
