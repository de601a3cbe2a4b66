/// Which samples of an epoch's order each batch takes: `batchSize` of them, the last batch the
/// rest. A rest of one sample joins the batch before it, since statistics over a batch of one mean
/// nothing. No sample is left out.
package struct BatchPlan: Hashable, Sendable {
  package let sampleCount: Int
  package let batchSize: Int

  /// - Precondition: both are at least 1.
  package init(sampleCount: Int, batchSize: Int) {
    precondition(sampleCount > 0 && batchSize > 0)
    self.sampleCount = sampleCount
    self.batchSize = batchSize
  }

  private var mergesTail: Bool {
    batchSize > 1 && sampleCount > batchSize && sampleCount % batchSize == 1
  }

  package var batchCount: Int {
    (sampleCount + batchSize - 1) / batchSize - (mergesTail ? 1 : 0)
  }

  /// The size of the largest batch.
  package var capacity: Int { min(sampleCount, batchSize) + (mergesTail ? 1 : 0) }

  /// - Precondition: `0..<batchCount` contains `index`.
  package func range(of index: Int) -> Range<Int> {
    let end = index == batchCount - 1 ? sampleCount : (index + 1) * batchSize
    return index * batchSize..<end
  }
}
