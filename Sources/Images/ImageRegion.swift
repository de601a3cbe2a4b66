/// A rectangle of whole pixels of a picture.
public struct ImageRegion: Hashable, Sendable, Codable {
  /// The first row.
  public var row: Int
  /// The first column.
  public var column: Int
  /// The number of rows.
  public var height: Int
  /// The number of columns.
  public var width: Int

  /// The rectangle of `height` rows from `row` on, and `width` columns from `column` on.
  public init(row: Int, column: Int, height: Int, width: Int) {
    self.row = row
    self.column = column
    self.height = height
    self.width = width
  }

  /// All of a picture.
  public static func all(height: Int, width: Int) -> ImageRegion {
    ImageRegion(row: 0, column: 0, height: height, width: width)
  }

  /// Where this part of an upright picture lies before the picture is turned.
  ///
  /// - Parameters:
  ///   - orientation: as Exif counts, 1 to 8.
  ///   - height: of the picture before it is turned.
  ///   - width: of the picture before it is turned.
  func lying(orientation: UInt32, height: Int, width: Int) -> ImageRegion {
    let isTransposed = orientation >= 5
    var result = ImageRegion(
      row: isTransposed ? column : row, column: isTransposed ? row : column,
      height: isTransposed ? self.width : self.height,
      width: isTransposed ? self.height : self.width)
    if [3, 4, 6, 7].contains(orientation) { result.row = height - result.row - result.height }
    if [2, 3, 7, 8].contains(orientation) { result.column = width - result.column - result.width }
    return result
  }

  /// Whether all of it lies within a picture.
  func fits(height: Int, width: Int) -> Bool {
    row >= 0 && column >= 0 && self.height > 0 && self.width > 0
      && self.height <= height && self.width <= width
      && row <= height - self.height && column <= width - self.width
  }
}

/// A rectangle whose edges may lie between the pixels of a picture: pixel `i` reaches from `i` to
/// `i + 1`. Pillow's argument `box` is (`left`, `top`, `right`, `bottom`).
public struct ImageBox: Hashable, Sendable, Codable {
  /// The upper edge, in pixels from the picture's upper edge.
  public var top: Double
  /// The left edge, in pixels from the picture's left edge.
  public var left: Double
  /// The lower edge, in pixels from the picture's upper edge.
  public var bottom: Double
  /// The right edge, in pixels from the picture's left edge.
  public var right: Double

  /// A rectangle between these edges.
  public init(top: Double, left: Double, bottom: Double, right: Double) {
    self.top = top
    self.left = left
    self.bottom = bottom
    self.right = right
  }

  /// Whether it has an area and lies within a picture.
  func fits(height: Int, width: Int) -> Bool {
    0 <= top && top < bottom && bottom <= Double(height)
      && 0 <= left && left < right && right <= Double(width)
  }
}
