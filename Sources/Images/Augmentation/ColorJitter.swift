import ConvNetTensors

/// Brightness, contrast, saturation and hue changed by random factors, in a random order:
///
///     brightness:  f value
///     contrast:    f value + (1 - f) mean of the picture's luminance
///     saturation:  f value + (1 - f) luminance of the pixel
///     hue:         turned by h of the full circle
///
/// with f uniform in [max(0, 1 - x), 1 + x] for x the strength of each, and h uniform in [-hue,
/// hue]; results are cut off at 0 and 255 (after A. Howard, "Some Improvements on Deep Convolutional
/// Neural Network Based Image Classification", 2013; values rounded as Pillow's `ImageEnhance` does).
/// Grey pictures have neither saturation nor hue.
public struct ColorJitter: PixelStep {
  static let name = "colorJitter"

  /// The strength x of brightness, from 0, which changes nothing, to 10.
  public var brightness: Float
  /// The strength x of contrast, likewise.
  public var contrast: Float
  /// The strength x of saturation, likewise.
  public var saturation: Float
  /// At most one half: then any hue becomes any other.
  public var hue: Float

  /// A change of these strengths; of the hue none, where nothing is said.
  public init(
    brightness: Float = 0.4, contrast: Float = 0.4, saturation: Float = 0.4, hue: Float = 0
  ) {
    self.brightness = brightness
    self.contrast = contrast
    self.saturation = saturation
    self.hue = hue
  }

  init() { self.init(brightness: 0.4) }

  private enum CodingKeys: CodingKey, CaseIterable { case brightness, contrast, saturation, hue }

  public init(from decoder: any Decoder) throws {
    let fields = try StepFields<CodingKeys>(decoder, of: Self.name)
    let usual = Self()
    brightness = try fields.value(.brightness, usually: usual.brightness)
    contrast = try fields.value(.contrast, usually: usual.contrast)
    saturation = try fields.value(.saturation, usually: usual.saturation)
    hue = try fields.value(.hue, usually: usual.hue)
  }

  func validate() throws(AugmentationError) {
    for (field, value) in [
      ("brightness", brightness), ("contrast", contrast), ("saturation", saturation),
    ] {
      try require(0...10 ~= value, field, value, "from 0 to 10")
    }
    try require(0...0.5 ~= hue, "hue", hue, "from 0 to 0.5")
  }

  func apply(to canvas: inout Canvas, input: Extents, random: inout RandomNumbers) {
    func factor(_ strength: Float) -> Float {
      random.uniform(in: max(0, 1 - strength)...1 + strength)
    }
    let factors = (factor(brightness), factor(contrast), factor(saturation))
    let turn = random.uniform(in: -hue...hue)
    // The order as a number from 0 to 23: which of those left comes next.
    var left = random.integer(below: 24)
    var pending: SIMD4<Int> = [0, 1, 2, 3]
    for count in stride(from: 4, to: 0, by: -1) {
      let place = left % count
      left /= count
      let change = pending[place]
      pending[place] = pending[count - 1]
      switch change {
      case 0 where brightness > 0: canvas.scaleBrightness(by: factors.0)
      case 1 where contrast > 0: canvas.scaleContrast(by: factors.1)
      case 2 where saturation > 0: canvas.scaleSaturation(by: factors.2)
      case 3 where hue > 0: canvas.turnHue(by: turn)
      default: break
      }
    }
  }

  public var description: String {
    "color jitter (brightness \(brightness), contrast \(contrast), saturation \(saturation), "
      + "hue \(hue))"
  }
}

extension Augmentation.Step {
  /// Colors changed at random; see ``ColorJitter``.
  public static func colorJitter(
    brightness: Float = 0, contrast: Float = 0, saturation: Float = 0, hue: Float = 0
  ) -> Self {
    .colorJitter(
      ColorJitter(
        brightness: brightness, contrast: contrast, saturation: saturation, hue: hue))
  }
}
