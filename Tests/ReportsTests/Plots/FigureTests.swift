import ConvNetReports
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Whether the text is well-formed XML, as a strict reader demands.
func isWellFormed(_ text: String) -> Bool {
  XMLParser(data: Data(text.utf8)).parse()
}

/// The numbers in an attribute wherever it stands, as in `x="12.5"`.
func numbers(in text: String, attribute: String) -> [Double] {
  text.components(separatedBy: " \(attribute)=\"").dropFirst().compactMap {
    $0.split(separator: "\"", maxSplits: 1).first.flatMap { Double($0) }
  }
}

@Suite("Figures")
struct FigureTests {
  static let hostile = #"<script>alert("x & 'y'")</script>]]>"# + "\u{1B}[31m\u{0}"

  static let figures: [any Figure] = [
    LinePlot(
      hostile, horizontal: Axis(hostile), vertical: Axis(hostile),
      series: [.init(hostile, values: [1, .nan, 3, .infinity, 4])]),
    LinePlot("empty", horizontal: Axis("x"), vertical: Axis("y"), series: []),
    LinePlot(
      "nothing to show", horizontal: Axis("x"), vertical: Axis("y", scale: .logarithmic),
      series: [.init("a", values: [-1, 0, .nan])]),
    LinePlot(
      "marked", horizontal: Axis("x"), vertical: Axis("y", upperLimit: 2),
      series: [.init("a", values: [1, 1e99, 3, 1])], marks: [.init(1, "left"), .init(4, "right")]),
    BarPlot(
      hostile, quantity: hostile,
      bars: [.init(hostile, -3), .init("b", .nan, text: "?"), .init("c", 1e308)]),
    BarPlot("empty", quantity: "none", bars: []),
    HeatMap(confusion: [[3, 1], [0, 0]], classNames: [hostile, "b"]),
    HeatMap(confusion: [], classNames: []),
    HeatMap(
      "shades", rowTitle: "r", columnTitle: "c", rowNames: ["a"], columnNames: ["b", "c"],
      cells: [[.init(shade: .nan), .init(shade: 7, text: hostile, hint: hostile)]]),
  ]

  @Test("Every figure is well-formed, and hostile text stays text", arguments: figures)
  func wellFormed(figure: any Figure) {
    #expect(isWellFormed(figure.svg))
    #expect(!figure.svg.contains("<script"))
    #expect(!figure.svg.contains("nan"))
    #expect(!figure.svg.contains("inf"))
  }

  @Test(
    "A figure that is drawn for a telephone keeps to its width, with text of the same size",
    arguments: figures)
  func narrow(figure: any Figure) {
    let drawn = figure.drawn(width: 350)
    #expect(drawn.size.width == 350 && isWellFormed(drawn.svg))
    #expect(drawn.title == figure.title)
    for place in numbers(in: drawn.drawing, attribute: "x") { #expect((0...350).contains(place)) }
  }

  @Test("Curves with long names have a legend above them, each name within the width")
  func legend() throws {
    let names = ["resnet20-of-the-first-run", "resnet20-of-the-second-run", "c"]
    func plot(_ width: Double) -> LinePlot {
      LinePlot(
        "t", horizontal: Axis("x"), vertical: Axis("y"),
        series: names.map { .init($0, values: [1, 2, 3]) }, width: width)
    }
    let (broad, narrow) = (plot(680), plot(350))
    // At the ends where there is room.
    #expect(broad.size.height == 300 && narrow.size.height > 300)
    for name in names { #expect(narrow.drawing.contains(name)) }
    let last = try #require(
      narrow.drawing.firstMatch(of: /polyline points="[^"]* ([0-9.]+),[0-9.]+"/)?.1)
    #expect(try #require(Double(last)) > 330)
  }

  @Test("A name that has room is not cut, in a legend or at the end of its curve")
  func wholeNames() throws {
    let name = "validation mean average precision"
    for width in [680.0, 350] {
      let plot = LinePlot(
        "t", horizontal: Axis("x"), vertical: Axis("y"), series: [.init(name, values: [1, 2])],
        width: width)
      #expect(plot.drawing.contains(">\(name)</text>"))
    }
    let plot = LinePlot(
      "t", horizontal: Axis("x"), vertical: Axis("y"), series: [.init("smoothed", values: [1, 2])],
      width: 350)
    let place = try #require(plot.drawing.firstMatch(of: /<text x="([0-9.]+)"[^>]*>smoothed</)?.1)
    // In DejaVu Sans it is 60 pixels wide.
    #expect(try #require(Double(place)) + 60 <= 346)
    #expect(textWidth("画像") == 24)
    #expect(shortened("画像 of a run", toWidth: 40) == "画像…")
  }

  @Test(
    "Of more than five curves, and where one ends early, the names stand above, with the dashes of the curves"
  )
  func manyCurves() {
    func plot(_ lengths: [Int]) -> LinePlot {
      LinePlot(
        "t", horizontal: Axis("epoch", isInteger: true), vertical: Axis("y"),
        series: lengths.enumerated().map { place, length in
          .init("run \(place)", values: [Double](repeating: 1, count: length))
        })
    }
    #expect(plot([9, 9, 9]).size.height == 300)
    #expect(plot([2, 9, 9]).size.height > 300)
    let drawing = plot([Int](repeating: 9, count: 14)).drawing
    let entries = drawing.matches(of: /<line [^>]*class="(series [^"]*)"/).map { String($0.1) }
    let curves = drawing.matches(of: /<polyline [^>]*class="([^"]*)"/).map { String($0.1) }
    #expect(entries.count == 14 && entries == curves)
    #expect(Set(curves).count == 14)
    #expect(curves[0] == "series s0" && curves[6] == "series s0 dash")
    // A curve of nothing has no name, and those after it keep their colors.
    let rest = plot([0, 3]).drawing
    #expect(!rest.contains("run 0") && rest.contains("class=\"f1\">run 1</text>"))
  }

  @Test("Text is escaped for elements and attributes, and control characters are replaced")
  func escaping() {
    #expect(escaped(#"a<b> & "c" 'd'"#) == "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;")
    #expect(escaped("\u{0}\u{1B}\u{7F}\t\n") == "\u{FFFD}\u{FFFD}\u{FFFD}\t\n")
    #expect(escaped("Größe 0.1 µs ✓") == "Größe 0.1 µs ✓")
  }
}

@Suite("Line plots")
struct LinePlotTests {
  @Test("Points are joined from left to right, higher values nearer the top")
  func places() throws {
    let plot = LinePlot(
      "t", horizontal: Axis("x"), vertical: Axis("y"), series: [.init("s", values: [0, 5, 10])])
    let path = try #require(plot.drawing.firstMatch(of: /polyline points="([^"]*)"/)?.1)
    let points = path.split(separator: " ").map {
      $0.split(separator: ",").compactMap { Double($0) }
    }
    #expect(points.count == 3)
    #expect(abs(points[1][0] - (points[0][0] + points[2][0]) / 2) < 0.2)
    #expect(abs(points[1][1] - (points[0][1] + points[2][1]) / 2) < 0.2)
    #expect(points[0][0] < points[2][0] && points[0][1] > points[2][1])
  }

  @Test("A value that is not finite breaks the curve; a point alone is a dot")
  func gaps() {
    let plot = LinePlot(
      "t", horizontal: Axis("x"), vertical: Axis("y"),
      series: [.init("s", values: [1, 2, .nan, 3, .infinity, 4, 5])])
    #expect(plot.drawing.components(separatedBy: "<polyline").count == 3)
    #expect(plot.drawing.components(separatedBy: "<circle").count == 6)
  }

  @Test("A curve is cut at the limit of its axis; a mark is a rule with words above it")
  func limit() throws {
    let plot = LinePlot(
      "t", horizontal: Axis("x"), vertical: Axis("y", upperLimit: 4),
      series: [.init("s", values: [4, 2, 12, 100, 0])],
      marks: [.init(2, "here"), .init(50, "beyond")])
    let paths = plot.drawing.matches(of: /polyline points="([^"]*)"/).map { match in
      match.1.split(separator: " ").map { $0.split(separator: ",").compactMap { Double($0) } }
    }
    #expect(paths.map(\.count) == [3, 2])
    #expect(paths.joined().allSatisfy { $0[1] >= 52 })
    // From 2 to 12 a fifth of the way.
    let (first, second, cut) = (paths[0][0][0], paths[0][1][0], paths[0][2][0])
    #expect(abs(cut - second - 0.2 * (second - first)) < 0.2)
    #expect(plot.drawing.components(separatedBy: "<circle").count == 4)
    let place = try #require(
      plot.drawing.firstMatch(of: /<line x1="([0-9.]+)"[^>]*class="base dash"/)?.1)
    #expect(Double(place) == second)
    #expect(plot.drawing.contains(">here</text>") && !plot.drawing.contains(">beyond<"))
  }

  @Test("A plot for a telephone has several ticks", arguments: [8, 80])
  func narrowTicks(epochs: Int) {
    let plot = LinePlot(
      "t", horizontal: Axis("epoch", isInteger: true), vertical: Axis("y"),
      series: [.init("validation", values: (0..<epochs).map { 1 / Double($0 + 1) })])
    #expect(plot.drawn(width: 350).drawing.components(separatedBy: "\"soft mid\"").count > 3)
  }

  @Test("A logarithmic axis leaves out what is not positive")
  func logarithmic() {
    let plot = LinePlot(
      "t", horizontal: Axis("x"), vertical: Axis("y", scale: .logarithmic),
      series: [.init("s", values: [0, 1, 10, -1])])
    #expect(plot.drawing.components(separatedBy: "<circle").count == 3)
  }

  @Test("Labels are moved apart, keep their order, and stay in the range when there is room")
  func spreading() {
    #expect(spread([10, 50], gap: 15, within: 0...100) == [10, 50])
    #expect(spread([50, 50], gap: 10, within: 0...100) == [45, 55])
    #expect(spread([0, 1], gap: 10, within: 0...100) == [0, 10])
    #expect(spread([99, 100], gap: 10, within: 0...100) == [90, 100])
    let places = spread([3, 4, 5, 20, 21, 90, 99], gap: 12, within: 0...100)
    #expect(zip(places, places.dropFirst()).allSatisfy { $1 - $0 >= 12 - 1e-9 })
    #expect(spread([], gap: 10, within: 0...1).isEmpty)
  }
}

@Suite("Bar plots")
struct BarPlotTests {
  @Test("Lengths are in proportion, from zero")
  func proportion() {
    let plot = BarPlot("t", quantity: "q", bars: [.init("a", 40), .init("b", 10), .init("c", 0)])
    let widths = numbers(in: plot.drawing, attribute: "width")
    #expect(widths.count == 3)
    #expect(abs(widths[0] - 4 * widths[1]) < 0.5)
    #expect(widths[2] == 0)
  }

  @Test("Negative bars end where positive ones begin")
  func negative() {
    let plot = BarPlot("t", quantity: "q", bars: [.init("a", -2), .init("b", 2)])
    let (places, widths) = (
      numbers(
        in: plot.drawing.components(separatedBy: "<rect").dropFirst().joined(), attribute: "x"),
      numbers(in: plot.drawing, attribute: "width")
    )
    #expect(abs(widths[0] - widths[1]) < 0.11)
    #expect(places.contains { abs($0 - (places[0] + widths[0])) < 0.11 })
  }
}

@Suite("Heat maps")
struct HeatMapTests {
  @Test("A confusion matrix prints percentages of the row and says what a cell means")
  func confusion() {
    let map = HeatMap(confusion: [[90, 10], [25, 75]], classNames: ["cat", "dog"])
    #expect(map.cells.map { $0.map(\.text) } == [["90", "10"], ["25", "75"]])
    #expect(map.cells[1][0].hint == "dog taken for cat: 25 of 100")
    #expect(map.cells[0][0].hint == "cat, right: 90 of 100")
    #expect(map.cells.map { $0.map(\.isContrasting) } == [[false, true], [true, false]])
    #expect(map.cells[0][0].shade == 0.9)
    // The worst mistake is the darkest.
    #expect(map.cells[1][0].shade > map.cells[0][1].shade)
  }

  @Test("A class without pictures is blank, not a division by zero")
  func emptyRow() {
    let map = HeatMap(confusion: [[0, 0], [0, 4]], classNames: ["cat", "dog"])
    #expect(map.cells[0].map(\.shade) == [0, 0])
    #expect(map.cells[0].map(\.text) == ["", ""])
  }

  @Test("Hundreds of classes keep a readable size of cell")
  func large() {
    let names = (0..<300).map { "class \($0)" }
    let counts = [[Int]](repeating: [Int](repeating: 1, count: 300), count: 300)
    let map = HeatMap(confusion: counts, classNames: names)
    #expect((numbers(in: map.drawing, attribute: "x").max() ?? 0) < 1000)
  }
}
