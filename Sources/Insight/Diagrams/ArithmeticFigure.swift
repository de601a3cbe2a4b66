public import ConvNetReports

/// The diagram of a window that slides over an input: input, padding, kernel and output, at every position (after V. Dumoulin,
/// F. Visin, "A guide to convolution arithmetic for deep learning", 2016).
public struct ArithmeticFigure: Figure {
  /// Along the height.
  public let rows: AxisArithmetic
  /// Along the width.
  public let columns: AxisArithmetic
  /// Whether one picture goes through the positions; otherwise each has a picture of its own.
  public let isAnimated: Bool

  /// Positions that can be drawn.
  public static let positionLimit = 144
  /// Rows and columns that can be drawn.
  public static let extentLimit = 40

  /// The diagram of two axes.
  ///
  /// - Throws: ``InsightError/tooMuch(what:count:limit:advice:)`` where nobody could see it.
  public init(rows: AxisArithmetic, columns: AxisArithmetic, isAnimated: Bool = false)
    throws(InsightError)
  {
    for axis in [rows, columns] {
      let extent = max(axis.covered.count, axis.output)
      guard extent <= Self.extentLimit else {
        throw .tooMuch(
          what: "positions of an axis", count: extent, limit: Self.extentLimit,
          advice: "take a smaller input; the formula holds for all")
      }
    }
    guard rows.output * columns.output <= Self.positionLimit else {
      throw .tooMuch(
        what: "places of the window", count: rows.output * columns.output,
        limit: Self.positionLimit, advice: "take a smaller input or a larger stride")
    }
    (self.rows, self.columns, self.isAnimated) = (rows, columns, isAnimated)
  }

  public var title: String {
    let name =
      switch rows.kind {
      case .convolution: "Convolution"
      case .transposedConvolution: "Transposed convolution"
      case .maxPooling: "Max pooling"
      case .averagePooling: "Average pooling"
      }
    func pair(_ of: (AxisArithmetic) -> Int) -> String {
      of(rows) == of(columns) ? "\(of(rows))" : "\(of(rows))x\(of(columns))"
    }
    return
      "\(name) of \(rows.input)x\(columns.input): kernel \(rows.kernel)x\(columns.kernel), stride \(pair(\.stride))"
      + (rows.dilation * columns.dilation > 1 ? ", dilation \(pair(\.dilation))" : "")
  }

  /// The formula of each axis, one where they are alike.
  public var formulas: [String] {
    rows.output == columns.output && rows.formula == columns.formula
      ? ["output = \(rows.formula)"]
      : ["height = \(rows.formula)", "width = \(columns.formula)"]
  }

  // MARK: Places

  private var cell: Double { isAnimated ? 26 : 12 }
  private var top: Double { 34 + 16 * Double(formulas.count) + 24 }
  private var arrow: Double { isAnimated ? 64 : 30 }
  private var panel: (width: Double, height: Double) {
    (
      cell * Double(columns.covered.count + columns.output) + arrow + 26,
      cell * Double(max(rows.covered.count, rows.output)) + 22
    )
  }
  private var positions: Int { rows.output * columns.output }
  private var inColumns: Int {
    if isAnimated { return 1 }
    let fitting = max(1, Int(860 / panel.width))
    // Whole rows of the output below each other, where they fit.
    return fitting >= columns.output ? columns.output : min(fitting, positions)
  }

  public var size: (width: Double, height: Double) {
    let texts = ([title] + formulas).map { textWidth($0, size: 13) + 8 }.max() ?? 0
    let lines = isAnimated ? 1 : (positions + inColumns - 1) / inColumns
    return (
      max(panel.width * Double(inColumns), texts, 430), top + panel.height * Double(lines)
    )
  }

  // MARK: Drawing

  public var drawing: String {
    var parts = [label(title, x: 0, y: 14, "head")]
    for (index, formula) in formulas.enumerated() {
      parts.append(label(formula, x: 0, y: 34 + 16 * Double(index), ""))
    }
    parts.append(legend(y: 34 + 16 * Double(formulas.count)))
    if isAnimated {
      parts.append(translated(0, top, ground + (0..<positions).map(frame).joined()))
    } else {
      for position in 0..<positions {
        let place = (
          x: panel.width * Double(position % inColumns),
          y: top + panel.height * Double(position / inColumns)
        )
        parts.append(translated(place.x, place.y, ground + window(at: position)))
      }
    }
    return parts.joined(separator: "\n")
  }

  private func translated(_ x: Double, _ y: Double, _ content: String) -> String {
    element("g", ["transform": "translate(\(coordinate(x)) \(coordinate(y)))"], content)
  }

  private func legend(y: Double) -> String {
    let around =
      switch rows.kind {
      case .convolution: "zeros around it"
      case .transposedConvolution: "zeros between and around"
      case .maxPooling, .averagePooling: "padding"
      }
    let entries = [
      ("f0", "0.4", "input"), ("dash", "", around), ("f1", "0.75", "kernel"),
      ("f2", "0.4", "output"),
    ]
    var x = 0.0
    return entries.map { style, opacity, text in
      defer { x += 24 + textWidth(text) }
      let square =
        style == "dash"
        ? rect(x: x, y: y - 9, width: 11, height: 11, ["fill": "none", "class": "base dash"])
        : rect(x: x, y: y - 9, width: 11, height: 11, ["class": style, "fill-opacity": opacity])
      return square + label(text, x: x + 16, y: y, "soft")
    }.joined()
  }

  private var inputOrigin: (x: Double, y: Double) { (2, 2) }
  private var outputOrigin: (x: Double, y: Double) {
    let height = cell * Double(rows.covered.count)
    return (
      inputOrigin.x + cell * Double(columns.covered.count) + arrow,
      inputOrigin.y + max(0, (height - cell * Double(rows.output)) / 2)
    )
  }

  /// Input and output without the window.
  private var ground: String {
    let (left, upper) = inputOrigin
    func x(_ column: Int) -> Double { left + cell * Double(column - columns.covered.lowerBound) }
    func y(_ row: Int) -> Double { upper + cell * Double(row - rows.covered.lowerBound) }
    var parts = [
      grid(
        x: left, y: upper, columns: columns.covered.count, rows: rows.covered.count,
        ["class": "base dash", "fill": "none", "stroke-opacity": "0.6"])
    ]
    let (rowStep, columnStep) = (
      rows.kind == .transposedConvolution ? rows.stride : 1,
      columns.kind == .transposedConvolution ? columns.stride : 1
    )
    let numbers = (0..<rows.input).flatMap { row in
      (0..<columns.input).map { column in
        square(x(column * columnStep), y(row * rowStep))
      }
    }
    parts.append(
      element(
        "path", ["d": numbers.joined(), "class": "f0 edge", "fill-opacity": "0.4"]))
    let output = outputOrigin
    parts.append(
      rect(
        x: output.x, y: output.y, width: cell * Double(columns.output),
        height: cell * Double(rows.output), ["class": "f2", "fill-opacity": "0.2"]))
    parts.append(
      grid(
        x: output.x, y: output.y, columns: columns.output, rows: rows.output,
        ["class": "s2", "fill": "none"]))
    let middle = upper + cell * Double(rows.covered.count) / 2
    let (from, to) = (output.x - arrow + 8, output.x - 8)
    parts.append(
      element(
        "path",
        [
          "d":
            "M\(coordinate(from)) \(coordinate(middle))H\(coordinate(to))m-5 -4l5 4l-5 4",
          "class": "base", "fill": "none",
        ]))
    return parts.joined()
  }

  /// The kernel at a position, and the output's place of it.
  private func window(at position: Int) -> String {
    let (row, column) = (position / columns.output, position % columns.output)
    let (left, upper) = inputOrigin
    let taps = rows.taps(at: row).flatMap { tapRow in
      columns.taps(at: column).map { tapColumn in
        square(
          left + cell * Double(tapColumn - columns.covered.lowerBound),
          upper + cell * Double(tapRow - rows.covered.lowerBound))
      }
    }
    let output = outputOrigin
    return element("path", ["d": taps.joined(), "class": "f1 edge", "fill-opacity": "0.75"])
      + rect(
        x: output.x + cell * Double(column), y: output.y + cell * Double(row), width: cell,
        height: cell, ["class": "f2"])
  }

  /// The window at a position, which shows while it is its turn.
  private func frame(at position: Int) -> String {
    let (count, seconds) = (Double(positions), 0.9)
    let (start, end) = (Double(position) / count, Double(position + 1) / count)
    func time(_ share: Double) -> String {
      HumanReadable.trimmed(HumanReadable.fixed(share, digits: 4))
    }
    let (values, times) =
      positions == 1
      ? ("visible", "0")
      : position == 0
        ? ("visible;hidden", "0;\(time(end))")
        : position == positions - 1
          ? ("hidden;visible", "0;\(time(start))")
          : ("hidden;visible;hidden", "0;\(time(start));\(time(end))")
    return element(
      "g", ["visibility": position == 0 ? "visible" : "hidden"], window(at: position),
      element(
        "animate",
        [
          "attributeName": "visibility", "calcMode": "discrete", "values": values,
          "keyTimes": times, "dur": "\(time(count * seconds))s", "repeatCount": "indefinite",
        ]))
  }

  private func square(_ x: Double, _ y: Double) -> String {
    let side = coordinate(cell)
    return "M\(coordinate(x)) \(coordinate(y))h\(side)v\(side)h-\(side)z"
  }

  private func grid(
    x: Double, y: Double, columns: Int, rows: Int, _ attributes: KeyValuePairs<String, String>
  ) -> String {
    let (width, height) = (cell * Double(columns), cell * Double(rows))
    let horizontal = (0...rows).map { row in
      "M\(coordinate(x)) \(coordinate(y + cell * Double(row)))h\(coordinate(width))"
    }
    let vertical = (0...columns).map { column in
      "M\(coordinate(x + cell * Double(column))) \(coordinate(y))v\(coordinate(height))"
    }
    return path((horizontal + vertical).joined(), attributes)
  }
}

/// A `path` element.
func path(_ data: String, _ attributes: KeyValuePairs<String, String>) -> String {
  "<path d=\"\(data)\"" + attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined() + "/>"
}

/// A `rect` element.
func rect(
  x: Double, y: Double, width: Double, height: Double, _ attributes: KeyValuePairs<String, String>
) -> String {
  "<rect x=\"\(coordinate(x))\" y=\"\(coordinate(y))\" width=\"\(coordinate(width))\" height=\"\(coordinate(height))\""
    + attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined() + "/>"
}
