public import ConvNetReports

/// The architecture of a network: boxes below each other, arrows with the sizes of what they carry.
public struct NetworkFigure: Figure {
  /// What is drawn.
  public let drawn: NetworkDrawing
  private let layout: LayeredLayout
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
    let layout = LayeredLayout(
      widths: texts.map { lines in
        max(64, (lines.map { textWidth($0, size: 11.5) }.max() ?? 0) + 14)
      }, arrows: drawing.arrows.map { ($0.source, $0.target) })
    let boxHeights = texts.map { 8 + Self.line * Double($0.count) }
    var y = 62.0
    var tops: [Double] = []
    var heights: [Double] = []
    for layer in layout.layers {
      let height = layer.compactMap { layout.nodes[$0].box.map { boxHeights[$0] } }.max() ?? 0
      tops.append(y)
      heights.append(height)
      y += height + Self.gap
    }
    (self.layout, self.tops, self.heights) = (layout, tops, heights)
  }

  private static let line = 14.0
  private static let gap = 32.0

  private static func heading(_ box: NetworkDrawing.Box) -> String {
    box.repeats > 1 ? "\(box.name)  (\(box.repeats) alike)" : box.name
  }

  public var title: String { "The architecture of \(drawn.name)" }

  private static let legend: [(NetworkDrawing.Box.Kind, String)] = [
    (.convolution, "convolution"), (.pooling, "pooling"), (.dense, "dense"),
    (.join, "sum, joined"), (.block, "a block"),
  ]

  private var right: Double {
    layout.nodes.map { $0.x + $0.width / 2 }.max() ?? 0
  }

  public var size: (width: Double, height: Double) {
    // The size of what an arrow carries stands right of it.
    let kinds = Set(drawn.boxes.map(\.kind))
    let legend = Self.legend.filter { kinds.contains($0.0) }.map { textWidth($0.1) + 30 }
    return (
      max(right + 64, legend.reduce(0, +), textWidth(title, size: 13)),
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
      // Down to where the boxes of the layer end, then over to the next.
      if y1 < tops[from.layer] + heights[from.layer] {
        data += "V\(coordinate(tops[from.layer] + heights[from.layer]))"
      }
      let begin = tops[from.layer] + heights[from.layer]
      let middle = (begin + y2) / 2
      data +=
        from.x == to.x
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
    let (x, y) = (node.x - node.width / 2, tops[node.layer])
    let height = height(ofNode: node)
    let style = Self.style(box.kind)
    var result =
      rect(
        x: x, y: y, width: node.width, height: height,
        ["rx": box.kind == .end ? "9" : "3", "style": "fill:var(--paper)"])
      + rect(
        x: x, y: y, width: node.width, height: height,
        [
          "rx": box.kind == .end ? "9" : "3", "class": "f\(style.color) s\(style.color)",
          "fill-opacity": style.opacity,
        ])
      + label(Self.heading(box), x: node.x, y: y + 15, "mid small")
    for (number, text) in box.lines.enumerated() {
      result += label(
        text, x: node.x, y: y + 15 + Self.line * Double(number + 1), "mid small soft")
    }
    if drawn.arrows.contains(where: { $0.source == index }) {
      // Where several arrows begin, one would go through the size.
      result += element(
        "text",
        [
          "x": coordinate(node.x + 5), "y": coordinate(y + height + 12), "class": "small soft",
          "style": "paint-order:stroke;stroke:var(--paper);stroke-width:3px",
        ], escaped(Self.text(box.output)))
    }
    return result
  }
}
