package import ConvNetTensors

/// Two pictures blended, and their labels alike:
///
///     x = w first + (1 - w) second,  q = w label(first) + (1 - w) label(second)
///
/// with w from Beta(alpha, alpha) (H. Zhang et al., "mixup: Beyond Empirical Risk Minimization",
/// 2018; alpha in [0.1, 0.4] for ImageNet). The second picture of a sample is the one that follows
/// it in the epoch's random order, whatever the batches; the weight is drawn for each sample.
public struct Mixup: AugmentationStep {
  static let name = "mixup"
  static var phase: Augmentation.Step.Phase { .mixing }

  /// Of the distribution of weights: small ones leave most samples nearly as they are, 1 makes all weights equally likely.
  public var alpha: Float

  /// A mixing with that alpha, from 0.001 to 1000.
  public init(alpha: Float = 0.2) {
    self.alpha = alpha
  }

  init() { self.init(alpha: 0.2) }

  private enum CodingKeys: CodingKey, CaseIterable { case alpha }

  public init(from decoder: any Decoder) throws {
    let fields = try StepFields<CodingKeys>(decoder, of: Self.name)
    alpha = try fields.value(.alpha, usually: 0.2)
  }

  func validate() throws(AugmentationError) {
    try require(0.001...1000 ~= alpha, "alpha", alpha, "from 0.001 to 1000")
  }

  public var description: String { "mixup with alpha \(alpha)" }
}

/// A rectangle of a second picture pasted into the first, labels mixed by area:
///
///     height = H sqrt(1 - w),  width = W sqrt(1 - w),  w from Beta(alpha, alpha)
///
/// centred at a uniform place and cut off at the borders; the label's weight is the share of the
/// area that is left (S. Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers
/// with Localizable Features", 2019: alpha 1). The second picture is chosen as by ``Mixup``.
public struct CutMix: AugmentationStep {
  static let name = "cutMix"
  static var phase: Augmentation.Step.Phase { .mixing }

  /// Of the distribution of weights: 1 makes all areas equally likely.
  public var alpha: Float

  /// A mixing with that alpha, from 0.001 to 1000.
  public init(alpha: Float = 1) {
    self.alpha = alpha
  }

  init() { self.init(alpha: 1) }

  private enum CodingKeys: CodingKey, CaseIterable { case alpha }

  public init(from decoder: any Decoder) throws {
    let fields = try StepFields<CodingKeys>(decoder, of: Self.name)
    alpha = try fields.value(.alpha, usually: 1)
  }

  func validate() throws(AugmentationError) {
    try require(0.001...1000 ~= alpha, "alpha", alpha, "from 0.001 to 1000")
  }

  /// The rectangle that shows the second picture; may be empty.
  package func rectangle(in picture: Extents, random: inout RandomNumbers) -> Rectangle {
    let half = 0.5 * (1 - random.beta(Double(alpha))).squareRoot()
    func range(_ extent: Int) -> Range<Int> {
      let center = random.integer(below: extent)
      let radius = Int(half * Double(extent))
      return max(0, center - radius)..<min(extent, center + radius)
    }
    return Rectangle(rows: range(picture.height), columns: range(picture.width))
  }

  public var description: String { "CutMix with alpha \(alpha)" }
}

extension Augmentation.Step {
  /// Two pictures blended; see ``Mixup``. Beside ``cutMix(alpha:)`` each sample has one of both.
  public static func mixup(alpha: Float = 0.2) -> Self { .mixup(Mixup(alpha: alpha)) }

  /// A part of a second picture pasted in; see ``CutMix``.
  public static func cutMix(alpha: Float = 1) -> Self { .cutMix(CutMix(alpha: alpha)) }
}
