public import ConvNetImages
import ConvNetReports

extension PictureSheet {
  /// A picture and, beside it, attributions over it: each class with its own scale, whose upper end is the largest magnitude.
  ///
  /// - Parameters:
  ///   - picture: what the network sees, of any extents.
  ///   - panels: attributions with what each is.
  ///   - unit: what is measured, with its unit.
  public init(
    _ title: String, subtitle: String, picture: Image, attributions panels: [(Attribution, String)],
    unit: String
  ) {
    let base = picture.enlarged(to: 224)
    let isSigned = panels.contains { $0.0.isSigned }
    let scale: ColorScale = isSigned ? .signed : .heat
    self.init(
      title, subtitle: subtitle,
      panels: [Panel(base, "the picture")]
        + panels.map { attribution, text in
          let unit = attribution.plane.largestMagnitude
          return Panel(
            attribution.plane.overlay(on: base, scale, unit: unit),
            text + "\nlargest " + HumanReadable.quantity(Double(unit)))
        }, columns: 4, side: 224,
      legend: ColorLegend(
        scale, title: "\(unit), as a share of the largest", lowest: isSigned ? -1 : 0, highest: 1))
  }
}

extension Image {
  /// At least about so many pixels along the longer side, each pixel a square.
  package func enlarged(to side: Int) -> Image {
    let factor = max(1, side / max(height, width))
    return factor == 1 ? self : magnified(height: height * factor, width: width * factor)
  }
}
