/// Which samples of an epoch's order each batch takes: `batchSize` of them, the last batch the
/// rest. A rest of one sample joins the batch before it, since statistics over a batch of one mean
/// nothing. No sample is left out.
///
/// An epoch that goes on behind its first samples has the batches that are left of it. Batches do not depend on the processes
/// that share them.
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

  private var mergesTail: Bool { batchSize > 1 && left > batchSize && left % batchSize == 1 }

  package var batchCount: Int {
    (left + batchSize - 1) / batchSize - (mergesTail ? 1 : 0)
  }

  /// The size of the largest part of a batch.
  package var capacity: Int {
    share.capacity(of: min(left, batchSize) + (mergesTail ? 1 : 0))
  }

  /// The same, whatever is taken already.
  var room: Int {
    batchSize > 1 && sampleCount > batchSize ? share.capacity(of: batchSize + 1) : capacity
  }

  /// The whole batch.
  ///
  /// - Precondition: `0..<batchCount` contains `index`.
  package func wholeRange(of index: Int) -> Range<Int> {
    let end = index == batchCount - 1 ? sampleCount : first + (index + 1) * batchSize
    return first + index * batchSize..<end
  }

  /// The part of a batch that is this process's: none of a rest that has fewer samples than there are processes.
  ///
  /// - Precondition: `0..<batchCount` contains `index`.
  package func range(of index: Int) -> Range<Int> {
    let whole = wholeRange(of: index)
    let places = share.places(of: whole.count)
    return whole.lowerBound + places.lowerBound..<whole.lowerBound + places.upperBound
  }

  /// What is read for a part: of none, the batch's first sample, so that every process has something to compute.
  func readRange(of index: Int) -> Range<Int> {
    let part = range(of: index)
    guard part.isEmpty else { return part }
    let first = wholeRange(of: index).lowerBound
    return first..<first + 1
  }
}
