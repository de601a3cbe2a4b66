package import ConvNetTensors
import Foundation

/// A window of random area and aspect, resized (bilinear, antialiased) to the network's input:
///
///     area = a H W,  a uniform in [minimumArea, maximumArea]
///     aspect = exp(u),  u uniform in [log minimumAspect, log maximumAspect]
///     width = round(sqrt(area aspect)),  height = round(sqrt(area / aspect))
///
/// at a uniform place. After ten windows that do not fit into the picture it is the largest central
/// one of an allowed aspect (C. Szegedy et al., "Going Deeper with Convolutions", 2015, section 6:
/// area in [8%, 100%], aspect in [3/4, 4/3]; the details are torchvision's).
public struct RandomResizedCrop: PixelStep {
  static let name = "randomResizedCrop"

  /// The least share of the picture's area, above 0.
  public var minimumArea: Float
  /// The largest share, at most 1.
  public var maximumArea: Float
  /// The least quotient of width and height.
  public var minimumAspect: Float
  /// The largest quotient of width and height.
  public var maximumAspect: Float

  /// A window of these areas and aspects.
  public init(
    minimumArea: Float = 0.08, maximumArea: Float = 1, minimumAspect: Float = 3 / 4,
    maximumAspect: Float = 4 / 3
  ) {
    self.minimumArea = minimumArea
    self.maximumArea = maximumArea
    self.minimumAspect = minimumAspect
    self.maximumAspect = maximumAspect
  }

  init() { self.init(minimumArea: 0.08) }

  private enum CodingKeys: CodingKey, CaseIterable {
    case minimumArea, maximumArea, minimumAspect, maximumAspect
  }

  public init(from decoder: any Decoder) throws {
    let fields = try StepFields<CodingKeys>(decoder, of: Self.name)
    let usual = Self()
    minimumArea = try fields.value(.minimumArea, usually: usual.minimumArea)
    maximumArea = try fields.value(.maximumArea, usually: usual.maximumArea)
    minimumAspect = try fields.value(.minimumAspect, usually: usual.minimumAspect)
    maximumAspect = try fields.value(.maximumAspect, usually: usual.maximumAspect)
  }

  func validate() throws(AugmentationError) {
    try requireInterval(minimumArea, maximumArea, "area", within: 1e-6...1)
    try requireInterval(minimumAspect, maximumAspect, "aspect", within: 0.01...100)
  }

  func apply(to canvas: inout Canvas, input: Extents, random: inout RandomNumbers) {
    let window = window(in: canvas.extents, random: &random)
    canvas.crop(row: window.row, column: window.column, to: window.extents, fill: .black)
    canvas.resize(to: input)
  }

  package func window(
    in picture: Extents, random: inout RandomNumbers
  ) -> (row: Int, column: Int, extents: Extents) {
    let (height, width) = (picture.height, picture.width)
    for _ in 0..<10 {
      guard
        let extents = randomExtents(
          of: picture, area: minimumArea...maximumArea, aspect: minimumAspect...maximumAspect,
          random: &random), extents.height <= height, extents.width <= width
      else { continue }
      return (
        random.integer(below: height - extents.height + 1),
        random.integer(below: width - extents.width + 1), extents
      )
    }
    let aspect = min(
      max(Float(width) / Float(height), minimumAspect), maximumAspect)
    let extents = Extents(
      height: max(1, min(height, Int((Float(width) / aspect).rounded()))),
      width: max(1, min(width, Int((Float(height) * aspect).rounded()))))
    return ((height - extents.height) / 2, (width - extents.width) / 2, extents)
  }

  public var description: String {
    "random resized crop of area [\(minimumArea), \(maximumArea)], aspect [\(minimumAspect), "
      + "\(maximumAspect)]"
  }
}

/// Random extents by area and aspect; `nil` where a side would have no pixel.
func randomExtents(
  of picture: Extents, area: ClosedRange<Float>, aspect: ClosedRange<Float>,
  random: inout RandomNumbers
) -> Extents? {
  let area = Float(picture.height * picture.width) * random.uniform(in: area)
  let aspect = exp(random.uniform(in: log(aspect.lowerBound)...log(aspect.upperBound)))
  let extents = Extents(
    height: Int((area / aspect).squareRoot().rounded()),
    width: Int((area * aspect).squareRoot().rounded()))
  return extents.height > 0 && extents.width > 0 ? extents : nil
}

extension Augmentation.Step {
  /// A window of random area and aspect, resized to the input; see ``RandomResizedCrop``.
  public static func randomResizedCrop(
    area: ClosedRange<Float> = 0.08...1, aspect: ClosedRange<Float> = 3 / 4...4 / 3
  ) -> Self {
    .randomResizedCrop(
      RandomResizedCrop(
        minimumArea: area.lowerBound, maximumArea: area.upperBound,
        minimumAspect: aspect.lowerBound, maximumAspect: aspect.upperBound))
  }
}
