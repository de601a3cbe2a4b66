public import ConvNetDatasets
public import ConvNetEngine
import ConvNetGraphs
public import ConvNetLayers
import ConvNetTensors
import Foundation

extension ClassificationMetrics {
  /// Measures a model on every sample of a data set: the whole picture once, prepared as the model
  /// says.
  ///
  /// - Parameters:
  ///   - loading: how samples are read; one that is skipped is left out and not counted.
  ///   - progress: told the number of samples so far.
  ///   - observe: given the class with the highest score and the true class of each sample.
  public init(
    of model: Model, on dataset: any Dataset, batchSize: Int = 256,
    compute: ComputeOptions = .init(), loading: LoadingOptions = LoadingOptions(),
    progress: (Int) throws -> Void = { _ in },
    observe: (_ predicted: Int, _ label: Int) -> Void = { _, _ in }
  ) throws {
    self.init()
    var loading = loading
    if loading.badSamples == .replace { loading.badSamples = .leaveOut }
    let loader = try BatchLoader(
      dataset, batchSize: batchSize, preprocessing: model.requiredPreprocessing(),
      options: loading)
    loader.start(epoch: 0)
    var steps: [Int: TrainingStep] = [:]
    guard let output = model.mainOutput?.name else { return }
    while let batch = try loader.next() {
      let step =
        try steps[batch.count]
        ?? TrainingStep(
          model.executable(batch: batch.count, compute: compute))
      steps[batch.count] = step
      try step.load(batch, input: model.inputName)
      try step.executable.run()
      try step.executable.withOutput(output) { scores in
        batch.withLabels { labels in
          let loss = crossEntropy(scores: scores, labels: labels)
          add(scores: scores, labels: labels, meanLoss: loss)
          let classes = scores.count / labels.count
          for row in labels.indices {
            var best = 0
            for column in 0..<classes
            where scores[row * classes + column] > scores[row * classes + best] {
              best = column
            }
            observe(best, Int(labels[row]))
          }
        }
      }
      try progress(samples)
    }
  }
}

/// The mean over the batch of -log softmax(scores)[label], in double precision.
private func crossEntropy(scores: Span<Float>, labels: Span<Int32>) -> Double {
  let classes = scores.count / max(1, labels.count)
  var sum = 0.0
  for row in labels.indices {
    var largest = -Double.infinity
    for column in 0..<classes { largest = max(largest, Double(scores[row * classes + column])) }
    var total = 0.0
    for column in 0..<classes { total += exp(Double(scores[row * classes + column]) - largest) }
    sum += log(total) + largest - Double(scores[row * classes + Int(labels[row])])
  }
  return sum / Double(max(1, labels.count))
}
