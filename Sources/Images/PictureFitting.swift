import ConvNetTensors

/// How a picture of any extents is brought to those of a network's input.
public enum PictureFitting: Hashable, Sendable, Codable {
  /// All of the picture, its proportions lost: what files that say nothing of it mean.
  case squash
  /// The picture is resized so that its shorter side has so many pixels, the longer one
  /// `shorterSide * longer / shorter` cut to a whole number, and the centre is cut out. As
  /// torchvision's `Resize` and `CenterCrop`: the window begins at `(side - input) / 2`, halves rounded
  /// to the even number.
  case centerCrop(shorterSide: Int)
  /// All of the picture with its proportions, as large as fits into the input, in the middle of
  /// a color. As Pillow's `ImageOps.pad`.
  case pad(Image.Color)

  /// The extents of a picture whose shorter side is resized to `side`.
  package static func extents(of old: Extents, shorterSide side: Int) -> Extents {
    old.height <= old.width
      ? Extents(height: side, width: product(side, old.width) / old.height)
      : Extents(height: product(side, old.height) / old.width, width: side)
  }

  private static func product(_ one: Int, _ other: Int) -> Int {
    let (value, overflows) = one.multipliedReportingOverflow(by: other)
    return overflows ? .max : value
  }

  /// Where a window of `part` pixels in the middle of `whole` begins; below zero where it is larger.
  package static func centerOffset(of part: Int, in whole: Int) -> Int {
    Int((Double(whole - part) / 2).rounded(.toNearestOrEven))
  }

  /// The largest extents of the picture's proportions that fit into others.
  static func extents(of old: Extents, within new: Extents) -> Extents {
    let (height, width) = (Double(old.height), Double(old.width))
    // The quotients are rounded one after the other, as Pillow's are.
    if width / height == Double(new.width) / Double(new.height) { return new }
    if width / height > Double(new.width) / Double(new.height) {
      let rows = (height / width * Double(new.width)).rounded(.toNearestOrEven)
      return Extents(height: min(max(1, Int(rows)), new.height), width: new.width)
    }
    let columns = (width / height * Double(new.height)).rounded(.toNearestOrEven)
    return Extents(height: new.height, width: min(max(1, Int(columns)), new.width))
  }
}

extension PictureFitting: CustomStringConvertible {
  /// As options and tables call it: `squash`, `shorter side 256, centre`, `pad`.
  public var description: String {
    switch self {
    case .squash: "squash"
    case .centerCrop(let side): "shorter side \(side), centre crop"
    case .pad: "pad"
    }
  }
}

/// In which order a network is given the three colors of a picture.
public enum ChannelOrder: String, Hashable, Sendable, Codable, CaseIterable {
  /// Red first.
  case rgb
  /// Blue first: Caffe's networks, and those of `keras.applications` that stem from them.
  case bgr
}

extension Canvas {
  /// Brings the picture to the extents of a network's input; a resizing is noted, or done.
  mutating func fit(_ preprocessing: Preprocessing) {
    let input = Extents(height: preprocessing.height, width: preprocessing.width)
    switch preprocessing.fitting {
    case .squash:
      resize(to: input, filter: preprocessing.filter)
    case .centerCrop(let side):
      let whole = PictureFitting.extents(of: extents, shorterSide: side)
      resize(to: whole, filter: preprocessing.filter)
      crop(
        row: PictureFitting.centerOffset(of: input.height, in: whole.height),
        column: PictureFitting.centerOffset(of: input.width, in: whole.width), to: input,
        fill: .black)
    case .pad(let color):
      guard extents != input else { return }
      let inner = PictureFitting.extents(of: extents, within: input)
      resize(to: inner, filter: preprocessing.filter)
      func offset(_ inner: Int, _ outer: Int) -> Int {
        -Int((Double(outer - inner) * 0.5).rounded(.toNearestOrEven))
      }
      crop(
        row: offset(inner.height, input.height), column: offset(inner.width, input.width),
        to: input, fill: color)
    }
  }

  /// The same, with nothing left to be done after it.
  package mutating func fitWholly(_ preprocessing: Preprocessing) {
    fit(preprocessing)
    flatten()
  }
}
