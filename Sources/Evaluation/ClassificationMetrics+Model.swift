public import ConvNetDatasets
public import ConvNetEngine
import ConvNetGraphs
package import ConvNetImages
import ConvNetInference
public import ConvNetLayers
import ConvNetTensors
import Foundation

extension ClassificationMetrics {
  /// Measures a model on every sample of a data set: the whole picture once, prepared as the model
  /// says.
  ///
  /// - Parameters:
  ///   - loading: how samples are read; one that is skipped is left out, and counted as such.
  ///   - progress: told the number of samples so far.
  ///   - sampleSkipped: told of each sample that cannot be read and is left out.
  ///   - observe: given each sample, by its place in the data set, its class, and its scores.
  /// - Throws: ``EvaluationError`` where every sample was left out; what reading and computing throws.
  public init(
    of model: Model, on dataset: any Dataset, batchSize: Int = 256,
    compute: ComputeOptions = .init(), loading: LoadingOptions = LoadingOptions(),
    progress: (Int) throws -> Void = { _ in },
    sampleSkipped: (SkippedSample) throws -> Void = { _ in },
    observe: (_ sample: Int, _ label: Int, _ scores: Span<Float>) -> Void = { _, _, _ in }
  ) throws {
    guard let output = model.mainOutput?.name else {
      self.init()
      return
    }
    try self.init(
      on: dataset, prepared: model.requiredPreprocessing(), output: output, batchSize: batchSize,
      loading: loading,
      compile: { try model.executable(batch: $0, compute: compute) },
      write: { try $1.write($0, to: model.inputName) },
      progress: progress, sampleSkipped: sampleSkipped, observe: observe)
  }

  /// Measures what some executables make of every sample.
  ///
  /// - Parameters:
  ///   - output: the logits.
  ///   - compile: for a batch size.
  ///   - write: a batch into an executable.
  package init(
    on dataset: any Dataset, prepared preprocessing: Preprocessing, output: String,
    batchSize: Int = 256, loading: LoadingOptions,
    compile: (_ batch: Int) throws -> Executable,
    write: (_ batch: Batch, _ executable: inout Executable) throws -> Void,
    progress: (Int) throws -> Void = { _ in },
    sampleSkipped: (SkippedSample) throws -> Void = { _ in },
    observe: (_ sample: Int, _ label: Int, _ scores: Span<Float>) -> Void = { _, _, _ in }
  ) throws {
    self.init()
    var metrics = self
    let skippedAtEnd = try measure(
      on: dataset, prepared: preprocessing, output: output, batchSize: batchSize, loading: loading,
      compile: compile, write: write, sampleSkipped: sampleSkipped
    ) { batch, scores, skipped in
      batch.withLabels { labels in
        let loss = crossEntropy(scores: scores, labels: labels)
        metrics.add(scores: scores, labels: labels, meanLoss: loss)
        let classes = scores.count / labels.count
        let samples = batch.sampleIndices
        for row in labels.indices {
          observe(
            samples[row], Int(labels[row]), scores.extracting(row * classes..<(row + 1) * classes))
        }
      }
      metrics.skippedCount = skipped
      try progress(metrics.samples)
    }
    metrics.skippedCount = skippedAtEnd
    self = metrics
  }
}

/// Runs executables over every sample of a data set.
///
/// - Parameters:
///   - output: the network's own.
///   - compile: for a batch size.
///   - write: a batch into an executable.
///   - sampleSkipped: told of each sample that cannot be read and is left out.
///   - body: given each batch, what the network makes of it, and how many samples were left out so far.
/// - Returns: how many were left out.
/// - Throws: ``EvaluationError`` where every sample was left out; what reading and computing throws.
@discardableResult
func measure(
  on dataset: any Dataset, prepared preprocessing: Preprocessing, output: String, batchSize: Int,
  loading: LoadingOptions, compile: (_ batch: Int) throws -> Executable,
  write: (_ batch: Batch, _ executable: inout Executable) throws -> Void,
  sampleSkipped: (SkippedSample) throws -> Void,
  body: (_ batch: Batch, _ outputs: Span<Float>, _ skipped: Int) throws -> Void
) throws -> Int {
  var loading = loading
  if loading.badSamples == .replace { loading.badSamples = .leaveOut }
  let loader = try BatchLoader(
    dataset, batchSize: batchSize, preprocessing: preprocessing, options: loading)
  loader.start(epoch: 0)
  var steps: [Int: BatchExecutable] = [:]
  var lastReason = ""
  var (samples, skipped) = (0, 0)
  func tellSkipped() throws {
    for sample in loader.takeSkipped() {
      skipped += 1
      lastReason = sample.reason
      try sampleSkipped(sample)
    }
  }
  while let batch = try loader.next() {
    let step =
      try steps[batch.count]
      ?? BatchExecutable(compile(batch.count))
    steps[batch.count] = step
    try write(batch, &step.executable)
    try step.executable.run()
    samples += batch.count
    try tellSkipped()
    try step.executable.withOutput(output) { try body(batch, $0, skipped) }
  }
  try tellSkipped()
  if samples == 0, skipped > 0 {
    throw EvaluationError.nothingReadable(data: dataset.name, count: skipped, reason: lastReason)
  }
  return skipped
}

/// The mean of -log softmax(scores)[label] over those of the batch whose scores are finite, in double precision.
private func crossEntropy(scores: Span<Float>, labels: Span<Int32>) -> Double {
  let classes = scores.count / max(1, labels.count)
  var sum = 0.0
  var count = 0
  for row in labels.indices {
    let own = scores.extracting(row * classes..<(row + 1) * classes)
    guard let normalizer = own.logarithmOfSum else { continue }
    count += 1
    sum += normalizer - Double(own[Int(labels[row])])
  }
  return sum / Double(max(1, count))
}

extension Span<Float> {
  /// log sum exp of scores, in double precision; `nil` where one is not finite.
  fileprivate var logarithmOfSum: Double? {
    var largest = -Double.infinity
    for index in indices {
      guard self[index].isFinite else { return nil }
      largest = Swift.max(largest, Double(self[index]))
    }
    var total = 0.0
    for index in indices { total += exp(Double(self[index]) - largest) }
    return log(total) + largest
  }
}

extension Assessment {
  /// Counts a picture by the logits of a network.
  package mutating func add(sample: Int, label: Int, logits: Span<Float>) {
    guard let normalizer = logits.logarithmOfSum else {
      return add(
        sample: sample, label: label,
        probabilities: [Double](repeating: .nan, count: logits.count), loss: .nan)
    }
    add(
      sample: sample, label: label,
      probabilities: logits.indices.map { exp(Double(logits[$0]) - normalizer) },
      loss: normalizer - Double(logits[label]))
  }
}
