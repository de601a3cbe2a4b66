/// A matrix whose cells are shaded by value.
public struct HeatMap: Figure, Hashable {
  /// One place of the matrix.
  public struct Cell: Hashable, Sendable {
    /// How dark, from 0 to 1; clamped, and nothing is drawn where it is not a number.
    public var shade: Double
    /// Printed in the cell where there is room.
    public var text: String
    /// Shown when the reader rests on the cell.
    public var hint: String
    /// Drawn in the second color, as mistakes are.
    public var isContrasting: Bool

    /// A cell of that shade.
    public init(shade: Double, text: String = "", hint: String = "", isContrasting: Bool = false) {
      self.shade = shade
      self.text = text
      self.hint = hint
      self.isContrasting = isContrasting
    }
  }

  public var title: String
  /// What the rows are.
  public var rowTitle: String
  /// What the columns are.
  public var columnTitle: String
  /// One a row, from the top.
  public var rowNames: [String]
  /// One a column, from the left.
  public var columnNames: [String]
  /// Row by row.
  public var cells: [[Cell]]
  /// In the figure's units, which are pixels where nothing scales it.
  public var width: Double

  /// - Precondition: `cells` has a row for each row name, of a cell for each column name.
  public init(
    _ title: String, rowTitle: String, columnTitle: String, rowNames: [String],
    columnNames: [String], cells: [[Cell]], width: Double = 680
  ) {
    guard cells.count == rowNames.count, cells.allSatisfy({ $0.count == columnNames.count }) else {
      fatalError(
        """
        a heat map of \(rowNames.count) rows and \(columnNames.count) columns was given rows of \
        \(cells.map(\.count)) cells
        """)
    }
    self.title = title
    self.rowTitle = rowTitle
    self.columnTitle = columnTitle
    self.rowNames = rowNames
    self.columnNames = columnNames
    self.cells = cells
    self.width = width
  }

  private struct Layout {
    var left, top, cell: Double
    /// Every how many rows a name is printed, which needs 12 pixels, and every how many columns,
    /// where it stands aslant.
    var everyRow, everyColumn: Int
  }

  public func drawn(width: Double) -> Self {
    var map = self
    map.width = width
    return map
  }

  /// Characters of a name: fewer where there is less room for the cells.
  private var nameLength: Int { max(8, min(24, Int(width / 28))) }

  private var layout: Layout {
    let left = 22 + (rowNames.map { textWidth(shortened($0, to: nameLength)) }.max() ?? 0)
    let names = columnNames.map { textWidth(shortened($0, to: nameLength)) }.max() ?? 0
    // Names stand at 45 degrees: 0.71 of their length up, and of the last one's to the right.
    let room = width - left - names * 0.71
    let cell = max(3, min(44, room / Double(max(1, columnNames.count))))
    return Layout(
      left: left, top: 56 + names * 0.71, cell: cell,
      everyRow: max(1, Int((12 / cell).rounded(.up))),
      everyColumn: max(1, Int((17 / cell).rounded(.up))))
  }

  public var size: (width: Double, height: Double) {
    let layout = layout
    return (width, layout.top + layout.cell * Double(rowNames.count) + 4)
  }

  public var drawing: String {
    let layout = layout
    var parts = [
      label(title, x: 0, y: 14, "head"),
      label("\(rowTitle) ↓   \(columnTitle) →", x: 0, y: 34, "soft"),
    ]
    for (row, name) in rowNames.enumerated() where row % layout.everyRow == 0 {
      parts.append(
        label(
          shortened(name, to: nameLength), x: layout.left - 8,
          y: layout.top + layout.cell * (Double(row) + 0.5) + 4, "end", hint: name))
    }
    for (column, name) in columnNames.enumerated() where column % layout.everyColumn == 0 {
      let (x, y) = (layout.left + layout.cell * (Double(column) + 0.5), layout.top - 6)
      parts.append(
        element(
          "text", ["transform": "translate(\(coordinate(x)) \(coordinate(y))) rotate(-45)"],
          escaped(shortened(name, to: nameLength))))
    }
    for (row, cells) in cells.enumerated() {
      for (column, cell) in cells.enumerated() where cell.shade.isFinite {
        parts.append(draw(cell, row: row, column: column, layout))
      }
    }
    return parts.joined(separator: "\n")
  }

  private func draw(_ cell: Cell, row: Int, column: Int, _ layout: Layout) -> String {
    let (x, y) = (
      layout.left + layout.cell * Double(column), layout.top + layout.cell * Double(row)
    )
    let shade = max(0, min(1, cell.shade))
    let gap = layout.cell > 8 ? 1.0 : 0
    let square = element(
      "rect",
      [
        "x": coordinate(x), "y": coordinate(y), "width": coordinate(layout.cell - gap),
        "height": coordinate(layout.cell - gap), "class": cell.isContrasting ? "f1" : "f0",
        // A faint ground shows where the matrix is even where it is empty.
        "fill-opacity": HumanReadable.trimmed(HumanReadable.fixed(0.05 + 0.95 * shade, digits: 2)),
      ], cell.hint.isEmpty ? "" : element("title", [:], escaped(cell.hint)))
    guard !cell.text.isEmpty, textWidth(cell.text, size: 11) < layout.cell - 2, layout.cell > 14
    else { return square }
    return square
      + label(
        cell.text, x: x + (layout.cell - gap) / 2, y: y + (layout.cell - gap) / 2 + 4,
        shade > 0.55 ? "small mid on" : "small mid", hint: cell.hint.isEmpty ? nil : cell.hint)
  }
}
