public import ConvNetReports

/// The architecture of a network: boxes below each other, arrows with the sizes of what they carry.
public struct NetworkFigure: Figure {
  /// What is drawn.
  public let drawn: NetworkDrawing
  private let layout: LayeredLayout
  /// Of the boxes.
  private let widths: [Double]
  /// Of the layers.
  private let tops: [Double]
  private let heights: [Double]

  /// Boxes that can be drawn.
  public static let limit = 1500

  /// The figure of a drawing.
  ///
  /// - Throws: ``InsightError/tooMuch(what:count:limit:advice:)``.
  public init(_ drawing: NetworkDrawing) throws(InsightError) {
    guard drawing.boxes.count <= Self.limit else {
      throw .tooMuch(
        what: "boxes", count: drawing.boxes.count, limit: Self.limit,
        advice: "expand fewer blocks")
    }
    drawn = drawing
    let texts = drawing.boxes.map { box in [Self.heading(box)] + box.lines }
    let widths = texts.map { lines in
      max(64, (lines.map { textWidth($0, size: 11.5) }.max() ?? 0) + 14)
    }
    // On both sides alike, so that arrows meet boxes in the middle: a shortcut on the left, the size of what leaves on the right.
    let sources = Set(drawing.arrows.map(\.source))
    let places = drawing.boxes.indices.map { index -> Double in
      let box = drawing.boxes[index]
      let size = Self.stem + textWidth(Self.text(box.output), size: 11)
      let beside = box.hasShortcut ? Self.shortcut : 0
      return max(widths[index] + 2 * beside, sources.contains(index) ? 2 * size : 0)
    }
    let layout = LayeredLayout(
      widths: places, arrows: drawing.arrows.map { ($0.source, $0.target) })
    // Where an arrow bends, it first goes straight past the sizes.
    var bent: Set<Int> = []
    for route in layout.routes {
      for (upper, lower) in zip(route, route.dropFirst())
      where !Self.isStraight(layout.nodes[upper], layout.nodes[lower]) {
        bent.insert(layout.nodes[upper].layer)
      }
    }
    let boxHeights = texts.map { 8 + Self.line * Double($0.count) }
    var y = 62.0
    var tops: [Double] = []
    var heights: [Double] = []
    for (index, layer) in layout.layers.enumerated() {
      let height = layer.compactMap { layout.nodes[$0].box.map { boxHeights[$0] } }.max() ?? 0
      tops.append(y)
      heights.append(height)
      y += height + Self.gap + (bent.contains(index) ? Self.straight : 0)
    }
    (self.layout, self.widths, self.tops, self.heights) = (layout, widths, tops, heights)
  }

  private static let line = 14.0
  private static let gap = 32.0
  /// How far a bent arrow goes straight: past the line of the sizes.
  private static let straight = 17.0
  /// From an arrow to the size beside it.
  private static let stem = 5.0
  /// How far a shortcut stands out from its block.
  private static let shortcut = 14.0

  private static func isStraight(_ upper: LayeredLayout.Node, _ lower: LayeredLayout.Node) -> Bool {
    abs(upper.x - lower.x) < 0.05
  }

  private static func heading(_ box: NetworkDrawing.Box) -> String {
    box.repeats > 1 ? "\(box.name)  (\(box.repeats) alike)" : box.name
  }

  public var title: String { "The architecture of \(drawn.name)" }

  private static let legend: [(NetworkDrawing.Box.Kind, String)] = [
    (.convolution, "convolution"), (.pooling, "pooling"), (.dense, "dense"),
    (.join, "sum, joined"), (.block, "a block"),
  ]

  private static let shortcutText = "shortcut (dashed: size changes)"
  private var hasShortcuts: Bool { drawn.boxes.contains(where: \.hasShortcut) }

  private var right: Double {
    layout.nodes.map { $0.x + $0.width / 2 }.max() ?? 0
  }

  public var size: (width: Double, height: Double) {
    let kinds = Set(drawn.boxes.map(\.kind))
    var legend = Self.legend.filter { kinds.contains($0.0) }.map { textWidth($0.1) + 30 }
    if hasShortcuts { legend.append(textWidth(Self.shortcutText) + 30) }
    return (
      max(right + 8, legend.reduce(0, +), textWidth(title, size: 13)),
      (tops.last ?? 0) + (heights.last ?? 0) + 8
    )
  }

  private static func style(_ kind: NetworkDrawing.Box.Kind) -> (color: Int, opacity: String) {
    switch kind {
    case .convolution: (0, "0.16")
    case .pooling: (1, "0.16")
    case .dense: (2, "0.16")
    case .block: (3, "0.16")
    case .join: (4, "0.22")
    case .end, .other: (5, "0.1")
    }
  }

  public var drawing: String {
    var parts = [label(title, x: 0, y: 14, "head")]
    var x = 0.0
    let kinds = Set(drawn.boxes.map(\.kind))
    for (kind, text) in Self.legend where kinds.contains(kind) {
      let style = Self.style(kind)
      parts.append(
        rect(
          x: x, y: 28, width: 12, height: 12,
          [
            "class": "f\(style.color) s\(style.color)", "fill-opacity": style.opacity,
            "rx": "2",
          ]))
      parts.append(label(text, x: x + 17, y: 38, "soft"))
      x += textWidth(text) + 30
    }
    if hasShortcuts {
      parts.append(
        path(
          "M\(coordinate(x + 11)) 28h-4a4 4 0 0 0 -4 4v4a4 4 0 0 0 4 4h4",
          ["class": "base", "fill": "none"]))
      parts.append(label(Self.shortcutText, x: x + 17, y: 38, "soft"))
    }
    for (index, route) in layout.routes.enumerated() {
      parts.append(wire(route, hint: hint(of: drawn.arrows[index])))
    }
    for (index, box) in drawn.boxes.enumerated() { parts.append(draw(box, at: index)) }
    return parts.joined(separator: "\n")
  }

  private func hint(of arrow: NetworkDrawing.Arrow) -> String {
    let (source, target) = (drawn.boxes[arrow.source], drawn.boxes[arrow.target])
    return "\(source.name) to \(target.name): \(Self.text(source.output))"
  }

  private static func text(_ extents: [Int]) -> String {
    extents.map { "\($0)" }.joined(separator: "×")
  }

  private func wire(_ route: [Int], hint: String) -> String {
    let start = layout.nodes[route[0]]
    var data = ""
    for (upper, lower) in zip(route, route.dropFirst()) {
      let (from, to) = (layout.nodes[upper], layout.nodes[lower])
      let y1 = tops[from.layer] + (from.box == nil ? heights[from.layer] : height(ofNode: from))
      let y2 = tops[to.layer]
      if data.isEmpty { data = "M\(coordinate(start.x)) \(coordinate(y1))" }
      // Down past the boxes of the layer and the sizes below them, then over to the next.
      let isStraight = Self.isStraight(from, to)
      let begin = tops[from.layer] + heights[from.layer] + (isStraight ? 0 : Self.straight)
      if y1 < begin { data += "V\(coordinate(begin))" }
      let middle = (begin + y2) / 2
      data +=
        isStraight
        ? "V\(coordinate(y2))"
        : "C\(coordinate(from.x)) \(coordinate(middle)) \(coordinate(to.x)) \(coordinate(middle)) \(coordinate(to.x)) \(coordinate(y2))"
      if to.box == nil { data += "V\(coordinate(tops[to.layer] + heights[to.layer]))" }
    }
    // The head of the arrow.
    data += "m-3.5 -6l3.5 6l3.5 -6"
    return element(
      "path", ["d": data, "class": "base", "fill": "none"], element("title", [:], escaped(hint)))
  }

  private func height(ofNode node: LayeredLayout.Node) -> Double {
    guard let box = node.box else { return heights[node.layer] }
    return 8 + Self.line * Double(1 + drawn.boxes[box].lines.count)
  }

  private func draw(_ box: NetworkDrawing.Box, at index: Int) -> String {
    let node = layout.nodes[index]
    let width = widths[index]
    let (x, y) = (node.x - width / 2, tops[node.layer])
    let height = height(ofNode: node)
    let style = Self.style(box.kind)
    var result =
      rect(
        x: x, y: y, width: width, height: height,
        ["rx": box.kind == .end ? "9" : "3", "style": "fill:var(--paper)"])
      + rect(
        x: x, y: y, width: width, height: height,
        [
          "rx": box.kind == .end ? "9" : "3", "class": "f\(style.color) s\(style.color)",
          "fill-opacity": style.opacity,
        ])
      + label(Self.heading(box), x: node.x, y: y + 15, "mid small")
    for (number, text) in box.lines.enumerated() {
      result += label(
        text, x: node.x, y: y + 15 + Self.line * Double(number + 1), "mid small soft")
    }
    if box.hasShortcut { result += shortcut(of: box, at: index, x: x, y: y, height: height) }
    if drawn.arrows.contains(where: { $0.source == index }) {
      result += label(
        Self.text(box.output), x: node.x + Self.stem, y: y + height + 12, "small soft")
    }
    return result
  }

  /// The way around a block's layers, from the arrow above it to the arrow below it: dashed where it must change the size, as the
  /// figures of the paper on residual networks have it.
  private func shortcut(
    of box: NetworkDrawing.Box, at index: Int, x: Double, y: Double, height: Double
  ) -> String {
    let inputs = drawn.arrows.filter { $0.target == index }.map { drawn.boxes[$0.source].output }
    let isProjected = inputs != [box.output]
    let middle = layout.nodes[index].x
    let (left, top, bottom) = (x - Self.shortcut + 2, y - 11, y + height + 11)
    let bend = 8.0
    let data =
      "M\(coordinate(middle)) \(coordinate(top))H\(coordinate(left + bend))"
      + "Q\(coordinate(left)) \(coordinate(top)) \(coordinate(left)) \(coordinate(top + bend))"
      + "V\(coordinate(bottom - bend))"
      + "Q\(coordinate(left)) \(coordinate(bottom)) \(coordinate(left + bend)) \(coordinate(bottom))"
      + "H\(coordinate(middle))"
    let hint = "the shortcut of \(box.name)"
    return element(
      "path", ["d": data, "class": isProjected ? "base dash" : "base", "fill": "none"],
      element("title", [:], escaped(hint)))
      + path(
        "M\(coordinate(middle - 6)) \(coordinate(bottom - 3.5))l6 3.5l-6 3.5",
        ["class": "base", "fill": "none"])
  }
}
