import ConvNetEngine
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTensors

/// How a model's executables are used: what they are given and what is read from them.
struct Inference: Sendable {
  let classNames: [String]
  private let targetKind: TargetKind
  private let targetScaling: TargetScaling?
  let preprocessing: Preprocessing?
  /// Pictures of a run.
  let batch: Int
  /// Names of values inside that a prediction has.
  let outputs: [String]
  private let model: String
  private let input: String
  /// Of one example, in the model's data format.
  private let inputShape: Shape
  private let dataFormat: DataFormat
  private let mainOutput: String

  /// - Throws: ``InferenceError`` where a value inside does not exist or is not one of each picture, or pictures are prepared for
  ///   another input, or the batch is below one.
  init(of model: Model, batch: Int, outputs: [String]) throws {
    guard batch > 0 else { throw InferenceError.belowOne(name: "batch", actual: batch) }
    if model.preprocessing != nil { _ = try model.requiredPreprocessing() }
    if !outputs.isEmpty { try Self.requireOfPictures(outputs, of: model, batch: batch) }
    classNames = model.classNames
    targetKind = model.targetKind
    targetScaling = model.targetScaling
    preprocessing = model.preprocessing
    self.batch = batch
    self.outputs = outputs
    self.model = model.graph.name
    input = model.inputName
    dataFormat = model.dataFormat
    inputShape = Shape(Array(dataFormat.ordered([1] + model.inputExtents).dropFirst()))
    mainOutput = model.mainOutput?.name ?? ""
  }

  /// Values that have the batch axis are one larger in a larger batch.
  private static func requireOfPictures(
    _ outputs: [String], of model: Model, batch: Int
  ) throws {
    let larger = try model.graph(batch: batch + 1, outputs: outputs)
    for output in larger.outputs where outputs.contains(output.name) {
      let shape = larger[output.value].shape
      guard shape.dimensions.first == batch + 1 else {
        throw InferenceError.notOfPictures(name: output.name, shape: shape)
      }
    }
  }

  /// Runs pictures, as many as a batch has at most. What else the batch has room for keeps what it was.
  func predict(
    _ inputs: ArraySlice<PredictionInput>, with executable: inout Executable
  ) throws -> [Prediction] {
    for (row, index) in inputs.indices.enumerated() {
      try write(inputs[index], number: inputs.count == 1 ? nil : index, row, to: &executable)
    }
    try executable.run()
    return try (0..<inputs.count).map { row in
      var values: [String: Tensor] = [:]
      for name in outputs {
        let shape = Shape(Array((executable.outputShape(name)?.dimensions ?? [0]).dropFirst()))
        values[name] = try executable.withOutput(name) { elements in
          Tensor(shape: shape) { target in
            for index in target.indices { target[index] = elements[row * target.count + index] }
          }
        }
      }
      let classification = try executable.withOutput(mainOutput) { scores in
        let classes = scores.count / batch
        return Classification(
          logits: scores.extracting(row * classes..<(row + 1) * classes), classNames: classNames,
          targetKind: targetKind, scaling: targetScaling)
      }
      return Prediction(classification: classification, values: values)
    }
  }

  private func write(
    _ given: PredictionInput, number: Int?, _ row: Int, to executable: inout Executable
  ) throws {
    switch given {
    case .image(let image):
      guard let preprocessing else { throw InferenceError.noPreprocessing(model: model) }
      try executable.withInput(input, of: Float.self) {
        preprocessing.prepare(image, into: &$0, at: row * inputShape.count)
      }
    case .encoded(let bytes):
      let image = try Image(decoding: bytes.span.bytes, file: number.map { "picture \($0)" })
      try write(.image(image), number: number, row, to: &executable)
    case .tensor(let tensor):
      guard tensor.elementType == .float32 else {
        throw InferenceError.inputType(model: model, actual: tensor.elementType)
      }
      let shape = tensor.shape.dimensions
      guard shape == inputShape.dimensions || shape == [1] + inputShape.dimensions else {
        throw InferenceError.inputShape(
          model: model, expected: inputShape, actual: tensor.shape, order: dataFormat)
      }
      try executable.withInput(input, of: Float.self) { target in
        target.withUnsafeMutableBytes { bytes in
          let size = tensor.byteCount
          let place = bytes[row * size..<(row + 1) * size]
          tensor.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(rebasing: place).copyMemory(from: $0)
          }
        }
      }
    }
  }
}
