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
  /// - Parameter elementType: of the parameters in the file: `float32`, or one of two bytes, which halves the file. They become
  ///   `float32` again when they are read.
  /// - Throws: ``ONNXExportError`` where an operation has no form in ONNX, such as one from outside the package, or the file
  ///   would be larger than 2 GB; ``FileError`` where it cannot be written.
  public func writeONNX(to path: String, as elementType: ElementType = .float32) throws {
    var inference = graph
    inference.outputs.removeAll { $0.auxiliaryWeight != nil }
    inference.removeUnused()
    var exporter = ONNXExporter(inference, parameters: parameters, elementType: elementType)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var metadata: [(key: String, value: String)] = []
    if !classNames.isEmpty {
      let names = String(decoding: try encoder.encode(classNames), as: UTF8.self)
      metadata.append(("convnet.classNames", names))
    }
    if let preprocessing {
      let text = String(decoding: try encoder.encode(preprocessing), as: UTF8.self)
      metadata.append(("convnet.preprocessing", text))
    }
    do {
      try exporter.export()
      try exporter.result.write(
        to: path, operatorSet: ONNXExporter.operatorSet, metadata: metadata)
    } catch let problem as ONNXExportError.Problem {
      throw ONNXExportError(path: path, problem: problem)
    }
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
