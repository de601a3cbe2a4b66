public import ConvNetImages
import ConvNetTensors
import Dispatch
import Foundation

/// Turns a data set into batches, on a thread of its own that keeps a few ahead.
///
/// ```swift
/// let loader = try BatchLoader(dataset, batchSize: 64, preprocessing: preprocessing, shuffleSeed:
/// 42) loader.start(epoch: 0)
/// while let batch = try loader.next() {
///   batch.withImages { images in … }
/// }
/// ```
///
/// The order of an epoch depends on the seed and the epoch's number only. Every sample comes
/// exactly once; a rest of one sample joins the batch before it. Memory is a few batches, allocated
/// once: a picture that lies in memory costs no allocation.
///
/// A loader belongs to one thread at a time.
public final class BatchLoader {
  private let dataset: any Dataset
  private let filler: BatchFiller
  private let plan: BatchPlan
  private let shuffleSeed: UInt64?
  private var spare: [Batch]
  private var worker: Worker?
  /// The batch that the caller has, and its memory with it.
  private var lent: Batch?
  private var clock = Duration.zero

  /// An epoch in progress.
  private struct Worker {
    let queue: BatchQueue
    /// Entered while the thread runs.
    let group: DispatchGroup
    var isFinished = false
  }

  /// - Parameters:
  ///   - batchSize: samples a batch, at least 1.
  ///   - shuffleSeed: the seed of the order; `nil` for the data set's own.
  ///   - prefetch: batches that may be ready before they are asked for, at least 1.
  /// - Throws: ``PreprocessingError``; ``DatasetError`` where there is no sample.
  public init(
    _ dataset: any Dataset, batchSize: Int, preprocessing: Preprocessing,
    shuffleSeed: UInt64? = nil, prefetch: Int = 3
  ) throws {
    precondition(batchSize > 0 && prefetch > 0, "a batch and the prefetch are at least 1")
    try preprocessing.validate()
    guard dataset.count > 0 else {
      throw DatasetError(dataset: dataset.name, problem: .empty)
    }
    self.dataset = dataset
    self.shuffleSeed = shuffleSeed
    let plan = BatchPlan(sampleCount: dataset.count, batchSize: batchSize)
    self.plan = plan
    filler = BatchFiller(dataset: dataset, preprocessing: preprocessing)
    // One more is with the caller.
    spare = (0..<min(prefetch, plan.batchCount) + 1).map { _ in
      Batch(capacity: plan.capacity, sampleShape: preprocessing.shape)
    }
  }

  deinit {
    stop()
  }

  /// Batches of an epoch.
  public var batchCount: Int { plan.batchCount }

  /// Samples of an epoch.
  public var sampleCount: Int { plan.sampleCount }

  /// Samples of the largest batch: the batch size, or one more.
  public var largestBatch: Int { plan.capacity }

  /// Seconds that ``next()`` has spent waiting for the thread since the loader was made.
  public var secondsWaited: Double {
    Double(clock.components.seconds) + Double(clock.components.attoseconds) * 1e-18
  }

  /// Begins an epoch, and gives up the one before it where that has not ended.
  public func start(epoch: Int) {
    stop()
    let (filler, plan) = (filler, plan)
    let order = shuffleSeed.map { seed in
      permutation(
        of: plan.sampleCount,
        key: RandomKey(
          seed: seed, purpose: .shuffling, epoch: UInt32(truncatingIfNeeded: epoch)))
    }
    let queue = BatchQueue(batches: spare)
    spare = []
    let group = DispatchGroup()
    worker = Worker(queue: queue, group: group)
    group.enter()
    let thread = Thread {
      Self.run(filler, plan, order, queue)
      group.leave()
    }
    thread.name = "convnet.loader"
    thread.start()
  }

  /// The next batch, or `nil` where the epoch has ended (or none was started).
  ///
  /// - Throws: what reading a sample throws; the epoch ends with it.
  public func next() throws -> Batch? {
    guard let worker, !worker.isFinished else { return nil }
    worker.queue.recycle(&lent)
    let start = ContinuousClock.now
    let item = worker.queue.take()
    clock += ContinuousClock.now - start
    switch item {
    case .batch(let batch):
      lent = batch
      return batch
    case .failure(let error):
      self.worker?.isFinished = true
      throw error
    case .end:
      self.worker?.isFinished = true
      return nil
    }
  }

  /// Ends the thread and takes every batch back.
  private func stop() {
    guard let worker else { return }
    worker.queue.cancel()
    worker.group.wait()
    spare = worker.queue.drain()
    if let lent = lent.take() { spare.append(lent) }
    self.worker = nil
  }

  /// The thread's work.
  private static func run(
    _ filler: BatchFiller, _ plan: BatchPlan, _ order: [Int]?, _ queue: BatchQueue
  ) {
    for index in 0..<plan.batchCount {
      guard var batch = queue.takeEmpty() else { return }
      do {
        try filler.fill(&batch, index: index, range: plan.range(of: index), order: order)
      } catch {
        var unused = Optional(batch)
        queue.recycle(&unused)
        queue.put(.failure(error))
        return
      }
      queue.put(.batch(batch))
    }
    queue.put(.end)
  }
}
