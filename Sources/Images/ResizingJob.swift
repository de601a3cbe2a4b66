/// What is resized to what.
package struct ResizingJob {
  /// The extents of the whole picture.
  let sourceHeight: Int
  let sourceWidth: Int
  let channels: Int
  let region: ImageRegion
  /// In pixels of the region.
  let box: ImageBox
  /// The extents of the result.
  let height: Int
  let width: Int
  /// What the whole region would be resized to, of which the result may be a window.
  private let whole: Extents

  /// - Precondition: the extents are positive, the region lies in the picture, the box in the region.
  package init(
    sourceHeight: Int, sourceWidth: Int, channels: Int, height: Int, width: Int,
    region: ImageRegion? = nil, box: ImageBox? = nil, whole: Extents? = nil
  ) {
    guard height > 0 && width > 0 else { fatalError("a picture needs at least one pixel") }
    let region =
      region ?? .all(height: sourceHeight, width: sourceWidth)
    guard region.fits(height: sourceHeight, width: sourceWidth) else {
      fatalError("\(region) is not a part of a picture of \(sourceHeight)x\(sourceWidth)")
    }
    let box =
      box
      ?? ImageBox(top: 0, left: 0, bottom: Double(region.height), right: Double(region.width))
    guard box.fits(height: region.height, width: region.width) else {
      fatalError("\(box) is not a part of a picture of \(region.height)x\(region.width)")
    }
    self.sourceHeight = sourceHeight
    self.sourceWidth = sourceWidth
    self.channels = channels
    self.region = region
    self.box = box
    self.height = height
    self.width = width
    self.whole = whole ?? Extents(height: height, width: width)
  }

  var sourceCount: Int { sourceHeight * sourceWidth * channels }
  var targetCount: Int { height * width * channels }
  /// The first value of the region.
  var sourceOffset: Int { (region.row * sourceWidth + region.column) * channels }

  /// `nil` for rows that stay as they are.
  func verticalKey(_ filter: ResizingFilter) -> ResizingAxis.Key? {
    if height == region.height, box.top == 0, box.bottom == Double(height) { return nil }
    return .init(
      input: region.height, output: height, lower: box.top, upper: box.bottom, filter: filter)
  }

  /// `nil` for columns that stay as they are.
  func horizontalKey(_ filter: ResizingFilter) -> ResizingAxis.Key? {
    if width == region.width, box.left == 0, box.right == Double(width) { return nil }
    return .init(
      input: region.width, output: width, lower: box.left, upper: box.right, filter: filter)
  }

  /// Pillow's choice since version 13: columns first for a picture that gets much lower, whatever
  /// the box.
  var isVerticalFirst: Bool {
    whole.height < region.height
      && region.height - whole.height > 2 * (region.width - whole.width)
  }
}
