/// A report as one HTML file that needs no other: style, figures and pictures are inside. There is a script
/// only where a table can be sorted or pictures chosen among; without it they stand as they are.
///
/// All text is escaped. The page follows the reader's light or dark setting and prints well.
public struct ReportPage: Sendable {
  /// A piece of a section.
  public enum Block: Sendable {
    /// A paragraph.
    case text(String)
    /// Names and values, as the settings of a run.
    case facts([(name: String, value: String)])
    /// A plot, at the page's width.
    case figure(any Figure)
    /// Rows under headings.
    case table(Table)
    /// A PNG file's bytes, shown at its size or the page's width if that is less.
    case picture(png: [UInt8], caption: String)
    /// Many small pictures, among which a reader can choose by what is known of each.
    case gallery(Gallery)
    /// Text as typed: a command, a graph's dump.
    case code(String)
  }

  /// A heading with what stands under it.
  public struct Section: Sendable {
    /// Empty for none.
    public var title: String
    /// From top to bottom.
    public var blocks: [Block]

    /// A section of these blocks.
    public init(_ title: String, _ blocks: [Block]) {
      self.title = title
      self.blocks = blocks
    }
  }

  /// The heading of the page, and what a browser calls it.
  public var title: String
  /// What a hurried reader should take away, under the title; empty for none.
  public var summary: String
  /// From top to bottom.
  public var sections: [Section]

  /// A page; sections may be added later.
  public init(_ title: String, summary: String = "", sections: [Section] = []) {
    self.title = title
    self.summary = summary
    self.sections = sections
  }

  /// The whole file.
  public var html: String {
    let style = FigureStyle.colors + FigureStyle.rules + PageStyle.rules
    let body =
      [element("h1", [:], escaped(title))]
      + (summary.isEmpty ? [] : [element("p", ["class": "summary"], escaped(summary))])
      + sections.map(html(of:))
    return """
      <!DOCTYPE html>
      <html lang="en" class="cv">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta name="color-scheme" content="light dark"/>
      <title>\(escaped(title))</title>
      <style>
      \(style)</style>
      </head>
      <body><main>
      \(body.joined(separator: "\n"))
      </main>\(script)</body>
      </html>

      """
  }

  /// What tables and galleries need, where there are any.
  private var script: String {
    var (sorts, chooses) = (false, false)
    for block in sections.flatMap(\.blocks) {
      if case .table(let table) = block, table.isSortable { sorts = true }
      if case .gallery = block { chooses = true }
    }
    let parts = (sorts ? [PageScript.sorting] : []) + (chooses ? [PageScript.choosing] : [])
    return parts.isEmpty ? "" : "\n<script>\n\(parts.joined(separator: "\n"))\n</script>\n"
  }

  private func html(of section: Section) -> String {
    let heading = section.title.isEmpty ? "" : element("h2", [:], escaped(section.title)) + "\n"
    let blocks = section.blocks.map(html(of:)).joined(separator: "\n")
    return element("section", [:], heading + blocks)
  }

  private func html(of block: Block) -> String {
    switch block {
    case .text(let text):
      return element("p", [:], escaped(text))
    case .facts(let facts):
      let items = facts.map { fact in
        element("dt", [:], escaped(fact.name)) + element("dd", [:], escaped(fact.value))
      }
      return element("dl", [:], items.joined(separator: "\n"))
    case .figure(let figure):
      return element("figure", [:], figure.inlineSVG)
    case .table(let table):
      return table.html
    case .picture(let png, let caption):
      return element(
        "figure", [:],
        element("img", ["src": "data:image/png;base64," + base64(png), "alt": caption]),
        caption.isEmpty ? "" : element("figcaption", [:], escaped(caption)))
    case .gallery(let gallery):
      return gallery.html
    case .code(let text):
      return element("pre", [:], escaped(text))
    }
  }
}
