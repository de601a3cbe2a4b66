/// A rectangle of whole pixels of a picture.
public struct ImageRegion: Hashable, Sendable, Codable {
  /// The first row and column.
  public var row: Int
  public var column: Int
  public var height: Int
  public var width: Int

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
  public var top: Double
  public var left: Double
  public var bottom: Double
  public var right: Double

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
