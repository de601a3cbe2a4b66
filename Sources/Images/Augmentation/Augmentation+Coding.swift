import ConvNetFiles
import Foundation

extension Augmentation: Codable {
  public init(from decoder: any Decoder) throws {
    steps = try decoder.singleValueContainer().decode([Step].self)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(steps)
  }

  /// Reads the JSON of a list of steps; a field that is left out has its usual value, and a step
  /// with none may be written as its name alone.
  ///
  /// - Throws: ``AugmentationError`` where it is none, or names a step or a field that there is not.
  public init(json: String) throws(AugmentationError) {
    do {
      self = try JSONDecoder().decode(Augmentation.self, from: Data(json.utf8))
    } catch let error as AugmentationError {
      throw error
    } catch DecodingError.typeMismatch(_, let context) {
      throw AugmentationError(
        step: context.stepName, problem: .malformed(reason: context.debugDescription))
    } catch {
      throw AugmentationError(step: "", problem: .malformed(reason: "this is not JSON"))
    }
  }
}

extension DecodingError.Context {
  /// The step within which the text went wrong.
  fileprivate var stepName: String {
    codingPath.first { $0.intValue == nil }?.stringValue ?? ""
  }
}

/// A name that is known at run time only.
private struct Name: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }

  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension Augmentation.Step: Codable {
  private struct Kind: Sendable {
    var name: String
    var usual: @Sendable () -> Augmentation.Step
    var decode: @Sendable (any Decoder) throws -> Augmentation.Step

    init<Attributes: AugmentationStep>(
      _ step: @escaping @Sendable (Attributes) -> Augmentation.Step
    ) {
      name = Attributes.name
      usual = { step(Attributes()) }
      decode = { step(try Attributes(from: $0)) }
    }
  }

  private static let kinds = [
    Kind { Augmentation.Step.shorterSide($0) }, Kind { .randomCrop($0) },
    Kind { .randomResizedCrop($0) }, Kind { .horizontalReflection($0) }, Kind { .rotation($0) },
    Kind { .colorJitter($0) }, Kind { .trivialAugment($0) }, Kind { .colorShift($0) },
    Kind { .erasing($0) }, Kind { .mixup($0) }, Kind { .cutMix($0) },
  ]

  /// The names of all steps.
  static var names: [String] { kinds.map(\.name) }

  private static func kind(named name: String) throws(AugmentationError) -> Kind {
    guard let kind = kinds.first(where: { $0.name == name }) else {
      throw AugmentationError(
        step: name,
        problem: .unknownStep(suggestions: nearestNames(to: name, among: names), known: names))
    }
    return kind
  }

  public init(from decoder: any Decoder) throws {
    if let name = try? decoder.singleValueContainer().decode(String.self) {
      guard !OtherAugmentation.isName(name) else {
        self = .other(OtherAugmentation(name: name, fields: .object([:])))
        return
      }
      self = try Self.kind(named: name).usual()
      return
    }
    let container = try decoder.container(keyedBy: Name.self)
    guard let key = container.allKeys.first, container.allKeys.count == 1 else {
      throw AugmentationError(
        step: "", problem: .malformed(reason: "a step is an object of one entry, its name"))
    }
    let fields = try container.superDecoder(forKey: key)
    guard !OtherAugmentation.isName(key.stringValue) else {
      self = .other(OtherAugmentation(name: key.stringValue, fields: try JSONValue(from: fields)))
      return
    }
    self = try Self.kind(named: key.stringValue).decode(fields)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    try attributes.encode(to: container.superEncoder(forKey: Name(stringValue: name)))
  }
}

/// Reads the fields of a step: those that are left out have their usual values, and others than
/// its own are refused.
struct StepFields<Key: CodingKey & CaseIterable> {
  private let container: KeyedDecodingContainer<Key>

  init(_ decoder: any Decoder, of step: String) throws {
    let known = Key.allCases.map(\.stringValue)
    for key in try decoder.container(keyedBy: Name.self).allKeys
    where !known.contains(key.stringValue) {
      throw AugmentationError(step: step, problem: .unknownField(key.stringValue, known: known))
    }
    container = try decoder.container(keyedBy: Key.self)
  }

  /// The value of a field, or what it usually is.
  func value<Value: Decodable>(_ key: Key, usually usual: Value) throws -> Value {
    try container.decodeIfPresent(Value.self, forKey: key) ?? usual
  }

  /// The value of a field, or `nil`.
  func value<Value: Decodable>(_ key: Key, of type: Value.Type) throws -> Value? {
    try container.decodeIfPresent(Value.self, forKey: key)
  }
}
