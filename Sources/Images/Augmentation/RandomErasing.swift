package import ConvNetTensors

/// With some probability a rectangle of the prepared picture is overwritten, by zeros (the mean,
/// where there is one) or by noise:
///
///     area = a H W,  a uniform in [minimumArea, maximumArea]
///     height / width = exp(u),  u uniform in [log minimumAspect, log maximumAspect]
///
/// at a uniform place; nothing happens where ten rectangles do not fit (Z. Zhong et al., "Random
/// Erasing Data Augmentation", 2020; area and aspect are torchvision's usual ones).
public struct RandomErasing: AugmentationStep {
  static let name = "erasing"
  static var phase: Augmentation.Step.Phase { .numbers }

  /// What stands in the rectangle, after normalization.
  public enum Fill: String, Hashable, Sendable, Codable, CaseIterable {
    /// The mean of the data, where preparation subtracts it.
    case zeros
    /// Each number normal with mean zero and deviation one.
    case noise
  }

  /// How often a rectangle is overwritten, from 0 to 1.
  public var probability: Float
  /// The least share of the picture's area.
  public var minimumArea: Float
  /// The largest share, at most 1.
  public var maximumArea: Float
  /// The least quotient of height and width.
  public var minimumAspect: Float
  /// The largest quotient of height and width.
  public var maximumAspect: Float
  /// What stands in the rectangle.
  public var fill: Fill

  /// An erasing of that probability and those bounds.
  public init(
    probability: Float = 0.5, minimumArea: Float = 0.02, maximumArea: Float = 0.33,
    minimumAspect: Float = 0.3, maximumAspect: Float = 3.3, fill: Fill = .zeros
  ) {
    self.probability = probability
    self.minimumArea = minimumArea
    self.maximumArea = maximumArea
    self.minimumAspect = minimumAspect
    self.maximumAspect = maximumAspect
    self.fill = fill
  }

  init() { self.init(probability: 0.5) }

  private enum CodingKeys: CodingKey, CaseIterable {
    case probability, minimumArea, maximumArea, minimumAspect, maximumAspect, fill
  }

  public init(from decoder: any Decoder) throws {
    let fields = try StepFields<CodingKeys>(decoder, of: Self.name)
    let usual = Self()
    probability = try fields.value(.probability, usually: usual.probability)
    minimumArea = try fields.value(.minimumArea, usually: usual.minimumArea)
    maximumArea = try fields.value(.maximumArea, usually: usual.maximumArea)
    minimumAspect = try fields.value(.minimumAspect, usually: usual.minimumAspect)
    maximumAspect = try fields.value(.maximumAspect, usually: usual.maximumAspect)
    fill = try fields.value(.fill, usually: usual.fill)
  }

  func validate() throws(AugmentationError) {
    try requireProbability(probability)
    try requireInterval(minimumArea, maximumArea, "area", within: 1e-6...1)
    try requireInterval(minimumAspect, maximumAspect, "aspect", within: 0.01...100)
  }

  /// The rectangle to overwrite, or `nil`.
  package func rectangle(in picture: Extents, random: inout RandomNumbers) -> Rectangle? {
    guard random.chance(probability) else { return nil }
    for _ in 0..<10 {
      guard
        // The aspect is here the inverse of what a crop's is.
        let extents = randomExtents(
          of: picture, area: minimumArea...maximumArea,
          aspect: 1 / maximumAspect...1 / minimumAspect, random: &random),
        extents.height < picture.height, extents.width < picture.width
      else { continue }
      let row = random.integer(below: picture.height - extents.height + 1)
      let column = random.integer(below: picture.width - extents.width + 1)
      return Rectangle(
        rows: row..<row + extents.height, columns: column..<column + extents.width)
    }
    return nil
  }

  func apply(
    to numbers: UnsafeMutableBufferPointer<Float>, of shape: PictureShape,
    random: inout RandomNumbers
  ) {
    guard let rectangle = rectangle(in: shape.extents, random: &random) else { return }
    shape.forEachRun(of: rectangle) { run in
      for index in run { numbers[index] = fill == .zeros ? 0 : random.normal() }
    }
  }

  public var description: String {
    "erasing with probability \(probability), area [\(minimumArea), \(maximumArea)], \(fill)"
  }
}

extension Augmentation.Step {
  /// A random rectangle overwritten; see ``RandomErasing``.
  public static func erasing(
    probability: Float = 0.5, area: ClosedRange<Float> = 0.02...0.33,
    aspect: ClosedRange<Float> = 0.3...3.3, fill: RandomErasing.Fill = .zeros
  ) -> Self {
    .erasing(
      RandomErasing(
        probability: probability, minimumArea: area.lowerBound, maximumArea: area.upperBound,
        minimumAspect: aspect.lowerBound, maximumAspect: aspect.upperBound, fill: fill))
  }
}
