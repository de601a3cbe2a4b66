import ConvNetCompiler
public import ConvNetDatasets
public import ConvNetEngine
public import ConvNetFiles
import ConvNetGraphs
public import ConvNetImages
import ConvNetInference
public import ConvNetLayers
import ConvNetTensors

/// What became of a model's batch normalization when its statistics were estimated over the data that it was trained on, instead
/// of the moving averages of its training.
public struct BatchNormalizationCalibration: Hashable, Sendable, Codable {
  /// How far the statistics of one normalization moved.
  public struct Layer: Hashable, Sendable, Codable {
    /// Its path in the network: `layer1.0.bn1`.
    public var name: String
    /// The largest change of a mean, in deviations that it had.
    public var meanShift: Double
    /// The largest factor by which a variance grew or shrank, at least 1.
    public var varianceFactor: Double
  }

  /// Batches that were taken.
  public var batches: Int
  /// Pictures of each.
  public var batchSize: Int
  /// In the order of the network.
  public var layers: [Layer]

  /// Pictures that were taken.
  public var pictures: Int { batches * batchSize }
}

extension Model {
  /// Estimates the statistics of batch normalization anew, over training data: the means over its batches of their means and
  /// variances (S. Ioffe and C. Szegedy, "Batch Normalization", 2015, algorithm 2, lines 8 to 12). Weights stay as they are, and
  /// each layer is given what the layers before it make of a batch by the batch's own statistics, as in training.
  ///
  /// Pictures come shuffled, since the variance within batches of one class is not that of the data; a last batch that is smaller
  /// is left out. One forward pass of training for each picture.
  ///
  /// - Parameters:
  ///   - dataset: that the model was trained on.
  ///   - batchSize: at least 2, best that of the training, whose batches the weights are used to.
  ///   - batches: at most; `nil` for all.
  ///   - augmentation: of the pictures; what the training had gives the statistics that it saw, none those of plain pictures.
  ///   - progress: told the number of pictures so far.
  /// - Throws: ``CalibrationError`` where the network has no batch normalization, there are fewer pictures than a batch has, or
  ///   statistics are not finite; what reading and computing throws. The model is then as it was.
  public mutating func calibrateBatchNormalization(
    on dataset: any Dataset, batchSize: Int = 64, batches: Int? = nil,
    augmentation: Augmentation = .none, seed: UInt64 = 0, compute: ComputeOptions = .init(),
    loading: LoadingOptions = LoadingOptions(), progress: (Int) throws -> Void = { _ in }
  ) throws -> BatchNormalizationCalibration {
    guard batchSize > 1, batches.map({ $0 > 0 }) ?? true else {
      throw CalibrationError.batches(batchSize, batches)
    }
    guard graph.hasRunningStatistics else {
      throw CalibrationError.noNormalization(model: graph.name)
    }
    guard dataset.count >= batchSize else {
      throw CalibrationError.tooFew(data: dataset.name, count: dataset.count, batchSize: batchSize)
    }
    let preprocessing = try requiredPreprocessing()
    let loader = try BatchLoader(
      dataset, batchSize: batchSize, preprocessing: preprocessing,
      augmentation: augmentation.resolved(
        on: dataset, preprocessing: preprocessing, options: loading, threads: compute.threads),
      shuffleSeed: seed, options: loading)
    loader.start(epoch: 0)
    var calibrated = self
    var step: StatisticsStep?
    guard
      let taken = try BatchStatistics.estimate(
        for: &calibrated, batches: batches ?? .max, seed: seed,
        options: CompilationOptions(mode: .training, inputFormat: dataFormat, compute: compute),
        using: &step, tell: { try progress($0 * batchSize) }, next: { try loader.next() })
    else { throw CalibrationError.noNormalization(model: graph.name) }
    let normalizations = graph.normalizations
    let broken = normalizations.first { normalization in
      [normalization.mean, normalization.variance].contains {
        calibrated.parameters[$0]?.nonFiniteCount ?? 0 > 0
      }
    }
    if let broken {
      throw CalibrationError.nonFinite(model: graph.name, normalization: broken.name)
    }
    let layers = normalizations.map { name, mean, variance in
      BatchNormalizationCalibration.Layer(
        name: name, old: parameters, new: calibrated.parameters, mean: mean, variance: variance)
    }
    calibrated.averageAges = [:]
    self = calibrated
    return BatchNormalizationCalibration(
      batches: taken.batches, batchSize: taken.size, layers: layers)
  }
}

extension BatchNormalizationCalibration.Layer {
  fileprivate init(
    name: String, old: [String: Tensor], new: [String: Tensor], mean: String, variance: String
  ) {
    func numbers(_ tensors: [String: Tensor], _ name: String) -> [Double] {
      tensors[name]?.elements.map(Double.init) ?? []
    }
    let (before, after) = (numbers(old, variance), numbers(new, variance))
    self.name = name
    meanShift =
      zip(zip(numbers(old, mean), numbers(new, mean)), before).map { means, variance in
        abs(means.1 - means.0) / max(variance, 1e-12).squareRoot()
      }.max() ?? 0
    varianceFactor =
      zip(before, after).map { max($0, 1e-12) / max($1, 1e-12) }
      .map { max($0, 1 / $0) }.max() ?? 1
  }
}

extension Graph {
  /// The normalizations with statistics that follow the batches: path, running mean, running variance.
  fileprivate var normalizations: [(name: String, mean: String, variance: String)] {
    operations.compactMap { operation in
      guard operation.attributes is ConvNetGraphs.Operation.BatchNormalization else { return nil }
      let (mean, variance) = (self[operation.inputs[3]], self[operation.inputs[4]])
      guard mean.parameterKind != nil, variance.parameterKind != nil else { return nil }
      let path = variance.name.split(separator: ".").dropLast().joined(separator: ".")
      return (path.isEmpty ? variance.name : path, mean.name, variance.name)
    }
  }
}

/// Why the statistics of batch normalization cannot be estimated.
public enum CalibrationError: Error, Hashable, Sendable {
  /// The network has none that follow batches.
  case noNormalization(model: String)
  /// A batch of one picture has no variance; no batch has none.
  case batches(Int, Int?)
  /// There are fewer pictures than a batch has.
  case tooFew(data: String, count: Int, batchSize: Int)
  /// What the layers before a normalization, the first of the network where it is so, make of the pictures has no finite mean or
  /// variance.
  case nonFinite(model: String, normalization: String)
}

extension CalibrationError: ReadableError {
  public var description: String {
    switch self {
    case .noNormalization(let model):
      "\(model) has no batch normalization whose statistics could be estimated"
    case .batches(let size, let count):
      "statistics over \(count.map { "\($0) batches" } ?? "batches") of \(size) are none; take batches of at least 2 pictures, and at least one"
    case .tooFew(let data, let count, let batchSize):
      "\(data) has \(plural(count, "picture")), fewer than a batch of \(batchSize); take a smaller batch"
    case .nonFinite(let model, let normalization):
      "the statistics of \(normalization) in \(model) are not finite; look at the weights before it, of which one may be very large"
    }
  }
}
