import CKernels
import ConvNetTensors

/// Sums the gradients of all processes: small ones together, since every sum over the network costs its delay, large ones in
/// place.
package final class GradientBuckets {
  /// Numbers of a gradient that is summed by itself.
  private static let ownCount = 1 << 16
  private let group: any ProcessGroup
  /// Room for those that are summed together.
  private var bucket: [Float] = []

  package init(_ group: any ProcessGroup) {
    self.group = group
    bucket.reserveCapacity(Self.ownCount)
  }

  /// Replaces numbers by the sum over all processes of their share of them: of means over parts of a batch, by the mean over all
  /// of it.
  ///
  /// - Parameters:
  ///   - values: of the same counts in all processes.
  ///   - share: of the batch's samples, those of this process, 0 to 1.
  package func average(_ values: [UnsafeMutableBufferPointer<Float>], share: Float) throws {
    var waiting: [UnsafeMutableBufferPointer<Float>] = []
    bucket.removeAll(keepingCapacity: true)
    for values in values {
      ck_scale(values.baseAddress, values.count, share)
      guard values.count < Self.ownCount else {
        try group.sum(values)
        continue
      }
      if bucket.count + values.count > Self.ownCount { try empty(into: &waiting) }
      bucket += values
      waiting.append(values)
    }
    try empty(into: &waiting)
  }

  private func empty(into waiting: inout [UnsafeMutableBufferPointer<Float>]) throws {
    guard !bucket.isEmpty else { return }
    try bucket.withUnsafeMutableBufferPointer { try group.sum($0) }
    var first = 0
    bucket.withUnsafeBufferPointer { bucket in
      for values in waiting {
        _ = values.update(fromContentsOf: bucket[first..<first + values.count])
        first += values.count
      }
    }
    waiting.removeAll(keepingCapacity: true)
    bucket.removeAll(keepingCapacity: true)
  }
}
