extension Image {
  /// The picture, or a part of it, resized to other extents, with antialiasing, as Pillow does it:
  /// see ``Resizer``, which is quicker for many pictures.
  ///
  /// - Parameters:
  ///   - height: at least 1.
  ///   - width: at least 1.
  ///   - region: the part that is looked at, as if it had been cut out before.
  ///   - box: the part of the region that fills the result; pixels around it weigh in.
  public func resized(
    height: Int, width: Int, filter: ResizingFilter = .bilinear, region: ImageRegion? = nil,
    box: ImageBox? = nil
  ) -> Image {
    var resizer = Resizer(filter: filter)
    var result = Image(height: 1, width: 1, color: .black)
    resizer.resize(
      self, height: height, width: width, region: region, box: box, into: &result)
    return result
  }

  /// The picture resized so that its shorter side has so many pixels, with its proportions: the
  /// longer side is `shorter * longer / shorter side`, cut to a whole number, as torchvision has it.
  public func resized(shorterSide: Int, filter: ResizingFilter = .bilinear) -> Image {
    let extents = PictureFitting.extents(
      of: Extents(height: height, width: width), shorterSide: shorterSide)
    return resized(height: extents.height, width: extents.width, filter: filter)
  }

  /// A part of the picture.
  ///
  /// - Precondition: the region lies in the picture.
  public func cropped(to region: ImageRegion) -> Image {
    guard region.fits(height: height, width: width) else {
      fatalError("\(region) is not a part of a picture of \(height)x\(width)")
    }
    var result: [UInt8] = []
    result.reserveCapacity(region.height * region.width * channels)
    for row in region.row..<region.row + region.height {
      let start = (row * width + region.column) * channels
      result += pixels[start..<start + region.width * channels]
    }
    return Image(
      height: region.height, width: region.width, channels: channels, pixels: result)
  }
}
