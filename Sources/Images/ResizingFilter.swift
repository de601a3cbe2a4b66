import Foundation

/// How a resized picture weighs the pixels around a point. The window of every filter grows with
/// the factor of reduction, which is what prevents aliasing.
public enum ResizingFilter: String, Hashable, Sendable, Codable, CaseIterable {
  /// Alike within half a pixel of the smaller picture: the mean of an area.
  case box
  /// Falling in a straight line to zero at one pixel; what networks are usually given.
  case bilinear
  /// R. Keys's cubic with a = -1/2, two pixels to either side: sharper, and may overshoot at edges.
  case bicubic
  /// sinc(x) sinc(x / 3), three pixels to either side: sharpest, and may overshoot at edges.
  case lanczos

  /// Half the width of the window, in pixels of the larger picture's grid.
  package var support: Double {
    switch self {
    case .box: 0.5
    case .bilinear: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The weight at a distance from the centre.
  package func weight(at distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .box:
      return -0.5 < distance && distance <= 0.5 ? 1 : 0
    case .bilinear:
      return max(0, 1 - x)
    case .bicubic:
      // Keys (1981) with a = -1/2, the cubic that reproduces quadratic polynomials.
      if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    case .lanczos:
      return x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
    }
  }

  private static func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(.pi * x) / (.pi * x)
  }
}
