import ConvNetGraphs
import ConvNetImages
public import ConvNetLayers
import ConvNetTensors
import Foundation

/// What a model file says besides its tensors.
private struct ModelDescription: Codable {
  var graph: Graph
  var classNames: [String]
  var preprocessing: Preprocessing?
  var augmentation: Augmentation?
  var trainingSummary: [String: String]
}

/// Why a file is not a model.
public struct ModelFileError: Error, Hashable, Sendable, CustomStringConvertible {
  public var path: String
  public var reason: String

  public var description: String { "\(path): \(reason)" }
}

extension Model {
  /// The entry of the file's metadata that describes the model.
  private static var descriptionKey: String { "convnet.model" }

  /// Writes a safetensors file that describes itself: the parameters under their names, and in the
  /// metadata the graph, the class names, the preprocessing, the augmentation and the training
  /// summary. Atomically.
  ///
  /// - Throws: ``FileError`` where the file cannot be written.
  public func save(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let description = try encoder.encode(
      ModelDescription(
        graph: graph, classNames: classNames, preprocessing: preprocessing,
        augmentation: augmentation, trainingSummary: trainingSummary))
    try Safetensors(
      tensors: parameters,
      metadata: [Self.descriptionKey: String(decoding: description, as: UTF8.self)]
    ).write(to: path)
  }

  /// Reads a model file.
  ///
  /// - Throws: ``SafetensorsError`` where the file is damaged, ``ModelFileError`` where it
  ///   describes no model, ``GraphError`` where a parameter is missing or has another shape.
  public init(loading path: String) throws {
    try self.init(Safetensors(contentsOf: path), path: path)
  }

  /// The model that a file's contents describe.
  ///
  /// - Parameter path: for messages.
  package init(_ file: Safetensors, path: String) throws {
    guard let text = file.metadata[Self.descriptionKey] else {
      throw ModelFileError(
        path: path,
        reason: "holds tensors but no network; load them into a model with `--weights` or `--init`")
    }
    let description: ModelDescription
    do {
      description = try JSONDecoder().decode(ModelDescription.self, from: Data(text.utf8))
    } catch {
      throw ModelFileError(
        path: path, reason: "its description of the network is damaged: \(error)")
    }
    try self.init(
      graph: description.graph, parameters: file.tensors, classNames: description.classNames,
      preprocessing: description.preprocessing, augmentation: description.augmentation,
      trainingSummary: description.trainingSummary)
  }

  /// Takes the parameters of a file, by name.
  ///
  /// - Throws: ``ModelFileError`` naming the first parameter that the file lacks or has in another
  ///   shape; the model is then as it was.
  public mutating func loadParameters(from path: String) throws {
    let file = try Safetensors(contentsOf: path)
    var loaded: [String: Tensor] = [:]
    for (name, old) in parameters.sorted(by: { $0.key < $1.key }) {
      guard let new = file.tensors[name] else {
        throw ModelFileError(path: path, reason: "has no tensor \(name)")
      }
      guard new.shape == old.shape, new.elementType == .float32 else {
        throw ModelFileError(
          path: path, reason: "tensor \(name) is \(new), the network needs \(old)")
      }
      loaded[name] = new
    }
    parameters = loaded
  }

  /// Takes from a file every parameter of the same name and shape: the beginning of fine-tuning.
  ///
  /// - Returns: the names of those that the file has in another shape or not at all, which stay as
  ///   they were.
  /// - Throws: ``ModelFileError`` where the file has none of the network's parameters.
  public mutating func takeParameters(from path: String) throws -> [String] {
    let tensors = try Safetensors(contentsOf: path).tensors
    let fitting = parameters.filter { name, own in
      tensors[name].map { $0.shape == own.shape && $0.elementType == .float32 } ?? false
    }
    guard !fitting.isEmpty else {
      throw ModelFileError(
        path: path,
        reason: "has none of the parameters of \(graph.name); use another network or file")
    }
    for name in fitting.keys { parameters[name] = tensors[name] }
    return parameters.keys.filter { fitting[$0] == nil }.sorted()
  }
}
