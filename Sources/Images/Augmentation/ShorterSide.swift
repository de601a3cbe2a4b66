import ConvNetTensors

/// Scale jitter: the picture is resized (bilinear, antialiased) so that its shorter side has a
/// random number of pixels,
///
///     S uniform in [from, to],  longer side = floor(S longer / shorter)
///
/// (K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
/// Recognition", 2015, section 3.1: S in [256, 512]). With `from` and `to` alike it is the fixed
/// rescaling of Krizhevsky et al., 2012, section 2, who then take the central square of S x S alone:
///
///     row = round((H - S) / 2),  column = round((W - S) / 2),  halves to even
public struct ShorterSide: PixelStep {
  static let name = "shorterSide"

  /// The smallest number of pixels.
  public var from: Int
  /// The largest number of pixels, at least `from`.
  public var to: Int
  /// Whether what the longer side has beyond the central square is cut off.
  public var square: Bool

  /// A resizing to between these numbers of pixels.
  public init(from: Int = 256, to: Int = 512, square: Bool = false) {
    self.from = from
    self.to = to
    self.square = square
  }

  init() { self.init(from: 256) }

  private enum CodingKeys: CodingKey, CaseIterable { case from, to, square }

  public init(from decoder: any Decoder) throws {
    let fields = try StepFields<CodingKeys>(decoder, of: Self.name)
    from = try fields.value(.from, usually: 256)
    to = try fields.value(.to, usually: max(from, 512))
    square = try fields.value(.square, usually: false)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(from, forKey: .from)
    try container.encode(to, forKey: .to)
    // Earlier versions refuse a field that they do not know.
    if square { try container.encode(square, forKey: .square) }
  }

  func validate() throws(AugmentationError) {
    try require(1...1 << 14 ~= from, "from", from, "from 1 to 16384")
    try require(from...max(from, 1 << 14) ~= to, "to", to, "from \(from) to 16384")
  }

  func apply(to canvas: inout Canvas, input: Extents, random: inout RandomNumbers) {
    let side = from + random.integer(below: to - from + 1)
    canvas.resize(to: PictureFitting.extents(of: canvas.extents, shorterSide: side))
    guard square else { return }
    func middle(_ extent: Int) -> Int {
      Int((Double(extent - side) / 2).rounded(.toNearestOrEven))
    }
    canvas.crop(
      row: middle(canvas.height), column: middle(canvas.width),
      to: Extents(height: side, width: side), fill: .black)
  }

  public var description: String {
    (from == to ? "shorter side \(from)" : "shorter side in [\(from), \(to)]")
      + (square ? ", its central square" : "")
  }
}

extension Augmentation.Step {
  /// The shorter side resized to a number of pixels uniform in [from, to]; see ``ShorterSide``.
  public static func shorterSide(from: Int, to: Int, square: Bool = false) -> Self {
    .shorterSide(ShorterSide(from: from, to: to, square: square))
  }
}
