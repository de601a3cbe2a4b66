import Foundation

/// Where each point of a moved picture comes from: the point (x, y), pixels being squares of side
/// one from the left upper corner on, shows (xx x + xy y + x0, yx x + yy y + y0) of the picture.
package struct PlaneTransform: Hashable, Sendable {
  var xx: Double
  var xy: Double
  var x0: Double
  var yx: Double
  var yy: Double
  var y0: Double

  package init(
    xx: Double = 1, xy: Double = 0, x x0: Double = 0, yx: Double = 0, yy: Double = 1,
    y y0: Double = 0
  ) {
    (self.xx, self.xy, self.x0) = (xx, xy, x0)
    (self.yx, self.yy, self.y0) = (yx, yy, y0)
  }

  /// Turns a picture about its centre, against the clock.
  package static func rotation(degrees: Double, of extents: Extents) -> PlaneTransform {
    let angle = degrees * .pi / 180
    let (cosine, sine) = (cos(angle), sin(angle))
    let (x, y) = (Double(extents.width) / 2, Double(extents.height) / 2)
    return PlaneTransform(
      xx: cosine, xy: -sine, x: x - cosine * x + sine * y,
      yx: sine, yy: cosine, y: y - sine * x - cosine * y)
  }
}

extension Canvas {
  package enum Interpolation: Hashable, Sendable { case nearest, bilinear }

  /// Moves the picture; its extents stay. A point that comes from outside is `fill`; bilinear
  /// interpolation takes the nearest pixels at the border.
  package mutating func transform(
    _ transform: PlaneTransform, interpolation: Interpolation, fill: Image.Color
  ) {
    flatten()
    let (height, width, channels) = (height, width, channels)
    let color = fill.components
    rewrite(extents) { source, target in
      for row in 0..<height {
        for column in 0..<width {
          let (x, y) = (Double(column) + 0.5, Double(row) + 0.5)
          let sourceX = transform.xx * x + transform.xy * y + transform.x0
          let sourceY = transform.yx * x + transform.yy * y + transform.y0
          let to = (row * width + column) * channels
          guard
            sourceX >= 0, sourceY >= 0, sourceX < Double(width), sourceY < Double(height)
          else {
            for channel in 0..<channels {
              target[to + channel] = color.value(channel, of: channels)
            }
            continue
          }
          switch interpolation {
          case .nearest:
            let from = (Int(sourceY) * width + Int(sourceX)) * channels
            for channel in 0..<channels { target[to + channel] = source[from + channel] }
          case .bilinear:
            let (left, rightShare) = Self.neighbours(sourceX, extent: width)
            let (top, bottomShare) = Self.neighbours(sourceY, extent: height)
            for channel in 0..<channels {
              func value(_ row: Int, _ column: Int) -> Double {
                Double(source[(row * width + column) * channels + channel])
              }
              let upper =
                value(top.0, left.0) * (1 - rightShare) + value(top.0, left.1) * rightShare
              let lower =
                value(top.1, left.0) * (1 - rightShare) + value(top.1, left.1) * rightShare
              target[to + channel] = UInt8(
                upper * (1 - bottomShare) + lower * bottomShare + 0.5)
            }
          }
        }
      }
    }
  }

  /// The two pixels between whose centres a coordinate lies, and the share of the second.
  private static func neighbours(_ coordinate: Double, extent: Int) -> ((Int, Int), Double) {
    let shifted = coordinate - 0.5
    let first = Int(shifted.rounded(.down))
    return ((max(0, first), min(extent - 1, first + 1)), shifted - Double(first))
  }
}
