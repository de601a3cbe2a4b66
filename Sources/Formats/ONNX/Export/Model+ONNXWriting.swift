import ConvNetFiles
import ConvNetGraphs
public import ConvNetLayers
public import ConvNetTensors
import Foundation

extension Model {
  /// Writes the network with its parameters as an ONNX file of operator set 17, which other frameworks and runtimes read: ONNX
  /// Runtime, OpenVINO, TensorRT, browsers. Atomically.
  ///
  /// It has the form of inference: no dropout, running statistics, no auxiliary classifiers. Its input is in logical order,
  /// [batch, channels, height, width], whatever the network's data format, for any batch; its output the scores. Class names
  /// and preparation of pictures stand in the metadata, under `convnet.classNames` and `convnet.preprocessing`, in JSON. Nodes,
  /// values and initializers are called as layers and parameters are.
  ///
  /// - Parameters:
  ///   - elementType: of the parameters in the file: `float32`, or one of two bytes, which halves the file. They become `float32`
  ///     again when they are read.
  ///   - includesPreprocessing: whether the graph begins with the normalization of pictures. Its input is then `uint8`, pixels
  ///     from 0 to 255 of the input's extents, red first, whatever the network's order of channels is.
  /// - Throws: ``ONNXError`` where an operation has no form in ONNX, such as one from outside the package, where nothing is said
  ///   of how pictures are prepared and that was to be included, or the file would be larger than 2 GB; ``FileError`` where it
  ///   cannot be written.
  public func writeONNX(
    to path: String, as elementType: ElementType = .float32, includesPreprocessing: Bool = false
  ) throws {
    if includesPreprocessing, preprocessing == nil {
      throw ONNXError(file: path, problem: .noPreprocessing)
    }
    var inference = graph
    inference.outputs.removeAll { $0.auxiliaryWeight != nil }
    inference.removeUnused()
    var exporter = ONNXExporter(
      inference, parameters: parameters, elementType: elementType,
      preprocessing: includesPreprocessing ? preprocessing : nil)
    try ONNXFile.problems(in: path) { try exporter.export() }
    var file = ONNXModel(graph: exporter.result)
    file.formatVersion = ONNXExporter.formatVersion
    file.operatorSets = [.init(domain: "", version: ONNXExporter.operatorSet)]
    (file.producer, file.producerVersion) = ("ConvNet", packageVersion)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if !classNames.isEmpty {
      let names = String(decoding: try encoder.encode(classNames), as: UTF8.self)
      file.metadata.append(.init(key: ONNXModel.classNamesKey, value: names))
    }
    if let preprocessing {
      let rest = includesPreprocessing ? preprocessing.withoutNumbers : preprocessing
      let text = String(decoding: try encoder.encode(rest), as: UTF8.self)
      file.metadata.append(.init(key: ONNXModel.preprocessingKey, value: text))
    }
    try file.write(to: path)
  }
}

extension Graph {
  /// Leaves out operations that no output depends on; parameters that none reads are not written.
  fileprivate mutating func removeUnused() {
    var needed = Set(outputs.map(\.value))
    var kept: [ConvNetGraphs.Operation] = []
    for operation in operations.reversed() where operation.outputs.contains(where: needed.contains)
    {
      needed.formUnion(operation.inputs)
      kept.append(operation)
    }
    operations = kept.reversed()
  }
}
