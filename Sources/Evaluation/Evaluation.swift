public import ConvNetDatasets
public import ConvNetEngine
import ConvNetGraphs
import ConvNetImages
public import ConvNetLayers
import ConvNetInference

/// The accuracy of a model on a data set, with the protocol that it was measured by.
public struct Evaluation: Sendable {
  /// Loss and accuracy over all samples that could be read.
  public let metrics: ClassificationMetrics
  /// What the rows and columns of ``confusion`` are, in order.
  public let classNames: [String]
  /// Counts: `confusion[label][predicted]`, of samples whose scores are finite.
  public let confusion: ConfusionMatrix
  /// How every picture was prepared and how many views of it were scored.
  public let protocolDescription: String

  /// Scores every sample once; one that cannot be read ends it, or is left out, told and counted as such, as
  /// `loading` says.
  ///
  /// The data's classes are found by name among the model's; it need not have all of them.
  ///
  /// - Throws: ``EvaluationError`` where the data has a class that the model has not.
  public init(
    of model: Model, on dataset: any Dataset, batchSize: Int = 256,
    compute: ComputeOptions = .init(), loading: LoadingOptions = LoadingOptions(),
    progress: (Int) -> Void = { _ in },
    sampleSkipped: (SkippedSample) throws -> Void = { _ in }
  ) throws {
    try model.requireClasses()
    let names = model.classNames.isEmpty ? dataset.classNames : model.classNames
    let dataset = try model.numbering(dataset, as: names, isComplete: false)
    var confusion = ConfusionMatrix(classCount: model.classCount)
    metrics = try ClassificationMetrics(
      of: model, on: dataset, batchSize: batchSize, compute: compute, loading: loading,
      progress: progress, sampleSkipped: sampleSkipped
    ) { _, label, scores in
      let rank = ScoreRank(of: label, in: scores)
      if rank.isFinite { confusion.add(label: label, predicted: rank.predicted) }
    }
    self.confusion = confusion
    classNames = dataset.classNames
    protocolDescription = "\(try model.requiredPreprocessing()), one view"
  }

  /// The pairs of classes that are most often taken for each other.
  public struct Confusion: Hashable, Sendable {
    /// The class that the data says.
    public var label: String
    /// The class that the model says.
    public var predicted: String
    /// Samples of `label` that were taken for `predicted`.
    public var count: Int
    /// Of all samples of `label`, 0 to 1.
    public var share: Double
  }

  /// The pairs of classes that are taken for each other most often, those of most samples first.
  public func worstConfusions(limit: Int) -> [Confusion] {
    Self.worst(of: confusion, classNames, limit: limit)
  }

  /// The same of any counts; of pairs that are as frequent those of the first classes first.
  static func worst(
    of confusion: ConfusionMatrix, _ names: [String], limit: Int
  ) -> [Confusion] {
    let pairs = confusion.pairs
    let totals = pairs.reduce(into: [:]) { $0[$1.label, default: 0] += $1.count }
    let mistakes = pairs.filter { $0.label != $0.predicted }.enumerated()
      .sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
    return mistakes.prefix(limit).map { _, pair in
      Confusion(
        label: names[pair.label], predicted: names[pair.predicted], count: pair.count,
        share: Double(pair.count) / Double(totals[pair.label] ?? pair.count))
    }
  }
}
