import ConvNetInsight
import ConvNetReports
import Testing

@Suite("A landscape's surface has axes") struct LandscapeFigureTests {
  /// The drawing of a loss, over both directions from -1 to 1.
  private static func figure(_ loss: (Double, Double) -> Double) throws -> LandscapeFigure {
    var landscape = try LossLandscape(name: "slope", points: 21, setting: "")
    for row in landscape.losses.indices {
      for column in landscape.horizontal.indices {
        landscape.losses[row][column] = loss(
          landscape.horizontal[column], landscape.vertical[row])
      }
    }
    return LandscapeFigure(landscape)
  }

  @Test("the two directions and the loss are named beside the surface, with numbers at ticks")
  func names() throws {
    let figure = try Self.figure { 1 + 4 * $0 * $0 + $1 * $1 }
    let svg = figure.svg
    for name in ["first direction", "second direction", "loss"] {
      #expect(svg.texts.count { $0.content == name } == 1, "\(name)")
    }
    // Three axes, five ticks of each direction, and one at least of the loss.
    #expect(svg.matches(of: /<line [^>]*class="base"/).count > 3 + 5 + 5)
    for text in svg.texts {
      #expect(text.x >= 0 && text.x <= figure.size.width && text.y <= figure.size.height)
      if !text.style.contains("end"), !text.style.contains("mid") {
        #expect(text.x + textWidth(String(text.content), size: 11) <= figure.size.width + 1)
      }
    }
  }

  @Test(
    "no text of an axis lies on the surface, wherever that is low",
    arguments: [(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (0.0, 0.0)])
  func clear(first: Double, second: Double) throws {
    let svg = try Self.figure { 3 + first * $0 + second * $1 }.svg
    let corners = svg.matches(of: /<polygon points="([^"]*)"/).flatMap { polygon in
      polygon.1.split(separator: " ").map { point in
        point.split(separator: ",").compactMap { Double(String($0)) }
      }
    }
    #expect(corners.count == 4 * 20 * 20)
    let axes = svg.texts.filter { $0.style.hasPrefix("soft small") && $0.content != "" }
    #expect(axes.count > 10)
    for text in axes {
      let width = textWidth(String(text.content), size: 11)
      let left =
        text.x - (text.style.contains("end") ? width : text.style.contains("mid") ? width / 2 : 0)
      let isCovered = corners.contains { corner in
        corner.count == 2 && left...left + width ~= corner[0]
          && text.y - 8...text.y + 2 ~= corner[1]
      }
      #expect(!isCovered, "\(text)")
    }
  }
}

extension String {
  /// The lines of text of a drawing.
  fileprivate var texts: [(x: Double, y: Double, style: Substring, content: Substring)] {
    matches(of: /<text x="([-\d.]+)" y="([-\d.]+)" class="([^"]*)">([^<]*)</).map { match in
      (Double(match.1) ?? -1, Double(match.2) ?? -1, match.3, match.4)
    }
  }
}
