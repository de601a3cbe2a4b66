/// Rows of text under headings. A page shows it as HTML, the command as aligned columns.
public struct Table: Hashable, Sendable {
  /// To which side of its column a text stands.
  public enum Alignment: Hashable, Sendable {
    /// For words.
    case left
    /// For numbers, so that their digits stand under each other.
    case right
  }

  /// A heading, and how what is under it stands.
  public struct Column: Hashable, Sendable {
    /// The heading.
    public var title: String
    /// To which side the texts of the column stand.
    public var alignment: Alignment
    /// How readily it is left out where a terminal is too narrow for all; 0 for never.
    public var dispensability: Int
    /// Whether it is shown only where no words must be broken for it.
    public var isExtra: Bool
    /// Columns of text that words need at least, fewer where all of them are shorter; what is longer goes on in a line below.
    public var leastWidth: Int

    /// A column under that heading.
    public init(
      _ title: String, _ alignment: Alignment = .left, dispensability: Int = 0,
      isExtra: Bool = false, leastWidth: Int = 8
    ) {
      self.title = title
      self.alignment = alignment
      self.dispensability = dispensability
      self.isExtra = isExtra
      self.leastWidth = leastWidth
    }
  }

  /// From left to right.
  public var columns: [Column]
  /// One text a column; missing cells at the end of a row are empty.
  public private(set) var rows: [[String]]
  /// A last row set apart, as for totals; empty for none.
  public var footer: [String]
  /// What the table shows; empty for none.
  public var caption: String
  /// Whether a reader of a page can sort it by a click on a heading. Terminals show it as it is.
  public var isSortable = false

  /// A table of these rows, each of no more cells than there are columns.
  public init(
    _ columns: [Column], rows: [[String]] = [], footer: [String] = [], caption: String = ""
  ) {
    self.columns = columns
    self.rows = []
    self.footer = footer
    self.caption = caption
    rows.forEach { append($0) }
  }

  /// Adds a row.
  ///
  /// - Precondition: no more cells than columns.
  public mutating func append(_ cells: [String]) {
    guard cells.count <= columns.count else {
      fatalError("a row of \(cells.count) cells in a table of \(columns.count) columns: \(cells)")
    }
    rows.append(cells)
  }

  /// A `table` element.
  var html: String {
    func line(_ cells: [String], _ name: String) -> String {
      let padded = cells + Array(repeating: "", count: max(0, columns.count - cells.count))
      let content = zip(columns, padded).map { column, cell in
        element(name, column.alignment == .right ? ["class": "number"] : [:], escaped(cell))
      }
      return element("tr", [:], content.joined())
    }
    var parts = caption.isEmpty ? [] : [element("caption", [:], escaped(caption))]
    parts.append(element("thead", [:], line(columns.map(\.title), "th")))
    parts.append(element("tbody", [:], rows.map { line($0, "td") }.joined(separator: "\n")))
    if !footer.isEmpty { parts.append(element("tfoot", [:], line(footer, "td"))) }
    return element(
      "div", ["class": "wide"],
      element("table", isSortable ? ["class": "sortable"] : [:], parts.joined(separator: "\n")))
  }
}
