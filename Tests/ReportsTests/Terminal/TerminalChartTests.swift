import ConvNetReports
import Testing

@Suite("Charts of text") struct TerminalChartTests {
  private static func chart(_ series: [TerminalChart.Series]) -> TerminalChart {
    TerminalChart(
      "Error, %, by epoch", horizontal: Axis("epoch", isInteger: true), vertical: Axis("%"),
      series: series)
  }

  @Test("a falling and a rising line run from corner to corner, the first above")
  func lines() {
    let lines = Self.chart([
      .init("a", points: [.init(1, 10), .init(9, 0)]),
      .init("b", points: [.init(1, 0), .init(9, 10)]),
    ]).lines(width: 20, height: 5)
    #expect(lines.count == 8 && lines[0] == "Error, %, by epoch")
    #expect(lines[3].hasPrefix("   │") || lines[3].hasPrefix(" 5 ┤"))
    // They cross in the middle, where the first is drawn.
    #expect(lines[3].contains("a") && lines[2].contains("a") && lines[2].contains("b"))
    #expect(lines[1].hasPrefix("10 ┤a") && lines[1].hasSuffix("b"))
    #expect(lines[5].hasPrefix(" 0 ┤b") && lines[5].hasSuffix("a"))
    #expect(
      lines[6].hasPrefix("   └───") && lines[7].hasPrefix("    1") && lines[7].hasSuffix("epoch 9"))
  }

  @Test("no line is wider than it may be, whatever is drawn", arguments: [10, 20, 40, 80, 200])
  func widths(width: Int) {
    let curves = (0..<30).map { run in
      TerminalChart.Series(
        "x", points: (0..<50).map { .init(Double($0), Double($0 * run) * 1e5) })
    }
    for line in Self.chart(curves).lines(width: width) { #expect(line.count <= width) }
  }

  @Test("nothing to draw is no chart; one point and values that are no numbers are")
  func extremes() {
    #expect(Self.chart([]).lines(width: 80).isEmpty)
    #expect(Self.chart([.init("a", points: [.init(1, .nan)])]).lines(width: 80).isEmpty)
    let one = Self.chart([.init("a", points: [.init(1, 5), .init(2, .infinity)])]).lines(width: 40)
    #expect(one.contains { $0.contains("a") })
  }
}
