import ConvNet
import Foundation

/// A name that is not known, with the names that are nearest to it.
struct UnknownName: Error, CustomStringConvertible {
  var kind: String
  var name: String
  var known: [String]
  var advice: String

  var description: String {
    let nearest = nearestNames(to: name, among: known)
    let suggestion = nearest.isEmpty ? "" : "did you mean \(nearest.joined(separator: " or "))? "
    return "unknown \(kind) \(name); \(suggestion)\(advice)"
  }
}

/// MODEL|FILE on the command line.
enum ModelSource {
  case zoo(ModelEntry)
  case file(Model, path: String)

  init(_ argument: String) throws {
    if let entry = ModelRegistry[argument] {
      self = .zoo(entry)
    } else if FileManager.default.fileExists(atPath: argument) {
      self = .file(try Model(loading: argument), path: argument)
    } else {
      throw UnknownName(
        kind: "model or file", name: argument, known: ModelRegistry.names,
        advice: "`convnet models` lists the models")
    }
  }

  /// The model; one of the zoo with freshly initialized parameters.
  func model(
    height: Int? = nil, width: Int? = nil, channels: Int? = nil, classes: Int? = nil,
    classNames: [String] = [], seed: UInt64 = 0
  ) throws -> Model {
    switch self {
    case .file(let model, _): return model
    case .zoo(let entry):
      var options = entry.defaults
      options.height = height ?? options.height
      options.width = width ?? options.width
      options.channels = channels ?? options.channels
      options.classes = classes ?? options.classes
      return try Model(
        validating: entry.build(options), seed: seed, classNames: classNames)
    }
  }
}
