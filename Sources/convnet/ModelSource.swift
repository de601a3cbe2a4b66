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

  /// - Parameter isMapped: whether the parameters of a model file stay in it: for commands that end soon.
  init(_ argument: String, isMapped: Bool = false) throws {
    if let entry = ModelRegistry[argument] {
      self = .zoo(entry)
    } else if FileManager.default.fileExists(atPath: argument) || Self.isPath(argument) {
      self = .file(try Model(loading: argument, isMapped: isMapped), path: argument)
    } else {
      throw UnknownName(
        kind: "model or file", name: argument, known: ModelRegistry.names,
        advice: "`convnet models` lists the models")
    }
  }

  /// Whether an argument can only mean a file, there or not.
  private static func isPath(_ argument: String) -> Bool {
    argument.contains("/") || (try? WeightFormat(forPath: argument)) != nil
  }

  /// Whether an argument is a file of weights without a network.
  ///
  /// - Throws: what is wrong with the file.
  static func isBareWeights(_ argument: String) throws -> Bool {
    guard ModelRegistry[argument] == nil, FileManager.default.fileExists(atPath: argument) else {
      return false
    }
    return try !WeightFile(argument).describesModel
  }

  /// The file's model, or the network of the zoo with the options that `adjust` makes of its own.
  func model(
    seed: UInt64, classNames: [String] = [], adjust: (inout ModelOptions) -> Void
  ) throws -> Model {
    switch self {
    case .file(let model, _): return model
    case .zoo(let entry):
      var options = entry.defaults
      adjust(&options)
      return try Model(validating: entry.build(options), seed: seed, classNames: classNames)
    }
  }
}

extension ModelSource {
  /// Takes the parameters of a file of weights, under any names that are known for the model.
  ///
  /// - Returns: what of it is worth a word to a person.
  func load(_ model: inout Model, from path: String) throws -> [String] {
    let file = try WeightFile(path)
    let namings: [WeightNaming] = if case .zoo(let entry) = self { entry.weightNamings } else { [] }
    return try file.notes + model.loadParameters(from: file, namings: namings)
  }
}

/// A model file was asked to have other sizes.
struct FixedSizes: Error, CustomStringConvertible {
  var path: String
  var options: String
  var description: String {
    "\(path) has an input and classes of its own; leave out \(options), or name a model of "
      + "`convnet models`"
  }
}
