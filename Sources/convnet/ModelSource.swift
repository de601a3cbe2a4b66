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
}
