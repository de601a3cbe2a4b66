/// A figure of a report: it can be drawn as SVG.
public protocol Figure: Sendable {
  /// What the figure shows, in a few words: its heading, and its name for readers who do not see
  /// it.
  var title: String { get }
  /// The size in pixels of the drawing, which scales to the width of the page.
  var size: (width: Double, height: Double) { get }
  /// The elements inside the `svg` element, in the figure's coordinates.
  var drawing: String { get }
  /// The same drawn anew for so many pixels, with text of the same size: for narrow screens. Without one of its own, a figure is
  /// scaled as a whole.
  func drawn(width: Double) -> Self
}

extension Figure {
  public func drawn(width: Double) -> Self { self }
}

extension Figure {
  /// A file of its own: carries its style, follows the reader's light or dark setting.
  public var svg: String {
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      + svgElement(style: element("style", [:], FigureStyle.colors + FigureStyle.rules), margin: 8)
      + "\n"
  }

  /// For a page that holds ``FigureStyle`` already: one for each width of screen, of which the page shows one.
  var inlineSVG: String {
    let narrow = drawn(width: PageStyle.narrowWidth)
    guard narrow.size.width < size.width else { return svgElement(style: "") }
    return element("div", ["class": "broad"], svgElement(style: ""))
      + element("div", ["class": "narrow"], narrow.svgElement(style: ""))
  }
  /// The same in the light colors alone, named where they are used: for programs that know no variables of styles.
  package var plainSVG: String {
    FigureStyle.lightColors.reduce(svg) { $0.replacing("var(--\($1.name))", with: $1.value) }
  }

  /// - Parameter margin: pixels on each side around the drawing, which a page brings by itself.
  private func svgElement(style: String, margin: Double = 0) -> String {
    let (width, height) = (size.width + 2 * margin, size.height + 2 * margin)
    return element(
      "svg",
      [
        "xmlns": "http://www.w3.org/2000/svg", "class": "cv", "role": "img",
        "viewBox":
          "\(coordinate(-margin)) \(coordinate(-margin)) \(coordinate(width)) \(coordinate(height))",
        "width": coordinate(width), "height": coordinate(height),
      ],
      element("title", [:], escaped(title)), style, drawing)
  }
}

/// The look of the figures: little ink, one hue for the subject, colors that the color-blind tell
/// apart.
enum FigureStyle {
  static let colorCount = 6

  /// The colors, light and dark, which pages share.
  static let colors = """
    .cv{--paper:#fdfdfb;--ink:#22262b;--soft:#6a6f76;--rule:#e4e4de;\
    --c0:#2f6690;--c1:#c4512d;--c2:#3f7d58;--c3:#7d5ba6;--c4:#a87908;--c5:#5c6b73}
    @media (prefers-color-scheme:dark){.cv{--paper:#15181c;--ink:#e4e3de;--soft:#9a9da1;\
    --rule:#2d3238;--c0:#7fb2dc;--c1:#ee8a68;--c2:#7cc296;--c3:#bba0e0;--c4:#dcb04a;--c5:#a7b4bc}}

    """

  /// The light colors by name, as ``colors`` says them.
  static var lightColors: [(name: String, value: String)] {
    let light = colors.prefix { $0 != "}" }
    return light.matches(of: /--(\w+):(#\w+)/).map { (String($0.1), String($0.2)) }
  }

  static let rules =
    """
    svg.cv{background:var(--paper);\
    font:12px/1.2 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",\
    "DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
    .cv text{fill:var(--ink)}.cv text.soft{fill:var(--soft)}\
    .cv text.head{font-size:13px;font-weight:600}
    .cv text.end{text-anchor:end}.cv text.mid{text-anchor:middle}.cv text.small{font-size:11px}
    .cv .grid{stroke:var(--rule);stroke-width:1}.cv .base{stroke:var(--soft);stroke-width:1}
    .cv .series{fill:none;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round}
    .cv .dash{stroke-dasharray:5 4}.cv .dot{stroke-dasharray:.1 4}\
    .cv .dash-dot{stroke-dasharray:7 4 .1 4}.cv .halo{stroke:var(--paper);stroke-width:1.5}

    """
    + (0..<colorCount).map {
      ".cv .s\($0){stroke:var(--c\($0))}.cv .f\($0),.cv text.f\($0){fill:var(--c\($0))}\n"
    }.joined()
    + ".cv text.on{fill:var(--paper)}\n"
}

/// A line of text with its anchor at (x, y).
package func label(_ text: String, x: Double, y: Double, _ classes: String, hint: String? = nil)
  -> String
{
  element(
    "text", ["x": coordinate(x), "y": coordinate(y), "class": classes], escaped(text),
    hint.map { element("title", [:], escaped($0)) } ?? "")
}

package func rule(from: (x: Double, y: Double), to: (x: Double, y: Double), _ classes: String)
  -> String
{
  element(
    "line",
    [
      "x1": coordinate(from.x), "y1": coordinate(from.y), "x2": coordinate(to.x),
      "y2": coordinate(to.y), "class": classes,
    ])
}
