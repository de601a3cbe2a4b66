public import ConvNetImages
import ConvNetReports

/// Colors for numbers. Brightness alone tells them apart, or, on both sides of zero, blue from orange: who sees no red or no
/// green loses nothing.
public enum ColorScale: String, Hashable, Sendable, Codable, CaseIterable {
  /// From 0 to 1: dark blue over red to pale yellow, ever brighter.
  case heat
  /// From -1 to 1: blue below zero, orange above it, white at it.
  case signed
  /// From 0 to 1: black to white.
  case grey

  /// The range that has colors.
  public var range: ClosedRange<Double> { self == .signed ? -1...1 : 0...1 }

  private var anchors: [SIMD3<Double>] {
    switch self {
    case .heat:
      [
        [12, 16, 48], [52, 24, 96], [112, 32, 112], [176, 52, 92], [224, 96, 56], [244, 162, 62],
        [252, 232, 156],
      ]
    case .signed:
      [
        [16, 52, 96], [47, 102, 144], [134, 178, 206], [246, 246, 242], [236, 160, 120],
        [196, 81, 45], [116, 36, 12],
      ]
    case .grey: [[0, 0, 0], [255, 255, 255]]
    }
  }

  /// The color of a number; beyond the range that of its end, and grey of what is no number.
  public func color(_ value: Double) -> Image.Color {
    guard !value.isNaN else { return .init(grey: 128) }
    let anchors = anchors
    let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    let place = max(0, min(1, share)) * Double(anchors.count - 1)
    let index = min(anchors.count - 2, Int(place))
    let mixed = anchors[index] + (anchors[index + 1] - anchors[index]) * (place - Double(index))
    let parts = mixed.rounded(.toNearestOrEven)
    return .init(red: UInt8(parts.x), green: UInt8(parts.y), blue: UInt8(parts.z))
  }
}

/// What the colors of a picture stand for.
public struct ColorLegend: Hashable, Sendable {
  /// The colors.
  public var scale: ColorScale
  /// What is measured, with its unit.
  public var title: String
  /// The value at the lower end of the scale.
  public var lowest: Double
  /// The value at the upper end.
  public var highest: Double

  /// A legend of a scale from one value to another.
  public init(_ scale: ColorScale, title: String, lowest: Double, highest: Double) {
    self.scale = scale
    self.title = title
    self.lowest = lowest
    self.highest = highest
  }

  /// The values that stand beside it, from its upper end down.
  var values: [Double] { [highest, (lowest + highest) / 2, lowest] }

  /// The ``values`` as they stand there.
  var texts: [String] { values.map(HumanReadable.plain) }
}
