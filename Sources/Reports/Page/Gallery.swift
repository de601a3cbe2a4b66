/// Small pictures side by side, each with words below and what is known of it, by which a reader can choose among them.
public struct Gallery: Sendable {
  /// A picture.
  public struct Picture: Sendable {
    /// The file's bytes, PNG or JPEG.
    public var bytes: [UInt8]
    /// Words below it.
    public var caption: String
    /// What is known of it: one text a property.
    public var properties: [String]
    /// Whether its pixels are so large that they are to be seen as such.
    public var showsPixels: Bool

    /// A picture with words.
    public init(
      _ bytes: [UInt8], caption: String, properties: [String], showsPixels: Bool = false
    ) {
      self.bytes = bytes
      self.caption = caption
      self.properties = properties
      self.showsPixels = showsPixels
    }
  }

  /// What is known of each picture: `truth`.
  public var properties: [String]
  /// In this order.
  public var pictures: [Picture]

  /// Pictures with these properties.
  public init(_ properties: [String], _ pictures: [Picture]) {
    self.properties = properties
    self.pictures = pictures
  }

  var html: String {
    let figures = pictures.map { picture in
      let isPNG = picture.bytes.starts(with: [0x89, 0x50])
      let source = "data:image/\(isPNG ? "png" : "jpeg");base64,"
      let known = picture.properties.map { element("span", ["class": "known"], escaped($0)) }
      return element(
        "figure", [:],
        element(
          "img",
          [
            "src": source + base64(picture.bytes), "alt": picture.caption,
            "class": picture.showsPixels ? "pixels" : "smooth",
          ]),
        element("figcaption", [:], escaped(picture.caption)), known.joined())
    }
    let names = properties.map { element("span", ["class": "property"], escaped($0)) }
    return element(
      "div", ["class": "gallery"], element("div", ["class": "choice"], names.joined()),
      element("div", ["class": "pictures"], figures.joined(separator: "\n")))
  }
}
