import ConvNetTensors

/// The picture turned about its centre by an angle uniform in [-degrees, degrees], its extents as
/// they were: the point (x, y) of the result, from the centre, shows
///
///     (x cos a - y sin a, x sin a + y cos a)
///
/// of the picture, interpolated bilinearly; what lies outside is `fill`.
public struct Rotation: PixelStep {
  static let name = "rotation"

  /// The largest angle to either side, from 0 to 180.
  public var degrees: Float
  /// The color of what lies outside the picture.
  public var fill: Image.Color

  /// A rotation by at most that angle.
  public init(degrees: Float = 15, fill: Image.Color = .black) {
    self.degrees = degrees
    self.fill = fill
  }

  init() { self.init(degrees: 15) }

  private enum CodingKeys: CodingKey, CaseIterable { case degrees, fill }

  public init(from decoder: any Decoder) throws {
    let fields = try StepFields<CodingKeys>(decoder, of: Self.name)
    degrees = try fields.value(.degrees, usually: 15)
    fill = try fields.value(.fill, usually: .black)
  }

  func validate() throws(AugmentationError) {
    try require(0...180 ~= degrees, "degrees", degrees, "from 0 to 180")
  }

  func apply(to canvas: inout Canvas, input: Extents, random: inout RandomNumbers) {
    canvas.transform(
      .rotation(degrees: Double(random.uniform(in: -degrees...degrees)), of: canvas.extents),
      interpolation: .bilinear, fill: fill)
  }

  public var description: String { "rotation by up to \(degrees) degrees" }
}

extension Augmentation.Step {
  /// Turned by a random angle of at most so many degrees; see ``Rotation``.
  public static func rotation(degrees: Float, fill: Image.Color = .black) -> Self {
    .rotation(Rotation(degrees: degrees, fill: fill))
  }
}
