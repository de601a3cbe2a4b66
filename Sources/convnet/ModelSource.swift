import ConvNet
import Foundation

/// A name that is not known, with the names that are nearest to it.
struct UnknownName: ReadableError {
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
  /// Weights without a network, of which row they are, and with which classes and channels.
  case weights(WeightFile, ModelEntry, ModelOptions)

  /// - Parameters:
  ///   - isMapped: whether the parameters of a model file stay in it: for commands that end soon.
  ///   - shared: for commands that take a file of weights alone, where its row is known: to say which it is.
  init(
    _ argument: String, isMapped: Bool = false, recognizingFor shared: SharedOptions? = nil
  ) throws {
    if let entry = ModelRegistry[argument] {
      self = .zoo(entry)
    } else if let shared, try Self.isBareWeights(argument),
      case let file = try WeightFile(argument), let match = file.row,
      file.network != nil || match.entry.publisher != nil
    {
      let names = match.framework ?? (file.network == nil ? match.entry.publisher?.rawValue : nil)
      shared.note(
        "\(argument): \(names.map { "names of \($0), " } ?? "")taken as \(match.entry.name)")
      for note in file.notes { shared.note("\(argument): \(note)") }
      self = .weights(file, match.entry, match.options)
    } else if FileSystem.exists(argument) || Self.isPath(argument) {
      let model = try Model(loading: argument, isMapped: isMapped)
      // Of a large file that stays mapped, the large tensors are read when they are needed; where they are not finite, the
      // answers say so.
      let isSmall = model.parameters.values.reduce(0) { $0 + $1.byteCount } <= 1 << 23
      tellNonFinite(
        model.nonFiniteParameters(ofBytesUpTo: isMapped && !isSmall ? 1 << 14 : .max), in: argument)
      self = .file(model, path: argument)
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
    guard ModelRegistry[argument] == nil, FileSystem.exists(argument) else {
      return false
    }
    return try !WeightFile(argument).describesModel
  }

  /// The file's model, or the network of the zoo with the options that `adjust` makes of its own.
  ///
  /// - Parameters:
  ///   - weights: a file whose parameters a network of the zoo will be given: it is built so that they fit.
  ///   - isDescription: whether a network of the zoo is only to be told of, and needs no parameters.
  func model(
    seed: UInt64, classNames: [String] = [], for weights: String? = nil,
    isDescription: Bool = false,
    adjust: (inout ModelOptions) -> Void
  ) throws -> Model {
    switch self {
    case .file(let model, _): return model
    case .weights(let file, let entry, var options):
      let (classes, channels) = (options.classes, options.channels)
      adjust(&options)
      (options.classes, options.channels) = (classes, channels)
      options.poolsToPublishedGrid = true
      if isDescription { return try Model(describing: entry.build(options)) }
      var model = try Model(validating: entry.build(options), seed: seed)
      try model.loadParameters(from: file, namings: entry.weightNamings)
      tellNonFinite(model.nonFiniteParameters, in: file.path)
      return model
    case .zoo(let entry):
      var options = entry.defaults
      adjust(&options)
      if let weights { options.adapt(entry, to: try WeightFile(weights)) }
      let network = entry.build(options)
      return isDescription
        ? try Model(describing: network, classNames: classNames)
        : try Model(validating: network, seed: seed, classNames: classNames)
    }
  }
}

extension ModelOptions {
  /// Has a network's published weights fit where its input has another size.
  mutating func adapt(_ entry: ModelEntry, to file: WeightFile) {
    guard (height, width) != (entry.defaults.height, entry.defaults.width) else { return }
    poolsToPublishedGrid = file.isPublished(of: entry)
  }
}

extension ModelSource {
  /// Takes the parameters of a file of weights, under any names that are known for the model.
  ///
  /// - Parameter asNamed: whether the network that was named is meant, although the file may be of a twin.
  /// - Returns: what of it is worth a word to a person.
  func load(_ model: inout Model, from path: String, asNamed: Bool) throws -> [String] {
    let file = try WeightFile(path)
    let namings: [WeightNaming] = if case .zoo(let entry) = self { entry.weightNamings } else { [] }
    let notes = try model.loadParameters(from: file, namings: namings, asNamed: asNamed)
    tellNonFinite(model.nonFiniteParameters, in: path)
    return file.notes + notes
  }

  /// Whether it is a network of another framework, whose file says nothing of ours.
  var isForeign: Bool {
    guard case .file(_, let path) = self else { return false }
    return (try? WeightFile(path).format) == .onnx
  }

  /// The file that the source is, which has sizes of its own.
  var path: String? {
    switch self {
    case .zoo: nil
    case .file(_, let path): path
    case .weights(let file, _, _): file.path
    }
  }
}

/// A model file was asked to have other sizes.
struct FixedSizes: ReadableError {
  var path: String
  var options: String
  var description: String {
    "\(path) has an input and classes of its own; leave out \(options), or name a model of "
      + "`convnet models`"
  }
}
