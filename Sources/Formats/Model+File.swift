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
  /// `nil` for classes, as in files of earlier versions.
  var targetKind: TargetKind?
  var targetScaling: TargetScaling?
  var preprocessing: Preprocessing?
  var augmentation: Augmentation?
  var trainingSummary: TrainingSummary?
  /// Where there is no preparation, which says it, and it is not the usual one.
  var dataFormat: DataFormat?
}

/// Why a file is not a model, or not what a model needs.
public struct ModelFileError: ReadableError, Hashable, Sendable {
  /// What the file lacks, or what in it is damaged.
  public enum Problem: Hashable, Sendable {
    /// It is the checkpoint of a training.
    case checkpoint
    /// There are tensors, and nothing that says of which network. `nearest` is one of the zoo that has most of them.
    case noNetwork(nearest: String?)
    /// It has none of the parameters of the network of that name.
    case noParameters(of: String)
    /// Its network needs an operation that is not known. `reason` names it.
    case operation(reason: String)
    /// What it says of its network cannot be read.
    case description(reason: String)
  }

  /// The file.
  public var path: String
  /// What is wrong with it.
  public var problem: Problem

  public var description: String {
    let text =
      switch problem {
      case .checkpoint:
        "is the checkpoint of a training, to go on from; its model is model.safetensors, beside it"
      case .noNetwork(let nearest):
        "holds tensors but no network; " + (nearest.map { "most are those of \($0); " } ?? "")
          + "load its parameters into a network that you name"
      case .noParameters(let network):
        "has none of the parameters of \(network); use another network or file"
      case .operation(let reason):
        "its network needs \(reason)"
      case .description(let reason):
        "its description of the network is damaged: \(reason)"
      }
    return "\(path): \(text)"
  }
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
        graph: graph, classNames: classNames,
        targetKind: targetKind == .classes ? nil : targetKind, targetScaling: targetScaling,
        preprocessing: preprocessing,
        augmentation: augmentation, trainingSummary: trainingSummary,
        dataFormat: preprocessing == nil && ownFormat != .channelsLast ? ownFormat : nil))
    try Safetensors(
      tensors: parameters.mapValues { $0.converted(to: elementType) },
      metadata: [Self.descriptionKey: String(decoding: description, as: UTF8.self)]
    ).write(to: path, progress: progress)
  }

  /// Reads a model file, or a network of another framework as an ONNX file. Its parameters become `float32`.
  ///
  /// - Parameters:
  ///   - isMapped: whether parameters that are `float32` stay in the file, whose pages come into memory when they are
  ///     read, instead of being copied. The file may be replaced meanwhile, as ``save(to:as:progress:)`` does, but not changed in
  ///     place: whoever reads a parameter after that finds other numbers, or is ended by the system.
  ///   - operations: from outside the package, that the network may be made of.
  /// - Throws: ``SafetensorsError`` or ``ONNXError`` where the file is damaged, ``ModelFileError`` where it
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
    if let file = file.onnx {
      try self.init(file)
      return
    }
    guard let text = file.metadata[Self.descriptionKey] else {
      throw ModelFileError(path: file.path, problem: .noNetwork(nearest: file.nearestNetwork))
    }
    let description = try ModelDescription(
      parsing: text, path: file.path, operations: OperationCatalog(adding: operations))
    // Before any is read: a file may claim terabytes that its network has no use for.
    try Self.requireShapes(of: description.graph) { file[$0]?.shape }
    let mapped = isMapped ? file.mappedTensors(of: .float32) : [:]
    var parameters: [String: Tensor] = [:]
    for id in description.graph.parameters {
      let name = description.graph[id].name
      parameters[name] = try mapped[name] ?? file.tensor(named: name, as: .float32)
    }
    try self.init(description, parameters: parameters)
  }

  /// The model of a description, with its parameters.
  ///
  /// - Parameter path: for messages.
  package init(
    description text: String, parameters: [String: Tensor], path: String,
    operations: OperationCatalog = .builtIn
  ) throws {
    try self.init(
      ModelDescription(parsing: text, path: path, operations: operations), parameters: parameters)
  }

  private init(
    _ description: ModelDescription, parameters: [String: Tensor]
  ) throws(GraphError) {
    try self.init(
      graph: description.graph, parameters: parameters, classNames: description.classNames,
      preprocessing: description.preprocessing, augmentation: description.augmentation,
      trainingSummary: description.trainingSummary)
    ownFormat = description.dataFormat ?? .channelsLast
    targetKind = description.targetKind ?? .classes
    targetScaling = description.targetScaling
  }
}

extension ModelDescription {
  /// - Throws: ``ModelFileError``.
  fileprivate init(
    parsing text: String, path: String, operations: OperationCatalog
  ) throws(ModelFileError) {
    do {
      self = try JSONDecoder(operations).decode(Self.self, from: Data(text.utf8))
      if let scaling = targetScaling { try Self.require(scaling, of: graph, path: path) }
    } catch let error as ModelFileError {
      throw error
    } catch let error as GraphError where error.isUnknownOperation {
      throw ModelFileError(path: path, problem: .operation(reason: "\(error)"))
    } catch {
      throw ModelFileError(path: path, problem: .description(reason: "\(error)"))
    }
  }
}

extension ModelDescription {
  /// Refuses a scaling of other numbers than the network's outputs, by which every number would be wrong.
  fileprivate static func require(
    _ scaling: TargetScaling, of graph: Graph, path: String
  ) throws(ModelFileError) {
    let output = graph.outputs.first { $0.auxiliaryWeight == nil }
    let count = output.map { graph[$0.value].shape.dimensions.last ?? 0 } ?? 0
    guard scaling.isUsable(of: count) else {
      throw ModelFileError(
        path: path,
        problem: .description(
          reason:
            "its scaling of numbers is not a finite mean and a deviation above zero for each of \(count)"
        ))
    }
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
  /// Whether the file is a model file, with the network in it.
  public var describesModel: Bool { metadata[Model.descriptionKey] != nil || format == .onnx }
}
