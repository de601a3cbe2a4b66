import ConvNetTensors
import Foundation

/// One of fourteen changes with one of 31 strengths, both uniform: TrivialAugment in its "wide"
/// form (S. Müller and F. Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data
/// Augmentation", 2021, table 6). With s = 0, 1/30, …, 1 and a random sign where there is one:
///
///     identity, contrast to its extremes, equalized levels
///     shear along rows or columns   by ±0.99 s
///     shift along rows or columns   by ±32 s pixels, towards zero
///     rotation                      by ±135 s degrees
///     brightness, saturation, contrast, sharpness   times 1 ± 0.99 s
///     bits of a value kept          8 - round(6 s)
///     values inverted from          255 (1 - s) on
///
/// Moved pictures show the nearest pixel, and black outside.
public struct TrivialAugment: PixelStep {
  static let name = "trivialAugment"

  public init() {}

  private enum CodingKeys: CodingKey, CaseIterable {}

  public init(from decoder: any Decoder) throws {
    _ = try StepFields<CodingKeys>(decoder, of: Self.name)
  }

  public func encode(to encoder: any Encoder) throws {
    _ = encoder.container(keyedBy: CodingKeys.self)
  }

  func validate() throws(AugmentationError) {}

  package enum Change: Int, CaseIterable {
    case identity, shearRows, shearColumns, shiftRows, shiftColumns, rotation, brightness,
      saturation, contrast, sharpness, posterization, solarization, autocontrast, equalization

    var isSigned: Bool {
      switch self {
      case .identity, .posterization, .solarization, .autocontrast, .equalization: false
      default: true
      }
    }
  }

  func apply(to canvas: inout Canvas, input: Extents, random: inout RandomNumbers) {
    let change = Change.allCases[random.integer(below: Change.allCases.count)]
    let strength = Double(random.integer(below: 31)) / 30
    let sign: Double = change.isSigned && random.chance(0.5) ? -1 : 1
    Self.apply(change, strength: strength, sign: sign, to: &canvas)
  }

  package static func apply(
    _ change: Change, strength: Double, sign: Double, to canvas: inout Canvas
  ) {
    let factor = Float(1 + sign * 0.99 * strength)
    func move(_ transform: PlaneTransform) {
      canvas.transform(transform, interpolation: .nearest, fill: .black)
    }
    switch change {
    case .identity: break
    case .shearRows: move(PlaneTransform(xy: sign * 0.99 * strength))
    case .shearColumns: move(PlaneTransform(yx: sign * 0.99 * strength))
    case .shiftRows: move(PlaneTransform(x: -(sign * 32 * strength).rounded(.towardZero)))
    case .shiftColumns: move(PlaneTransform(y: -(sign * 32 * strength).rounded(.towardZero)))
    case .rotation: move(.rotation(degrees: sign * 135 * strength, of: canvas.extents))
    case .brightness: canvas.scaleBrightness(by: factor)
    case .saturation: canvas.scaleSaturation(by: factor)
    case .contrast: canvas.scaleContrast(by: factor)
    case .sharpness: canvas.scaleSharpness(by: factor)
    case .posterization:
      canvas.posterize(bits: 8 - Int((6 * strength).rounded(.toNearestOrEven)))
    case .solarization: canvas.solarize(from: Float(255 * (1 - strength)))
    case .autocontrast: canvas.stretchContrast()
    case .equalization: canvas.equalize()
    }
  }

  public var description: String { "TrivialAugment (wide)" }
}

extension Augmentation.Step {
  /// One random change of a random strength; see ``TrivialAugment``.
  public static func trivialAugment() -> Self { .trivialAugment(TrivialAugment()) }
}
