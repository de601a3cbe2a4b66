import ConvNetTensors

/// The picture mirrored left to right with some probability (Krizhevsky et al., 2012, section 4.1:
/// one half).
public struct HorizontalReflection: PixelStep {
  static let name = "horizontalReflection"

  /// From 0, never, to 1, always.
  public var probability: Float

  /// A reflection of that probability.
  public init(probability: Float = 0.5) {
    self.probability = probability
  }

  init() { self.init(probability: 0.5) }

  private enum CodingKeys: CodingKey, CaseIterable { case probability }

  public init(from decoder: any Decoder) throws {
    let fields = try StepFields<CodingKeys>(decoder, of: Self.name)
    probability = try fields.value(.probability, usually: 0.5)
  }

  func validate() throws(AugmentationError) { try requireProbability(probability) }

  func apply(to canvas: inout Canvas, input: Extents, random: inout RandomNumbers) {
    if random.chance(probability) { canvas.mirror() }
  }

  public var description: String { "horizontal reflection with probability \(probability)" }
}

extension Augmentation.Step {
  /// Mirrored left to right at random; see ``HorizontalReflection``.
  public static func horizontalReflection(probability: Float = 0.5) -> Self {
    .horizontalReflection(HorizontalReflection(probability: probability))
  }
}
