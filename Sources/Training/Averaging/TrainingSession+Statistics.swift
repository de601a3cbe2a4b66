import ConvNetCompiler
import ConvNetDatasets
import ConvNetEngine
import ConvNetGraphs
import ConvNetInference
import ConvNetLayers
import ConvNetTensors

extension TrainingSession {
  /// Gives a model what has been learnt up to the end of an epoch: with averaged weights, statistics of their own.
  ///
  /// - Parameter epoch: from 0; `nil` or less where none has ended.
  func update(_ model: inout Model, afterEpoch epoch: Int?, from loader: BatchLoader) throws {
    update(&model)
    guard let epoch, epoch >= 0, let batches = trainer.averaging?.statisticsBatches, batches > 0
    else { return }
    try estimateStatistics(of: &model, batches: batches, from: loader, epoch: epoch)
  }

  /// Gives a model, whose weights are averages, running statistics of its own: the means over some batches of their means and
  /// variances. Those of the training belong to the weights that the training had.
  ///
  /// - Parameters:
  ///   - count: batches, the first of the epoch, or all where it has less; one of another size than the first is left out.
  ///   - epoch: whose pictures are taken, as its steps had them.
  private func estimateStatistics(
    of model: inout Model, batches count: Int, from loader: BatchLoader, epoch: Int
  ) throws {
    guard model.graph.hasRunningStatistics else { return }
    loader.start(epoch: epoch)
    guard let first = try loader.next() else { return }
    let size = first.count
    var batch = first
    let (graph, statistics) = try model.graph.batched(size).withBatchStatistics()
    var executable = try Executable(
      graph, training: ParameterStore(model.parameters), options: options)
    var sums = statistics.map { [Double](repeating: 0, count: $0.channels) }
    var seen = 0
    while true {
      if batch.count == size {
        try executable.write(batch, to: model.inputName)
        try executable.run(step: seen, seed: trainer.seed)
        for (place, statistic) in statistics.enumerated() {
          try executable.withOutput(statistic.output) { values in
            for channel in values.indices { sums[place][channel] += Double(values[channel]) }
          }
        }
        seen += 1
      }
      guard seen < count, let next = try loader.next() else { break }
      batch = next
    }
    for (statistic, sum) in zip(statistics, sums) {
      model.parameters[statistic.parameter] = Tensor(
        sum.map { Float(statistic.correction * $0 / Double(seen)) }, shape: [sum.count])
    }
  }
}

/// A mean or a variance of a batch, which a running one is to be made of.
private struct BatchStatistic {
  var parameter: String
  var output: String
  var channels: Int
  /// What makes a sample's variance of it.
  var correction: Double
}

extension Graph {
  /// Whether a normalization has statistics that follow the batches.
  fileprivate var hasRunningStatistics: Bool {
    parameters.contains { self[$0].parameterKind == .runningVariance }
  }

  /// The graph in its form for training, whose outputs are the statistics of a batch and no other.
  fileprivate func withBatchStatistics() throws(GraphError) -> (Graph, [BatchStatistic]) {
    var graph = try specialized(for: .training)
    var statistics: [BatchStatistic] = []
    graph.outputs = []
    graph.parameterUpdates = []
    for operation in graph.operations {
      guard let normalization = operation.attributes as? ConvNetGraphs.Operation.BatchNormalization,
        operation.outputs.count == 3
      else { continue }
      let input = graph[operation.inputs[0]].shape
      let samples = Double(input.count / input[1])
      for (running, fresh) in zip(operation.inputs[3...4], operation.outputs[1...2]) {
        guard let kind = graph[running].parameterKind else { continue }
        let isSampleVariance =
          kind == .runningVariance && normalization.runningVariance == .sample && samples > 1
        let output = "statistics/\(graph[running].name)"
        graph.addOutput(output, fresh)
        statistics.append(
          BatchStatistic(
            parameter: graph[running].name, output: output, channels: input[1],
            correction: isSampleVariance ? samples / (samples - 1) : 1))
      }
    }
    return (graph, statistics)
  }
}
