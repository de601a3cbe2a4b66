/// Which samples of an epoch's order each batch takes: `batchSize` of them, the last batch the
/// rest. A rest of one sample joins the batch before it, since statistics over a batch of one mean
/// nothing. No sample is left out.
///
/// An epoch that goes on behind its first samples has the batches that are left of it.
package struct BatchPlan: Hashable, Sendable {
  package let sampleCount: Int
  package let batchSize: Int
  /// Samples of the order that are taken already.
  package let first: Int

  /// - Precondition: both counts are at least 1, and there are as many samples as are taken.
  package init(sampleCount: Int, batchSize: Int, from first: Int = 0) {
    precondition(sampleCount > 0 && batchSize > 0 && 0...sampleCount ~= first)
    self.sampleCount = sampleCount
    self.batchSize = batchSize
    self.first = first
  }

  private var left: Int { sampleCount - first }

  private var mergesTail: Bool { batchSize > 1 && left > batchSize && left % batchSize == 1 }

  package var batchCount: Int {
    (left + batchSize - 1) / batchSize - (mergesTail ? 1 : 0)
  }

  /// The size of the largest batch.
  package var capacity: Int { min(left, batchSize) + (mergesTail ? 1 : 0) }

  /// The size of the largest batch, whatever is taken already.
  var room: Int { batchSize > 1 && sampleCount > batchSize ? batchSize + 1 : capacity }

  /// - Precondition: `0..<batchCount` contains `index`.
  package func range(of index: Int) -> Range<Int> {
    let end = index == batchCount - 1 ? sampleCount : first + (index + 1) * batchSize
    return first + index * batchSize..<end
  }
}
