import CKernels
package import ConvNetEvaluation
import ConvNetTensors

/// Sums gradients over all processes: small ones together, since every sum over the network costs its delay, large ones in
/// place. A bucket is summed as soon as its last gradient is made, while the backward pass goes on, where the group can.
///
/// Which gradients make a bucket, and in which order buckets are summed, follows from the gradients' counts alone: it is the same
/// in all processes, and whenever they are made. So the sums are the same to the byte, beside the backward pass or after it.
package final class GradientBuckets {
  /// Numbers of a gradient that is summed by itself.
  private static let ownCount = 1 << 16

  /// Gradients that are summed together.
  private struct Bucket {
    /// Their places.
    var members: [Int] = []
    /// Numbers of all of them.
    var count = 0
    /// Room to put them side by side; empty for one by itself.
    var room = UnsafeMutableBufferPointer<Float>(start: nil, count: 0)
  }

  private let group: any ProcessGroup
  /// In the order in which they are summed: the backward pass makes the last gradients first.
  private let buckets: [Bucket]
  private let counts: [Int]

  // Of the round that goes on.
  private var values: [UnsafeMutableBufferPointer<Float>] = []
  private var share: Float = 0
  /// The step after which each bucket is whole.
  private var endings: [Int?] = []
  private var begun = 0
  private var running: [(bucket: Int, sum: any SumInProgress)] = []
  private var failure: (any Error)?
  /// What is told of each sum when it begins and when it is known to be done.
  package var trace: ((_ event: TraceEvent) -> Void)?

  /// Something that happens to a bucket.
  package enum TraceEvent: Hashable, Sendable {
    case begun(bucket: Int, bytes: Int)
    case ended(bucket: Int)
  }

  /// - Parameter counts: of the gradients, in the order in which they will be given, the same in all processes.
  package init(_ group: any ProcessGroup, counts: [Int]) {
    self.group = group
    self.counts = counts
    var all: [Bucket] = []
    var small = Bucket()
    for (place, count) in counts.enumerated() where count > 0 {
      guard count < Self.ownCount else {
        all.append(Bucket(members: [place], count: count))
        continue
      }
      if small.count + count > Self.ownCount {
        all.append(small)
        small = Bucket()
      }
      small.members.append(place)
      small.count += count
    }
    if small.count > 0 { all.append(small) }
    for index in all.indices where all[index].members.count > 1 {
      all[index].room = .allocate(capacity: all[index].count)
      all[index].room.initialize(repeating: 0)
    }
    buckets = all.sorted { ($0.members.first ?? 0) > ($1.members.first ?? 0) }
  }

  deinit {
    for bucket in buckets { bucket.room.deallocate() }
  }

  /// Replaces numbers by the sum over all processes of their share of them: of means over parts of a batch, by the mean over all
  /// of it.
  ///
  /// - Parameters:
  ///   - values: of the counts that were told.
  ///   - share: of the batch's samples, those of this process, 0 to 1.
  package func average(_ values: [UnsafeMutableBufferPointer<Float>], share: Float) throws {
    begin(values, share: share, endings: [])
    try finish()
  }

  /// Begins to do the same while the numbers are made.
  ///
  /// - Parameter endings: the step after which each has its numbers, and the step's memory is this one's; `nil` or too few where
  ///   that is not known.
  package func begin(
    _ values: [UnsafeMutableBufferPointer<Float>], share: Float, endings: [Int?]
  ) {
    precondition(values.map(\.count) == counts, "gradients are as many as was told")
    (self.values, self.share) = (values, share)
    (begun, failure) = (0, nil)
    running.removeAll(keepingCapacity: true)
    self.endings = buckets.map { bucket in
      let own = bucket.members.map { endings.indices.contains($0) ? endings[$0] : nil }
      return own.allSatisfy { $0 != nil } ? own.compactMap(\.self).max() : nil
    }
  }

  /// Sums what is whole after a step, and lets sums go on that have begun.
  package func stepEnded(_ step: Int) {
    guard group.sumsBesideWork, failure == nil else { return }
    do {
      while begun < buckets.count, let ending = endings[begun], ending <= step { try start() }
      try advance()
    } catch {
      failure = error
    }
  }

  /// Sums the rest, and waits for all.
  package func finish() throws {
    defer {
      values.removeAll(keepingCapacity: true)
      running.removeAll(keepingCapacity: true)
    }
    if let failure { throw failure }
    while begun < buckets.count {
      try start()
      try advance()
    }
    for (bucket, sum) in running {
      try sum.wait()
      end(bucket)
    }
  }

  private func start() throws {
    let index = begun
    begun += 1
    for place in buckets[index].members {
      ck_scale(values[place].baseAddress, values[place].count, share)
    }
    trace?(.begun(bucket: index, bytes: 4 * buckets[index].count))
    guard buckets[index].members.count > 1 else {
      running.append((index, try group.startSum(values[buckets[index].members[0]])))
      return
    }
    forEachMember(of: index) { own, together in _ = together.update(fromContentsOf: own) }
    running.append((index, try group.startSum(buckets[index].room)))
  }

  /// Gives the numbers of each gradient of a bucket, and where they lie beside the others.
  private func forEachMember(
    of index: Int,
    _ body: (
      _ own: UnsafeMutableBufferPointer<Float>, _ together: UnsafeMutableBufferPointer<Float>
    ) -> Void
  ) {
    var first = 0
    for place in buckets[index].members {
      let own = values[place]
      body(
        own, UnsafeMutableBufferPointer(rebasing: buckets[index].room[first..<first + own.count]))
      first += own.count
    }
  }

  private func advance() throws {
    while let first = running.first, try first.sum.advance() {
      running.removeFirst()
      end(first.bucket)
    }
  }

  /// Puts what was summed together back where it belongs.
  private func end(_ index: Int) {
    trace?(.ended(bucket: index))
    guard buckets[index].members.count > 1 else { return }
    forEachMember(of: index) { own, together in _ = own.update(fromContentsOf: together) }
  }
}
