/// A part of a training that has settings: a schedule, an optimizer.
///
/// A value. A checkpoint keeps its name and its settings, and refuses to go on with another.
public protocol TrainingPart: Hashable, Codable, Sendable, CustomStringConvertible {
  /// As it is called in a checkpoint, different for each type.
  static var name: String { get }

  /// Checks the settings, before anything is computed. Without one of its own, a part takes all.
  ///
  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)``.
  func validate() throws(TrainingError)
}

extension TrainingPart {
  public func validate() throws(TrainingError) {}

  /// The name and the settings, unless a part has better words.
  public var description: String {
    let settings = Mirror(reflecting: self).children.map { child in
      child.label.map { "\($0) \(child.value)" } ?? "\(child.value)"
    }
    return settings.isEmpty ? Self.name : "\(Self.name) of \(settings.joined(separator: ", "))"
  }

  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where a setting does not fulfil what is required of it.
  public func require(
    _ isFulfilled: Bool, _ setting: String, _ value: some Any, _ requirement: String
  ) throws(TrainingError) {
    guard isFulfilled else {
      throw .invalidSetting(name: setting, value: "\(value)", requirement: requirement)
    }
  }
}
