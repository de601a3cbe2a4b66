import ConvNetFiles
import ConvNetImages
import ConvNetTensors
import Dispatch
import Foundation
import Synchronization

/// The threads of a ``BatchLoader`` and what they share with it. They live as long as the loader
/// and sleep while there is nothing to do.
final class LoaderThreads: Sendable {
  private let dataset: any Dataset
  private let targetKind: TargetKind
  private let sizes: BatchSizes
  private let cache: PictureCache?
  private let seed: UInt64
  private let policy: BadSamplePolicy
  private let work: Mutex<BatchWork>
  /// Counts shares that no thread has taken; a few too many may be counted, never too few.
  private let shares = DispatchSemaphore(value: 0)
  /// Counts batches that became ready.
  private let ready = DispatchSemaphore(value: 0)
  private let idle = DispatchSemaphore(value: 0)
  private let count: Int

  init(
    _ dataset: any Dataset, _ sizes: BatchSizes, seed: UInt64, policy: BadSamplePolicy,
    cache: PictureCache?, work: BatchWork, count: Int
  ) throws {
    self.dataset = dataset
    targetKind = dataset.targetKind
    self.sizes = sizes
    self.seed = seed
    self.policy = policy
    self.cache = cache
    self.work = Mutex(work)
    self.count = count
    try Threads.start(count, for: "loading") { self.run() }
  }

  // MARK: For the loader

  func start(epoch: Int, order: [Int]?, plan: BatchPlan) {
    announce(work.withLock { $0.start(epoch: epoch, order: order, plan: plan) })
  }

  func recycle(_ storage: BatchStorage) {
    announce(work.withLock { $0.recycle(storage) })
  }

  private func announce(_ count: Int) {
    for _ in 0..<count { shares.signal() }
  }

  /// The batch that is due, once it is ready; `nil` at the end of the epoch.
  func take() -> BatchWork.Open? {
    while true {
      switch work.withLock({ $0.take() }) {
      case .batch(let batch): return batch
      case .end: return nil
      case .waiting: ready.wait()
      }
    }
  }

  /// Gives up the epoch; returns when no thread is at work.
  func stop() {
    if work.withLock({ $0.stop() }) { idle.wait() }
    work.withLock { $0.takeBack() }
  }

  /// Ends the threads.
  func end() {
    stop()
    work.withLock { $0.isEnding = true }
    announce(count)
  }

  var skipped: Set<Int> { work.withLock { $0.skipped } }

  func takeSkipped() -> [SkippedSample] { work.withLock { $0.takeSkipped() } }

  // MARK: A thread

  private enum Task: Sendable {
    case share(BatchWork.Share)
    case nothing
    case end
  }

  private func run() {
    var reader = SampleReader(dataset, sizes.pipelines, cache: cache)
    while true {
      shares.wait()
      let task = work.withLock { work -> Task in
        if work.isEnding { return .end }
        return work.takeShare().map { .share($0) } ?? .nothing
      }
      switch task {
      case .end: return
      case .nothing: continue
      case .share(let share):
        let outcome = read(share, &reader)
        if let batch = work.withLock({ $0.finish(outcome, of: share) }) {
          let count = complete(batch, share)
          work.withLock { $0.complete(batch.index, count: count) }
          ready.signal()
        }
        if work.withLock({ $0.leave() }) { idle.signal() }
      }
    }
  }

  private func read(
    _ share: BatchWork.Share, _ reader: inout SampleReader
  ) -> BatchWork.Outcome {
    var outcome = BatchWork.Outcome()
    for position in share.positions {
      let place = position - share.first
      let key = key(at: position, share)
      let sample = key % dataset.count
      do {
        try read(sample, key: key, to: place, share, &reader)
      } catch {
        switch policy {
        case .stop:
          outcome.failure = (position, error)
          return outcome
        case .leaveOut:
          outcome.skipped.append(SkippedSample(index: sample, reason: "\(error)"))
          outcome.leftOut.append(place)
        case .replace:
          outcome.skipped.append(SkippedSample(index: sample, reason: "\(error)"))
          if !replace(key, of: position, share, &reader, &outcome) {
            outcome.failure = (position, error)
            return outcome
          }
        }
      }
    }
    return outcome
  }

  /// The sample that random numbers belong to: its number, and more where it comes again in the same epoch. The samples of an
  /// epoch follow each other in a ring.
  private func key(at position: Int, _ share: BatchWork.Share) -> Int {
    let place = position % dataset.count
    return share.order?[place] ?? place
  }

  /// - Parameter key: the sample that the random numbers belong to.
  private func read(
    _ sample: Int, key: Int, to place: Int, _ share: BatchWork.Share,
    _ reader: inout SampleReader
  ) throws {
    try reader.read(
      sample, size: share.size, seed: seed, epoch: share.epoch, key: key,
      into: share.storage.image(at: place))
    if targetKind == .classes {
      share.storage.setLabel(dataset.label(at: sample), at: place)
    } else {
      share.storage.setLabel(0, at: place)
      share.storage.setTargets(dataset.targets(at: sample), at: place)
    }
    share.storage.setSample(sample, at: place)
  }

  /// Reads the next good sample with the random numbers of a bad one.
  private func replace(
    _ bad: Int, of position: Int, _ share: BatchWork.Share, _ reader: inout SampleReader,
    _ outcome: inout BatchWork.Outcome
  ) -> Bool {
    for offset in 1..<max(1, dataset.count) {
      let other = key(at: position + offset, share) % dataset.count
      do {
        try read(other, key: bad, to: position - share.first, share, &reader)
        return true
      } catch {
        outcome.skipped.append(SkippedSample(index: other, reason: "\(error)"))
      }
    }
    return false
  }

  /// What is left to do when all samples of a batch are there: close the gaps, mix.
  ///
  /// - Returns: the number of samples.
  private func complete(_ batch: BatchWork.Open, _ share: BatchWork.Share) -> Int {
    guard batch.outcome.failure == nil else { return 0 }
    let storage = batch.storage
    if !batch.outcome.leftOut.isEmpty {
      let leftOut = Set(batch.outcome.leftOut)
      var filled = 0
      for place in 0..<batch.count where !leftOut.contains(place) {
        if place != filled { storage.move(place, to: filled) }
        filled += 1
      }
      return filled
    }
    let pipeline = sizes.pipelines[batch.size]
    if pipeline.mixesSamples {
      for place in 0..<batch.count {
        mix(
          place, of: key(at: batch.positions.lowerBound + place, share), storage, share.epoch,
          pipeline)
      }
    }
    return batch.count
  }

  private func mix(
    _ place: Int, of sample: Int, _ storage: BatchStorage, _ epoch: Int,
    _ pipeline: PicturePipeline
  ) {
    let weight = pipeline.mix(
      UnsafeBufferPointer(storage.image(at: place + 1)), into: storage.image(at: place),
      seed: seed, epoch: epoch, sample: sample)
    let (own, other) = (storage.label(at: place), storage.label(at: place + 1))
    if targetKind != .classes {
      // The next sample is still unmixed, and so are its targets.
      guard let target = storage.target(at: place), let next = storage.target(at: place + 1) else {
        return
      }
      for index in target.indices {
        target[index] = weight * target[index] + (1 - weight) * next[index]
      }
      return
    }
    if let target = storage.target(at: place) {
      target.update(repeating: 0)
      target[own] = weight
      target[other] += 1 - weight
    }
    // The next sample is still unmixed, and so is its label.
    if weight < 0.5 { storage.setLabel(other, at: place) }
  }
}
