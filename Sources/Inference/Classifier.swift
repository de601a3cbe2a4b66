public import ConvNetEngine
import ConvNetFormats
public import ConvNetGraphs
public import ConvNetImages
public import ConvNetLayers

/// A model ready to classify pictures, prepared as the model says. Belongs to one thread at a time: it runs where it is called,
/// by the shortest way; a ``Predictor`` serves several.
public final class Classifier {
  /// What the classes are called, in the order of the network's outputs.
  public var classNames: [String] { inference.classNames }
  /// How pictures are prepared.
  public let preprocessing: Preprocessing
  /// Pictures that one run computes; fewer may be given.
  public var batch: Int { inference.batch }
  // Of the model nothing else is kept: its parameters may lie packed in the executable.
  private let inference: Inference
  private var executable: Executable

  /// Reads a model file and compiles it.
  ///
  /// - Parameters:
  ///   - batch: pictures that ``classify(_:)-([Image])`` runs at once.
  ///   - operations: from outside the package, that the network may be made of.
  public convenience init(
    loading path: String, batch: Int = 1, compute: ComputeOptions = .init(),
    operations: [any OperationAttributes.Type] = []
  ) throws {
    try self.init(Model(loading: path, operations: operations), batch: batch, compute: compute)
  }

  /// - Throws: ``InferenceError`` where the model does not say how pictures are prepared for its network, or `batch` is below
  ///   one; ``GraphError`` and ``EngineError`` where the network cannot be compiled.
  public init(_ model: Model, batch: Int = 1, compute: ComputeOptions = .init()) throws {
    preprocessing = try model.requiredPreprocessing()
    inference = try Inference(of: model, batch: batch, outputs: [])
    executable = try model.executable(batch: batch, compute: compute)
  }

  /// Classifies one picture.
  public func classify(_ image: Image) throws -> Classification {
    try classify([image])[0]
  }

  /// Classifies pictures, ``batch`` at a time.
  public func classify(_ images: [Image]) throws -> [Classification] {
    let inputs = images.map(PredictionInput.image)
    return try stride(from: 0, to: inputs.count, by: batch).flatMap { start in
      try inference.predict(inputs[start..<min(start + batch, inputs.count)], with: &executable)
        .map(\.classification)
    }
  }
}
