public import ConvNetFiles
public import ConvNetGraphs
import ConvNetImages
public import ConvNetLayers
public import ConvNetTensors
import Foundation

/// What a model file says besides its tensors.
private struct ModelDescription: Codable {
  var graph: Graph
  var classNames: [String]
  var preprocessing: Preprocessing?
  var augmentation: Augmentation?
  var trainingSummary: TrainingSummary?
}

/// Why a file is not a model.
public struct ModelFileError: ReadableError, Hashable, Sendable {
  /// The file.
  public var path: String
  /// What it lacks, or what in it is damaged, in words.
  public var reason: String

  public var description: String { "\(path): \(reason)" }
}

extension Model {
  /// The entry of the file's metadata that describes the model.
  package static var descriptionKey: String { "convnet.model" }

  /// Writes a safetensors file that describes itself: the parameters under their names, and in the
  /// metadata the graph, the class names, the preprocessing, the augmentation and the training
  /// summary. Atomically.
  ///
  /// - Parameters:
  ///   - elementType: of the parameters in the file: `float32`, or one of two bytes, which halves
  ///     the file. They are rounded, and become `float32` again when the file is read.
  ///   - progress: told the share that is written, from 0 to 1.
  /// - Throws: ``FileError`` where the file cannot be written.
  public func save(
    to path: String, as elementType: ElementType = .float32, progress: ((Double) -> Void)? = nil
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let description = try encoder.encode(
      ModelDescription(
        graph: graph, classNames: classNames, preprocessing: preprocessing,
        augmentation: augmentation, trainingSummary: trainingSummary))
    try Safetensors(
      tensors: parameters.mapValues { $0.converted(to: elementType) },
      metadata: [Self.descriptionKey: String(decoding: description, as: UTF8.self)]
    ).write(to: path, progress: progress)
  }

  /// Reads a model file. Its parameters become `float32`.
  ///
  /// - Parameters:
  ///   - isMapped: whether parameters that are `float32` stay in the file, whose pages come into memory when they are
  ///     read, instead of being copied. The file may be replaced meanwhile, as ``save(to:as:progress:)`` does, but not changed in
  ///     place: whoever reads a parameter after that finds other numbers, or is ended by the system.
  ///   - operations: from outside the package, that the network may be made of.
  /// - Throws: ``SafetensorsError`` where the file is damaged, ``ModelFileError`` where it
  ///   describes no model, or needs an operation that is neither of the package nor among `operations`; ``GraphError`` where a
  ///   parameter is missing or has another shape.
  public init(
    loading path: String, isMapped: Bool = false,
    operations: [any OperationAttributes.Type] = []
  ) throws {
    try self.init(WeightFile(path), isMapped: isMapped, operations: operations)
  }

  /// The model that a file of weights describes.
  ///
  /// - Parameters:
  ///   - isMapped: as in ``init(loading:isMapped:operations:)``.
  ///   - operations: as there.
  /// - Throws: as ``init(loading:isMapped:operations:)``.
  public init(
    _ file: WeightFile, isMapped: Bool = false,
    operations: [any OperationAttributes.Type] = []
  ) throws {
    try file.requireNoCheckpoint()
    guard let text = file.metadata[Self.descriptionKey] else {
      throw ModelFileError(
        path: file.path,
        reason: "holds tensors but no network; name a network of `convnet models`, "
          + "and this file with --weights or --init")
    }
    var parameters = isMapped ? file.mappedTensors(of: .float32) : [:]
    for entry in file.entries where parameters[entry.name] == nil {
      parameters[entry.name] = try file.tensor(named: entry.name, as: .float32)
    }
    try self.init(
      description: text, parameters: parameters, path: file.path,
      operations: OperationCatalog(adding: operations))
  }

  /// The model of a description, with its parameters.
  ///
  /// - Parameter path: for messages.
  package init(
    description text: String, parameters: [String: Tensor], path: String,
    operations: OperationCatalog = .builtIn
  ) throws {
    let description: ModelDescription
    do {
      description = try JSONDecoder(operations).decode(
        ModelDescription.self, from: Data(text.utf8))
    } catch let error as GraphError where error.isUnknownOperation {
      throw ModelFileError(path: path, reason: "its network needs \(error)")
    } catch {
      throw ModelFileError(
        path: path, reason: "its description of the network is damaged: \(error)")
    }
    try self.init(
      graph: description.graph, parameters: parameters, classNames: description.classNames,
      preprocessing: description.preprocessing, augmentation: description.augmentation,
      trainingSummary: description.trainingSummary)
  }
}

extension JSONDecoder {
  /// Reads graphs that are made of the operations of a catalog.
  package convenience init(_ operations: OperationCatalog) {
    self.init()
    userInfo[.operations] = operations
  }
}

extension WeightFile {
  /// Whether the file is a model file, with the network in its metadata.
  public var describesModel: Bool { metadata[Model.descriptionKey] != nil }
}
