import ConvNetCompiler
import ConvNetDatasets
import ConvNetEngine
import ConvNetGraphs
import ConvNetInference
import ConvNetLayers
import ConvNetTensors

/// Statistics of batch normalization that are made of batches at once, in place of moving averages.
enum BatchStatistics {
  /// Gives a model the means over batches of their means and variances, as S. Ioffe and C. Szegedy, "Batch Normalization", 2015,
  /// algorithm 2, have it: the network computes as in training, each layer by the statistics of the batch.
  ///
  /// - Parameters:
  ///   - count: batches at most; one of another size than the first, or of pictures of another, is left out.
  ///   - seed: of dropout.
  ///   - kept: what an earlier estimate of the same network was compiled to, and takes what this one is.
  ///   - tell: told the number of batches so far.
  ///   - next: gives a batch; `nil` after the last.
  /// - Returns: batches that were taken, and their size; `nil` where the network has no running statistics, or there is no batch.
  @discardableResult
  static func estimate(
    for model: inout Model, batches count: Int, seed: UInt64, options: CompilationOptions,
    using kept: inout StatisticsStep?, tell: (Int) throws -> Void, next: () throws -> Batch?
  ) throws -> (batches: Int, size: Int)? {
    guard model.graph.hasRunningStatistics, let first = try next() else { return nil }
    let (size, shape) = (first.count, first.shape)
    var batch = first
    let step: StatisticsStep
    if let known = kept, known.shape == shape {
      step = known
      step.take(model.parameters)
    } else {
      step = try StatisticsStep(of: model, shape: shape, options: options)
      kept = step
    }
    let statistics = step.statistics
    var sums = statistics.map { [Double](repeating: 0, count: $0.channels) }
    var seen = 0
    while true {
      if batch.shape == shape {
        try step.executable.write(batch, to: model.inputName)
        try step.executable.run(step: seen, seed: seed)
        for (place, statistic) in statistics.enumerated() {
          try step.executable.withOutput(statistic.output) { values in
            for channel in values.indices { sums[place][channel] += Double(values[channel]) }
          }
        }
        seen += 1
        try tell(seen)
      }
      guard seen < count, let next = try next() else { break }
      batch = next
    }
    for (statistic, sum) in zip(statistics, sums) {
      model.parameters[statistic.parameter] = Tensor(
        sum.map { Float(statistic.correction * $0 / Double(seen)) }, shape: [sum.count])
    }
    return (seen, size)
  }
}

/// The forward pass whose outputs are a batch's statistics, compiled once for all epochs.
final class StatisticsStep {
  fileprivate var executable: Executable
  fileprivate let statistics: [BatchStatistic]
  /// Of a batch.
  fileprivate let shape: Shape
  private let store: ParameterStore

  /// - Parameter shape: of a batch, in the model's data format.
  fileprivate init(of model: Model, shape: Shape, options: CompilationOptions) throws {
    let (graph, statistics) = try model.graph.reshaped(inputs: [
      model.inputName: Shape(model.dataFormat.logical(shape.dimensions))
    ]).withBatchStatistics()
    store = try ParameterStore(model.parameters)
    executable = try Executable(graph, training: store, options: options)
    self.statistics = statistics
    self.shape = shape
  }

  /// Takes the parameters of another epoch.
  fileprivate func take(_ parameters: [String: Tensor]) {
    for (name, values) in parameters {
      store.withFloats(of: name) { target in
        values.withSpan { source in
          source.withUnsafeBufferPointer { _ = target.update(fromContentsOf: $0) }
        }
      }
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
  var hasRunningStatistics: Bool {
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
