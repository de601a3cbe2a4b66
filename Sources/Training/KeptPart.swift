import Foundation

/// A part of a training as a checkpoint knows it again, without its type, which may be from outside the package.
struct KeptPart: Hashable, Sendable, Codable {
  var name: String
  /// JSON.
  var settings: String
  /// What it said of itself.
  var words: String

  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where the settings cannot be written.
  init(_ part: some TrainingPart) throws(TrainingError) {
    name = type(of: part).name
    words = "\(part)"
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      settings = String(decoding: try encoder.encode(part), as: UTF8.self)
    } catch {
      throw .invalidSetting(
        name: name, value: words, requirement: "such that it can be written as JSON: \(error)")
    }
  }

  // Words may change from version to version.
  static func == (left: Self, right: Self) -> Bool {
    left.name == right.name && left.settings == right.settings
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(settings)
  }
}
