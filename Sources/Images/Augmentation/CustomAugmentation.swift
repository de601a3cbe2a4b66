import ConvNetFiles
public import ConvNetTensors

/// A random change of training pictures from outside the package: a step on pixels, as those of the package.
///
/// ```swift
/// struct Invert: CustomAugmentation {
///   static let name = "example.invert"
///   var probability: Float
///
///   func apply(to image: inout Image, random: inout RandomNumbers) {
///     guard random.uniform() < probability else { return }
///     image.withMutablePixels { pixels in
///       for index in pixels.indices { pixels[index] = 255 - pixels[index] }
///     }
///   }
/// }
///
/// let augmentation: Augmentation = [.randomCrop(), .custom(Invert(probability: 0.5))]
/// ```
///
/// Its name and its fields are kept in model files and checkpoints, which are read without it; only to go on training it must be
/// given again.
public protocol CustomAugmentation: Codable, Sendable {
  /// As it is called in JSON: with a dot, which no step of the package has, such as `example.invert`.
  static var name: String { get }

  /// Refuses values out of their range, before anything is read. Does nothing where it is left out.
  func validate() throws

  /// Changes a picture, whose extents may become others.
  ///
  /// - Parameter random: numbers that are a function of seed, epoch and sample: the only ones to draw from, so that a training
  ///   can be repeated. Called by several threads at once for different pictures.
  func apply(to image: inout Image, random: inout RandomNumbers)
}

extension CustomAugmentation {
  public func validate() throws {}
}

extension Augmentation.Step {
  /// A step from outside the package.
  ///
  /// - Precondition: its name has a dot.
  public static func custom(_ augmentation: some CustomAugmentation) -> Self {
    .other(OtherAugmentation(augmentation))
  }
}

/// A step from outside the package: what files say of it, and what it does where that is known.
public struct OtherAugmentation: Sendable {
  /// By which files know the step.
  public let name: String
  private let fields: JSONValue
  private let augmentation: (any CustomAugmentation)?
  /// Why the fields could not be told.
  private let problem: String?

  init(_ augmentation: some CustomAugmentation) {
    name = type(of: augmentation).name
    guard Self.isName(name) else {
      fatalError("the augmentation \(name) needs a name with a dot, such as example.\(name)")
    }
    self.augmentation = augmentation
    do {
      fields = try JSONValue(of: augmentation)
      problem = nil
    } catch {
      fields = .object([:])
      problem = "its fields cannot be written as JSON: \(error)"
    }
  }

  /// As a file describes it.
  init(name: String, fields: JSONValue) {
    self.name = name
    self.fields = fields
    augmentation = nil
    problem = nil
  }

  static func isName(_ name: String) -> Bool { name.contains(".") }
}

extension OtherAugmentation: Hashable {
  /// Steps of one name and the same fields are equal, known or not.
  public static func == (left: Self, right: Self) -> Bool {
    left.name == right.name && left.fields == right.fields
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(fields)
  }
}

extension OtherAugmentation: PixelStep {
  static let name = "other"

  init() { self.init(name: Self.name, fields: .object([:])) }

  public init(from decoder: any Decoder) throws {
    self.init(name: Self.name, fields: try JSONValue(from: decoder))
  }

  public func encode(to encoder: any Encoder) throws { try fields.encode(to: encoder) }

  public var description: String { fields == .object([:]) ? name : "\(name) \(fields)" }

  func validate() throws(AugmentationError) {
    guard let augmentation else { throw AugmentationError(step: name, problem: .notGiven) }
    if let problem { throw AugmentationError(step: name, problem: .refused(reason: problem)) }
    do {
      try augmentation.validate()
    } catch {
      throw AugmentationError(step: name, problem: .refused(reason: "\(error)"))
    }
  }

  func apply(to canvas: inout Canvas, input: Extents, random: inout RandomNumbers) {
    guard let augmentation else { return }
    var image = canvas.image()
    augmentation.apply(to: &image, random: &random)
    canvas.load(image)
  }
}
