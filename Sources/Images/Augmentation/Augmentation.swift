import ConvNetTensors

/// Random changes to training pictures that leave their class as it is: what a network shall learn
/// to ignore.
///
/// ```swift
/// let augmentation: Augmentation = [
///   .shorterSide(from: 256, to: 512), .randomCrop(), .horizontalReflection(), .colorShift(),
/// ]
/// ```
///
/// A value: it is stored in the model's file and written as JSON. The steps are applied in order,
/// of four kinds that come one after the other: those on pixels, ``CustomAugmentation`` among them; the color shift; erasing, on
/// the normalized numbers; mixing of two pictures. A picture that has other extents than the network's
/// input after its steps is resized to them, as ``Preprocessing`` does without augmentation.
///
/// Every random number is a function of seed, epoch and sample, so that a sample is changed alike
/// whatever the number of threads, the order and the size of batches.
public struct Augmentation: Hashable, Sendable, ExpressibleByArrayLiteral {
  /// What happens to a picture, in order. None: nothing happens.
  public var steps: [Step]

  /// The steps of a list, in order. Their values and their order are checked where a training or a loader begins.
  public init(_ steps: [Step]) {
    self.steps = steps
  }

  public init(arrayLiteral steps: Step...) {
    self.steps = steps
  }

  /// No change.
  public static let none: Augmentation = []

  /// One thing that happens to pictures.
  public enum Step: Hashable, Sendable {
    /// Resizes so that the shorter side has a random number of pixels.
    case shorterSide(ShorterSide)
    /// Takes a window of the input's size at a random place.
    case randomCrop(RandomCrop)
    /// Takes a window of random area and aspect, and resizes it to the input's size.
    case randomResizedCrop(RandomResizedCrop)
    /// Mirrors left to right with some probability.
    case horizontalReflection(HorizontalReflection)
    /// Turns by a random angle.
    case rotation(Rotation)
    /// Changes brightness, contrast, saturation and hue by random factors.
    case colorJitter(ColorJitter)
    /// Applies one change, drawn at random, of random strength.
    case trivialAugment(TrivialAugment)
    /// Shifts all colors along the principal components of the data's.
    case colorShift(ColorShift)
    /// Overwrites a random rectangle of the prepared numbers.
    case erasing(RandomErasing)
    /// Blends with a second picture, and the labels likewise.
    case mixup(Mixup)
    /// Pastes a rectangle of a second picture, and mixes the labels by area.
    case cutMix(CutMix)
    /// From outside the package: ``custom(_:)`` makes it.
    case other(OtherAugmentation)

    /// The kinds of steps in the order in which they may follow each other.
    enum Phase: Int, Comparable {
      case pixels, conversion, numbers, mixing

      static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    var attributes: any AugmentationStep {
      switch self {
      case .shorterSide(let step): step
      case .randomCrop(let step): step
      case .randomResizedCrop(let step): step
      case .horizontalReflection(let step): step
      case .rotation(let step): step
      case .colorJitter(let step): step
      case .trivialAugment(let step): step
      case .colorShift(let step): step
      case .erasing(let step): step
      case .mixup(let step): step
      case .cutMix(let step): step
      case .other(let step): step
      }
    }

    /// As it is called in JSON.
    public var name: String {
      if case .other(let step) = self { step.name } else { type(of: attributes).name }
    }

    var phase: Phase { type(of: attributes).phase }
  }

  /// Whether labels become distributions over the classes.
  package var mixesSamples: Bool { steps.contains { $0.phase == .mixing } }

  /// - Throws: ``AugmentationError`` with a step that mixes samples, where one of them may be left out.
  package func requireNoMixing() throws(AugmentationError) {
    guard let step = steps.first(where: { $0.phase == .mixing }) else { return }
    throw AugmentationError(step: step.name, problem: .leavesOutSamples)
  }

  /// Whether the principal components of the data's colors are needed and not yet known.
  package var needsPrincipalComponents: Bool {
    steps.contains { step in
      if case .colorShift(let shift) = step { shift.components == nil } else { false }
    }
  }

  /// The same with the color shifts' principal components, where they have none.
  package func resolved(with components: PrincipalComponents) -> Augmentation {
    Augmentation(
      steps.map { step in
        guard case .colorShift(var shift) = step, shift.components == nil else { return step }
        shift.components = components
        return .colorShift(shift)
      })
  }

  /// - Parameter channels: of the network's input.
  /// - Throws: ``AugmentationError`` where a number is out of its range, a step stands before one
  ///   that must come first, or a step cannot be done to such pictures.
  package func validate(channels: Int) throws(AugmentationError) {
    var last: Step?
    for step in steps {
      try step.attributes.validate()
      if let last, last.phase > step.phase {
        throw AugmentationError(step: step.name, problem: .order(after: last.name))
      }
      if case .colorShift = step, channels != 3 {
        throw AugmentationError(step: step.name, problem: .channels(channels))
      }
      last = step
    }
  }
}

extension Augmentation: CustomStringConvertible {
  /// The steps in order, for people.
  public var description: String {
    steps.isEmpty ? "none" : steps.map { "\($0.attributes)" }.joined(separator: ", ")
  }
}

/// What the steps have in common.
protocol AugmentationStep: Hashable, Sendable, Codable, CustomStringConvertible {
  /// As it is called in JSON.
  static var name: String { get }
  static var phase: Augmentation.Step.Phase { get }
  /// With all values as usual.
  init()
  func validate() throws(AugmentationError)
}

/// A step on pixels.
protocol PixelStep: AugmentationStep {
  /// - Parameter input: the extents of the network's input.
  func apply(to canvas: inout Canvas, input: Extents, random: inout RandomNumbers)
}

extension PixelStep {
  static var phase: Augmentation.Step.Phase { .pixels }
}

/// Height and width in pixels.
package struct Extents: Hashable, Sendable {
  package var height: Int
  package var width: Int

  package init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }
}

extension AugmentationStep {
  /// - Throws: ``AugmentationError`` naming the value that does not fulfil its requirement.
  func require(
    _ isFulfilled: Bool, _ field: String, _ value: Any, _ requirement: String
  ) throws(AugmentationError) {
    guard isFulfilled else {
      throw AugmentationError(
        step: Self.name,
        problem: .value(field: field, value: "\(value)", requirement: requirement))
    }
  }

  func requireProbability(_ value: Float, _ field: String = "probability")
    throws(AugmentationError)
  {
    try require(0...1 ~= value, field, value, "from 0 to 1")
  }

  /// An interval of finite numbers, not empty.
  func requireInterval(
    _ from: Float, _ to: Float, _ field: String, within limits: ClosedRange<Float>
  ) throws(AugmentationError) {
    try require(
      limits ~= from && limits ~= to && from <= to, field, "[\(from), \(to)]",
      "two numbers from \(limits.lowerBound) to \(limits.upperBound), the lesser first")
  }
}
