import ConvNetFiles

/// What of a training that goes on is otherwise than it was; see ``Checkpoint/adopt(_:for:on:validating:epochs:)``.
public struct TrainingChange: Hashable, Sendable, Codable {
  /// By the name that it has in a recipe, as `schedule.rate`, or `nextLearningRate`, `epochs`, `earlyStopping.patience`,
  /// `trainingData`, `validationData`, `epoch`, `optimizer.memory`.
  public var setting: String
  /// In words; `nil` where there was none.
  public var old: String?
  /// In words; `nil` where there is none now.
  public var new: String?
  /// Finished epochs when it changed.
  public var epoch: Int
  /// Steps of all epochs when it changed.
  public var step: Int
}

extension TrainingChange: CustomStringConvertible {
  public var description: String { "\(setting): \(old ?? "none") -> \(new ?? "none")" }
}

/// Settings by name, in words.
struct NamedSettings {
  private(set) var values: [(name: String, value: String)] = []

  init() {}

  init(_ values: [(name: String, value: JSONValue)]) {
    self.values = values.map { ($0.name, "\($0.value)") }
  }

  /// By name; of several of one name the first.
  private var byName: [String: String] {
    Dictionary(values.map { ($0.name, $0.value) }) { first, _ in first }
  }

  mutating func add(_ name: String, _ value: String?) {
    if let value { values.append((name, value)) }
  }

  /// A part by its name and each of its settings.
  mutating func add(_ name: String, _ part: KeptPart) {
    add(name, part.name)
    for (name, value) in part.fields.flattened(below: name) { add(name, "\(value)") }
  }

  /// What is otherwise in others, in the order of both.
  func differences(from others: Self) -> [(name: String, value: String?, other: String?)] {
    let (own, other) = (byName, others.byName)
    let names = values.map(\.name) + others.values.map(\.name).filter { own[$0] == nil }
    return names.compactMap { name in
      own[name] == other[name] ? nil : (name, own[name], other[name])
    }
  }
}

extension JSONValue {
  /// The values within, each by the names of the fields that lead to it: `schedule.rate`.
  func flattened(below name: String) -> [(name: String, value: JSONValue)] {
    guard case .object(let fields) = self else { return [(name, self)] }
    return fields.sorted { $0.key < $1.key }.flatMap {
      $0.value.flattened(below: "\(name).\($0.key)")
    }
  }
}
