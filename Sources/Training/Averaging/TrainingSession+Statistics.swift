import ConvNetDatasets
import ConvNetGraphs
import ConvNetLayers

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
    try BatchStatistics.estimate(
      for: &model, batches: count, seed: trainer.seed, options: options, using: &statisticsStep,
      tell: { _ in }
    ) { try loader.next() }
  }
}
