import ConvNetImages
import ConvNetInsight
import ConvNetReports
import Foundation
import Testing

@Suite("Colors for numbers") struct ColorScaleTests {
  /// The brightness that the eye sees (ITU-R BT.709, of linear light).
  private static func luminance(_ color: Image.Color) -> Double {
    func linear(_ part: UInt8) -> Double {
      let value = Double(part) / 255
      return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue)
  }

  @Test("heat and grey grow brighter with the number, so that brightness alone says it")
  func monotone() {
    for scale in [ColorScale.heat, .grey] {
      let values = (0...50).map { Self.luminance(scale.color(Double($0) / 50)) }
      #expect(zip(values, values.dropFirst()).allSatisfy { $1 > $0 }, "\(scale)")
    }
  }

  @Test("signed numbers grow darker away from zero, blue below and orange above")
  func signed() {
    let scale = ColorScale.signed
    for sign in [-1.0, 1] {
      let values = (0...25).map { Self.luminance(scale.color(sign * Double($0) / 25)) }
      #expect(zip(values, values.dropFirst()).allSatisfy { $1 < $0 })
    }
    #expect(scale.color(-0.6).blue > scale.color(-0.6).red)
    #expect(scale.color(0.6).red > scale.color(0.6).blue)
  }

  @Test("numbers beyond the range have the color of its end, and what is no number is grey")
  func ends() {
    for scale in ColorScale.allCases {
      #expect(scale.color(9) == scale.color(scale.range.upperBound))
      #expect(scale.color(-.infinity) == scale.color(scale.range.lowerBound))
      #expect(scale.color(.nan) == .init(grey: 128))
    }
  }

  @Test("the numbers beside a scale are plain, and its title stands clear of them")
  func legend() throws {
    let sheet = PictureSheet(
      "t", panels: [.init(Image(height: 4, width: 4, color: .white), "a")],
      legend: ColorLegend(.signed, title: "brightness", lowest: -1020, highest: 1020))
    let svg = sheet.svg
    #expect(svg.contains(">1020<") && svg.contains(">0<"))
    let number = try #require(svg.firstMatch(of: /<text x="([\d.]+)"[^>]*>-1020</))
    let title = try #require(svg.firstMatch(of: /translate\(([\d.]+) [\d.]+\) rotate\(90\)/))
    let end = try #require(Double(number.1)) + textWidth("-1020")
    let start = try #require(Double(title.1))
    #expect(start - end >= 8)
    #expect(start + 12 <= sheet.size.width)
  }

  @Test(
    "a number is written plainly up to a million",
    arguments: [
      (0.25, "0.25"), (-533.0, "-533"), (1020.0, "1020"), (-2040.4, "-2040"), (2.5e6, "2.5 M"),
    ])
  func plain(value: Double, text: String) {
    #expect(HumanReadable.plain(value) == text)
  }
}
