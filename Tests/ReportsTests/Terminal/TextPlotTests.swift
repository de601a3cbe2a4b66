import ConvNetReports
import Testing

@Suite("Curves of characters")
struct TextPlotTests {
  @Test(
    "A sparkline has a block a value",
    arguments: [
      ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"), ([8, 1], "█▁"), ([3, 3, 3], "▄▄▄"),
      ([1, .nan, 2], "▁ █"), ([], ""), ([.nan, .infinity], "  "),
    ] as [([Double], String)])
  func sparkline(values: [Double], text: String) {
    #expect(TextPlot.sparkline(values) == text)
  }

  @Test("A longer series is averaged down to the width")
  func resampled() {
    #expect(TextPlot.sparkline([0, 0, 7, 7, .nan, 14], width: 3) == "▁▅█")
    #expect(TextPlot.sparkline((0..<1000).map(Double.init), width: 8) == "▁▂▃▄▅▆▇█")
  }

  @Test("A falling line runs from the upper left to the lower right")
  func curve() {
    #expect(
      TextPlot.curve([12, 0], width: 9, height: 3) == """
        12 ┤⠑⢄
           ┤ ⠈⠢⡀
         0 ┤   ⠘⢄

        """)
  }

  @Test("Constant, single and missing values are drawn without trapping")
  func extremes() {
    #expect(TextPlot.curve([], width: 20, height: 4) == "")
    #expect(TextPlot.curve([.nan], width: 20, height: 4) == "")
    #expect(TextPlot.curve([1, 1], width: 4, height: 1) == "1 ┤⠉\n")
    #expect(TextPlot.curve([1], width: 0, height: 2).split(separator: "\n").count == 2)
    let gap = TextPlot.curve([1, .nan, 1], width: 30, height: 1)
    #expect(gap.contains(" "))
  }
}
