import ConvNetImages
import ConvNetInsight
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
}
