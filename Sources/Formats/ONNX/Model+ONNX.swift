import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import Foundation

extension ONNXModel {
  /// The entry of the metadata with the class names: a list in JSON.
  package static let classNamesKey = "convnet.classNames"
  /// The entry of the metadata with the preprocessing, in JSON.
  package static let preprocessingKey = "convnet.preprocessing"

  package func text(ofMetadata key: String) -> String? {
    metadata.first { $0.key == key }?.value
  }
}

extension Model {
  /// The network of an ONNX file, as a classifier: its first output are the scores of classes; a softmax behind them is left out.
  ///
  /// - Throws: ``ONNXError``, ``GraphError``.
  init(_ file: ONNXFile) throws {
    let given = file.model.graph
    let names = Set(given.initializers.map(\.name))
    let inputs = given.inputs.filter { !names.contains($0.name) }
    guard let input = inputs.first, inputs.count == 1 else {
      let listed = inputs.map(\.name).joined(separator: ", ")
      throw ONNXError(
        file: file.path,
        problem: .input(
          name: listed,
          reason:
            "a classifier has one input, this network \(inputs.count); `Graph` and an executable take several"
        ))
    }
    let network = try Self.network(file, input: input)
    let text = file.model.text(ofMetadata: ONNXModel.classNamesKey)
    let classNames = text.flatMap { try? JSONDecoder().decode([String].self, from: Data($0.utf8)) }
    try self.init(graph: network.graph, parameters: network.parameters)
    ownFormat = network.isChannelsLast ? .channelsLast : .channelsFirst
    if let classNames, classNames.count == classCount { self.classNames = classNames }
    preprocessing = Self.preprocessing(
      file.model, extents: inputExtents, dataFormat: ownFormat)
  }

  /// The graph for one example at a time, and for any number where the file says nothing else.
  private static func network(_ file: ONNXFile, input: ONNXValue) throws -> ONNXImport {
    var options = ONNXImportOptions()
    options.isClassifier = true
    let batch = input.shape?.first
    if case .extent(let extent) = batch, extent > 0 {
      var network = try file.imported(options)
      if extent > 1, let single = Self.single(network.graph) { network.graph = single }
      return network
    }
    // With two examples, what is done to each of them differs from what is done to all.
    options.batch = 2
    if var network = try? file.imported(options), let single = Self.single(network.graph) {
      network.graph = single
      return network
    }
    options.batch = 1
    options.isBatchFixed = true
    return try file.imported(options)
  }

  /// The graph for one example, where it takes one and makes one row.
  private static func single(_ graph: Graph) -> Graph? {
    guard let single = try? graph.batched(1),
      single.outputs.allSatisfy({ single[$0.value].shape.dimensions.first == 1 })
    else { return nil }
    return single
  }

  /// What the file says, where it fits the input; else pictures as they are.
  private static func preprocessing(
    _ model: ONNXModel, extents: [Int], dataFormat: DataFormat
  ) -> Preprocessing? {
    guard extents.count == 3, [1, 3].contains(extents[0]) else { return nil }
    if let text = model.text(ofMetadata: ONNXModel.preprocessingKey),
      var own = try? JSONDecoder().decode(Preprocessing.self, from: Data(text.utf8)),
      [own.channels, own.height, own.width] == extents
    {
      own.dataFormat = dataFormat
      return own
    }
    return try? Preprocessing(
      height: extents[1], width: extents[2], channels: extents[0], dataFormat: dataFormat)
  }
}
