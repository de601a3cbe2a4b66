import ConvNetTensors

/// Rows and columns of a picture.
package struct Rectangle: Hashable, Sendable {
  package var rows: Range<Int>
  package var columns: Range<Int>

  package var area: Int { rows.count * columns.count }
}

/// How the numbers of a prepared picture lie in memory.
struct PictureShape: Hashable, Sendable {
  var extents: Extents
  var channels: Int
  var format: DataFormat

  var count: Int { extents.height * extents.width * channels }

  /// Calls `body` with the ranges of neighbouring numbers that make up a rectangle.
  func forEachRun(of rectangle: Rectangle, _ body: (Range<Int>) -> Void) {
    let width = extents.width
    switch format {
    case .channelsLast:
      for row in rectangle.rows {
        body(
          (row * width + rectangle.columns.lowerBound)
            * channels..<(row * width + rectangle.columns.upperBound) * channels)
      }
    case .channelsFirst:
      for channel in 0..<channels {
        for row in rectangle.rows {
          let first = (channel * extents.height + row) * width
          body(
            first + rectangle.columns.lowerBound..<first + rectangle.columns.upperBound)
        }
      }
    }
  }
}
