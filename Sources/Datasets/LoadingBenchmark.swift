/// How fast a loader makes batches when nobody computes beside it.
public struct LoadingBenchmark: Sendable {
  /// Of every measured epoch, in order.
  public let imagesPerSecond: [Double]
  /// Samples of an epoch that were delivered.
  public let samples: Int

  /// Takes every batch of some epochs, after one that is not measured.
  ///
  /// - Parameter epochs: at least 1.
  /// - Throws: what reading a sample throws.
  public init(_ loader: BatchLoader, epochs: Int) throws {
    var rates: [Double] = []
    var samples = 0
    for epoch in 0...max(1, epochs) {
      let start = ContinuousClock.now
      loader.start(epoch: epoch)
      samples = 0
      while let batch = try loader.next() { samples += batch.count }
      if epoch > 0 { rates.append(Double(samples) / ((ContinuousClock.now - start) / .seconds(1))) }
    }
    imagesPerSecond = rates
    self.samples = samples
  }

  /// The median over the epochs.
  public var medianImagesPerSecond: Double { imagesPerSecond.sorted()[imagesPerSecond.count / 2] }
}
