import ConvNetFiles
import Foundation

/// A part of a training as a checkpoint knows it again, without its type, which may be from outside the package.
struct KeptPart: Sendable, Codable {
  var name: String
  /// Its settings.
  var fields: JSONValue
  /// What it said of itself.
  var words: String

  /// - Throws: ``TrainingError/invalidSetting(name:value:requirement:)`` where the settings cannot be written.
  init(_ part: some TrainingPart) throws(TrainingError) {
    name = type(of: part).name
    words = "\(part)"
    do {
      fields = try JSONValue(of: part)
    } catch {
      throw .invalidSetting(
        name: name, value: words, requirement: "such that it can be written as JSON: \(error)")
    }
  }

  private enum CodingKeys: CodingKey {
    case name, fields, words
    /// The fields as text, JSON within the file's: how they were written formerly.
    case settings
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    name = try container.decode(String.self, forKey: .name)
    words = try container.decode(String.self, forKey: .words)
    if let text = try container.decodeIfPresent(String.self, forKey: .settings) {
      fields = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    } else {
      fields = try container.decode(JSONValue.self, forKey: .fields)
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(fields, forKey: .fields)
    try container.encode(words, forKey: .words)
  }
}

extension KeptPart: Hashable {
  // Words may change from version to version.
  static func == (left: Self, right: Self) -> Bool {
    left.name == right.name && left.fields == right.fields
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(fields)
  }
}
