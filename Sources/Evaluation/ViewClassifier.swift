public import ConvNetEngine
import ConvNetGraphs
public import ConvNetImages
public import ConvNetInference
public import ConvNetLayers

/// A model that classifies single pictures by a protocol: it is shown several views of each, and its answers are averaged.
/// Compiled once; belongs to one thread at a time.
public final class ViewClassifier {
  /// The protocol.
  public let views: Views
  private let preprocessing: Preprocessing
  private let classNames: [String]
  private let model: MeasuredModel
  private var preparation = ViewPreparation()

  /// Compiles the network.
  ///
  /// - Parameter batchSize: views that are computed at once, at most.
  /// - Throws: ``EvaluationError`` where the model tells something else than classes; ``InferenceError`` where it does not say
  ///   how pictures are prepared; ``ViewsError`` where the protocol does not fit the network; what compiling throws.
  public init(
    _ model: Model, views: Views, batchSize: Int = 10, compute: ComputeOptions = .init()
  ) throws {
    try model.requireClasses()
    try views.validate()
    guard batchSize > 0 else {
      throw InferenceError.belowOne(name: "batchSize", actual: batchSize)
    }
    preprocessing = try model.requiredPreprocessing()
    if views.needsWholePictures, preprocessing.meanPicture != nil {
      throw ViewsError.meanPicture(model: model.graph.name)
    }
    self.views = views
    classNames = model.classNames
    self.model = try MeasuredModel(
      .init(model.graph.name, model, views: [views]), names: model.classNames,
      of: model.classCount, leader: model.graph.name,
      batchSize: min(batchSize, max(1, views.count)), compute: compute)
  }

  /// The classes of one picture.
  ///
  /// - Throws: ``ViewsError`` where a view does not fit the picture.
  public func classify(_ picture: Image) throws -> Classification {
    let prepared = try preparation.prepare(picture, preprocessing, views)
    let answers = try model.answers(
      [prepared], average: views.average, batch: model.batch, labels: [0])
    return Classification(
      probabilities: answers.first?.probabilities ?? [], classNames: classNames)
  }
}
