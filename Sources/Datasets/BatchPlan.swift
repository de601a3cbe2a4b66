/// Which samples of an epoch's order each batch takes: `batchSize` of them, the last batch the
/// rest. A rest of one sample joins the batch before it, since statistics over a batch of one mean
/// nothing; of several processes, a rest that has less than two samples for each. No sample is left out.
///
/// An epoch that goes on behind its first samples has the batches that are left of it.
package struct BatchPlan: Hashable, Sendable {
  package let sampleCount: Int
  package let batchSize: Int
  /// Samples of the order that are taken already.
  package let first: Int
  /// The part of each batch that is read.
  package let share: BatchShare

  /// - Precondition: both counts are at least 1, and there are as many samples as are taken.
  package init(
    sampleCount: Int, batchSize: Int, from first: Int = 0, share: BatchShare = .whole
  ) {
    precondition(sampleCount > 0 && batchSize > 0 && 0...sampleCount ~= first)
    self.sampleCount = sampleCount
    self.batchSize = batchSize
    self.first = first
    self.share = share
  }

  private var left: Int { sampleCount - first }

  /// A rest of fewer joins the batch before it.
  private var leastRest: Int { min(batchSize, share.leastBatch) }

  /// What joins the last whole batch.
  private var tail: Int {
    let rest = left % batchSize
    return left > batchSize && rest < leastRest ? rest : 0
  }

  package var batchCount: Int { (left - tail + batchSize - 1) / batchSize }

  /// The size of the largest part of a batch.
  package var capacity: Int { share.capacity(of: min(left, batchSize) + tail) }

  /// The same, whatever is taken already.
  var room: Int {
    share.capacity(of: sampleCount > batchSize ? batchSize + leastRest - 1 : min(left, batchSize))
  }

  /// The whole batch.
  ///
  /// - Precondition: `0..<batchCount` contains `index`.
  package func wholeRange(of index: Int) -> Range<Int> {
    let end = index == batchCount - 1 ? sampleCount : first + (index + 1) * batchSize
    return first + index * batchSize..<end
  }

  /// The part of a batch that is read.
  ///
  /// - Precondition: `0..<batchCount` contains `index`.
  package func range(of index: Int) -> Range<Int> {
    let whole = wholeRange(of: index)
    let places = share.places(of: whole.count)
    return whole.lowerBound + places.lowerBound..<whole.lowerBound + places.upperBound
  }
}
