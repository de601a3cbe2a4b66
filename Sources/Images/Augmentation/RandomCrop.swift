import ConvNetTensors

/// Translation: a window of the network's input extents h x w, at a place uniform among all that
/// lie within the picture of H x W surrounded by `padding` pixels of the color `fill`:
///
///     row uniform in [-padding, H + padding - h],  column likewise
///
/// Without padding, the 224 x 224 windows of 256 x 256 pictures of A. Krizhevsky et al., "ImageNet
/// Classification with Deep Convolutional Neural Networks", 2012, section 4.1. With padding 4, the
/// crops of K. He et al., "Deep Residual Learning for Image Recognition", 2016, section 4.2. A
/// picture that the window does not fit into is enlarged first, so that it does.
public struct RandomCrop: PixelStep {
  static let name = "randomCrop"

  /// Pixels added at each side.
  public var padding: Int
  /// The color of what is added.
  public var fill: Image.Color

  /// A window of the picture with that border.
  public init(padding: Int = 0, fill: Image.Color = .black) {
    self.padding = padding
    self.fill = fill
  }

  init() { self.init(padding: 0) }

  private enum CodingKeys: CodingKey, CaseIterable { case padding, fill }

  public init(from decoder: any Decoder) throws {
    let fields = try StepFields<CodingKeys>(decoder, of: Self.name)
    padding = try fields.value(.padding, usually: 0)
    fill = try fields.value(.fill, usually: .black)
  }

  func validate() throws(AugmentationError) {
    try require(0...1 << 12 ~= padding, "padding", padding, "from 0 to 4096")
  }

  func apply(to canvas: inout Canvas, input: Extents, random: inout RandomNumbers) {
    let (missingHeight, missingWidth) = (
      input.height - 2 * padding - canvas.height, input.width - 2 * padding - canvas.width
    )
    if missingHeight > 0 || missingWidth > 0 {
      let scale = max(
        Double(input.height - 2 * padding) / Double(canvas.height),
        Double(input.width - 2 * padding) / Double(canvas.width))
      canvas.resize(
        to: Extents(
          height: max(
            input.height - 2 * padding, Int((Double(canvas.height) * scale).rounded())),
          width: max(input.width - 2 * padding, Int((Double(canvas.width) * scale).rounded()))))
    }
    let row = random.integer(below: canvas.height + 2 * padding - input.height + 1) - padding
    let column = random.integer(below: canvas.width + 2 * padding - input.width + 1) - padding
    canvas.crop(row: row, column: column, to: input, fill: fill)
  }

  public var description: String {
    padding == 0 ? "random crop" : "random crop of the picture padded by \(padding)"
  }
}

extension Augmentation.Step {
  /// A window of the input's extents at a random place; see ``RandomCrop``.
  public static func randomCrop(padding: Int = 0, fill: Image.Color = .black) -> Self {
    .randomCrop(RandomCrop(padding: padding, fill: fill))
  }
}
