import ConvNetTensors

/// Scale jitter: the picture is resized (bilinear, antialiased) so that its shorter side has a
/// random number of pixels,
///
///     S uniform in [from, to],  longer side = floor(S longer / shorter)
///
/// (K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
/// Recognition", 2015, section 3.1: S in [256, 512]). With `from` and `to` alike it is the fixed
/// rescaling of Krizhevsky et al., 2012.
public struct ShorterSide: PixelStep {
  static let name = "shorterSide"

  /// The smallest number of pixels.
  public var from: Int
  /// The largest number of pixels, at least `from`.
  public var to: Int

  /// A resizing to between these numbers of pixels.
  public init(from: Int = 256, to: Int = 512) {
    self.from = from
    self.to = to
  }

  init() { self.init(from: 256) }

  private enum CodingKeys: CodingKey, CaseIterable { case from, to }

  public init(from decoder: any Decoder) throws {
    let fields = try StepFields<CodingKeys>(decoder, of: Self.name)
    from = try fields.value(.from, usually: 256)
    to = try fields.value(.to, usually: max(from, 512))
  }

  func validate() throws(AugmentationError) {
    try require(1...1 << 14 ~= from, "from", from, "from 1 to 16384")
    try require(from...max(from, 1 << 14) ~= to, "to", to, "from \(from) to 16384")
  }

  func apply(to canvas: inout Canvas, input: Extents, random: inout RandomNumbers) {
    let side = from + random.integer(below: to - from + 1)
    canvas.resize(to: PictureFitting.extents(of: canvas.extents, shorterSide: side))
  }

  public var description: String {
    from == to ? "shorter side \(from)" : "shorter side in [\(from), \(to)]"
  }
}

extension Augmentation.Step {
  /// The shorter side resized to a number of pixels uniform in [from, to]; see ``ShorterSide``.
  public static func shorterSide(from: Int, to: Int) -> Self {
    .shorterSide(ShorterSide(from: from, to: to))
  }
}
