public import ConvNetDatasets
public import ConvNetEngine
import ConvNetGraphs
package import ConvNetImages
import ConvNetInference
public import ConvNetLayers
import ConvNetTensors
import Foundation

/// What a model makes of the labels or numbers of a data set.
///
/// ```swift
/// let evaluation = try TargetEvaluation(of: model, on: pictures)
/// for figure in evaluation.targets.figures { print(figure) }
/// ```
public struct TargetEvaluation: Sendable {
  /// What was found of one sample.
  public struct Answer: Sendable {
    /// In the data set.
    public var index: Int
    /// One a label or number, in the order of ``TargetEvaluation/names``: of labels 1 or 0, of numbers in the unit of the data.
    public var truth: [Float]
    /// Probabilities of labels, or numbers in the unit of the data; not numbers where there is no answer.
    public var answers: [Float]
  }

  /// Samples, those without an answer, and the loss: of labels the mean binary cross-entropy in nats, of numbers the mean squared
  /// error of outputs to standardized numbers.
  public let metrics: ClassificationMetrics
  /// How well labels or numbers are told.
  public let targets: TargetMetrics
  /// Of the labels or numbers, in order.
  public let names: [String]
  /// How every picture was prepared.
  public let protocolDescription: String

  /// Shows the model every sample once; one that cannot be read ends it, or is left out, told and counted, as `loading` says.
  ///
  /// Labels and numbers are found by name. Labels that the data does not have are in no picture; of numbers every one must be
  /// there.
  ///
  /// - Parameters:
  ///   - threshold: the least probability of a label that is said to be there.
  ///   - observe: given every sample's answer, in order.
  /// - Throws: ``EvaluationError`` where data and model are told by something else, or by other labels or numbers; what reading
  ///   and computing throws.
  public init(
    of model: Model, on dataset: any Dataset, threshold: Float = 0.5, batchSize: Int = 256,
    compute: ComputeOptions = .init(), loading: LoadingOptions = LoadingOptions(),
    progress: (Int) throws -> Void = { _ in },
    sampleSkipped: (SkippedSample) throws -> Void = { _ in },
    observe: (Answer) throws -> Void = { _ in }
  ) throws {
    guard model.targetKind != .classes else { throw EvaluationError.classesAlone }
    names = model.classNames.isEmpty ? dataset.classNames : model.classNames
    let preprocessing = try model.requiredPreprocessing()
    protocolDescription = "\(preprocessing), one view"
    let result = try Self.measure(
      model, on: model.numbering(dataset, as: names, isComplete: false), prepared: preprocessing,
      threshold: threshold, batchSize: batchSize, loading: loading,
      compile: { try model.executable(batch: $0, compute: compute) },
      write: { try $1.write($0, to: model.inputName) }, progress: progress,
      sampleSkipped: sampleSkipped, observe: observe)
    metrics = result.metrics
    targets = result.targets
  }

  /// Measures what some executables make of every sample.
  ///
  /// - Parameter dataset: its labels or numbers are the model's, numbers scaled.
  package static func measure(
    _ model: Model, on dataset: any Dataset, prepared preprocessing: Preprocessing,
    threshold: Float = 0.5, batchSize: Int = 256, loading: LoadingOptions,
    compile: (_ batch: Int) throws -> Executable,
    write: (_ batch: Batch, _ executable: inout Executable) throws -> Void,
    progress: (Int) throws -> Void, sampleSkipped: (SkippedSample) throws -> Void,
    observe: (Answer) throws -> Void = { _ in }
  ) throws -> (metrics: ClassificationMetrics, targets: TargetMetrics) {
    var metrics = ClassificationMetrics()
    var measured = TargetSums(model, threshold: threshold, keepsRanks: true)
    metrics.skippedCount = try ConvNetEvaluation.measure(
      on: dataset, prepared: preprocessing, output: model.mainOutput?.name ?? "",
      batchSize: batchSize, loading: loading, compile: compile, write: write,
      sampleSkipped: sampleSkipped
    ) { batch, outputs, _ in
      let indices = batch.sampleIndices
      try batch.withTargets { targets in
        let outcome = try measured.add(outputs: outputs, targets: targets) { row, truth, answers in
          try observe(Answer(index: indices[row], truth: truth, answers: answers))
        }
        metrics.add(
          samples: batch.count, nonFinite: outcome.nonFinite, meanLoss: outcome.meanLoss)
      }
      try progress(metrics.samples)
    }
    return (metrics, measured.metrics)
  }
}

/// Labels or numbers of many samples, as a network tells them.
package struct TargetSums: Sendable {
  private var known: TargetMetrics
  private let scaling: TargetScaling?
  private let count: Int
  /// By label, where ranks are kept.
  private var ranks: [(scores: [Float], isPositive: [Bool])]

  /// - Parameters:
  ///   - model: of labels or numbers.
  ///   - keepsRanks: whether the probabilities of all samples are kept, of which average precision is made.
  package init(_ model: Model, threshold: Float = 0.5, keepsRanks: Bool) {
    count = model.classCount
    scaling = model.targetScaling
    known =
      model.targetKind == .numbers
      ? .numbers(NumberMetrics(count: count))
      : .labels(LabelMetrics(count: count, threshold: threshold))
    ranks =
      keepsRanks && model.targetKind == .labels
      ? [(scores: [Float], isPositive: [Bool])](repeating: ([], []), count: count) : []
  }

  /// Of those that are told already, and without ranks.
  package init(_ model: Model, continuing metrics: TargetMetrics?) {
    self.init(model, keepsRanks: false)
    if let metrics { known = metrics }
  }

  /// Adds a batch of a training.
  ///
  /// - Parameters:
  ///   - scores: as the objective made them, [batch, count]: probabilities, or standardized numbers.
  ///   - targets: of the same shape, numbers standardized.
  package mutating func add(scores: Span<Float>, targets: Span<Float>) {
    for start in stride(from: 0, to: targets.count, by: max(1, count)) {
      let own = (0..<count).map { scores[start + $0] }
      let given = (0..<count).map { targets[start + $0] }
      guard own.allSatisfy(\.isFinite) else { continue }
      switch known {
      case .labels(var metrics):
        metrics.add(probabilities: own.span, targets: given.span)
        known = .labels(metrics)
      case .numbers(var metrics):
        let (predictions, truth) = (restored(own), restored(given))
        metrics.add(predictions: predictions.span, targets: truth.span)
        known = .numbers(metrics)
      }
    }
  }

  private func restored(_ values: [Float]) -> [Float] {
    guard let scaling else { return values }
    return values.indices.map { scaling.restored(values[$0], at: $0) }
  }

  /// Adds a batch.
  ///
  /// - Parameters:
  ///   - outputs: of the network, [batch, count]: logits, or standardized numbers.
  ///   - targets: of the same shape, numbers standardized.
  ///   - observe: given the place in the batch, the truth and the answers of every sample.
  /// - Returns: samples with an output that is not finite, which count nowhere else, and the mean loss of the others.
  package mutating func add(
    outputs: Span<Float>, targets: Span<Float>,
    observe: (_ row: Int, _ truth: [Float], _ answers: [Float]) throws -> Void = { _, _, _ in }
  ) rethrows -> (nonFinite: Int, meanLoss: Double) {
    var (nonFinite, loss, rows) = (0, 0.0, 0)
    for start in stride(from: 0, to: targets.count, by: max(1, count)) {
      defer { rows += 1 }
      let own = (0..<count).map { outputs[start + $0] }
      let given = (0..<count).map { targets[start + $0] }
      let truth = restored(given)
      guard own.allSatisfy(\.isFinite) else {
        nonFinite += 1
        try observe(rows, truth, [Float](repeating: .nan, count: count))
        continue
      }
      let answers: [Float]
      switch known {
      case .labels(var metrics):
        let probabilities = own.map { Float(1 / (1 + exp(-Double($0)))) }
        for label in 0..<count {
          let (x, target) = (Double(own[label]), Double(given[label]))
          loss += max(x, 0) - x * target + log1p(exp(-abs(x)))
        }
        metrics.add(probabilities: probabilities.span, targets: given.span)
        known = .labels(metrics)
        answers = probabilities
        for label in ranks.indices {
          // Logits keep an order where probabilities are equal by rounding.
          ranks[label].scores.append(own[label])
          ranks[label].isPositive.append(given[label] > 0.5)
        }
      case .numbers(var metrics):
        let numbers = restored(own)
        for place in 0..<count {
          let difference = Double(own[place]) - Double(given[place])
          loss += difference * difference
        }
        metrics.add(predictions: numbers.span, targets: truth.span)
        known = .numbers(metrics)
        answers = numbers
      }
      try observe(rows, truth, answers)
    }
    let answered = rows - nonFinite
    return (nonFinite, loss / Double(max(1, answered * count)))
  }

  /// What is known of them so far.
  package var metrics: TargetMetrics {
    guard !ranks.isEmpty, case .labels(var metrics) = known else { return known }
    metrics.averagePrecisions = ranks.map {
      LabelMetrics.averagePrecision(of: $0.scores, $0.isPositive)
    }
    return .labels(metrics)
  }
}
