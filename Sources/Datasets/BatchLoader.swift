import ConvNetFiles
public import ConvNetImages
import ConvNetTensors

/// Turns a data set into batches, on threads of its own that keep a few ahead.
///
/// ```swift
/// let loader = try BatchLoader(
///   dataset, batchSize: 64, preprocessing: preprocessing, shuffleSeed: 42)
/// loader.start(epoch: 0)
/// while let batch = try loader.next() {
///   batch.withImages { images in … }
/// }
/// ```
///
/// The order of an epoch depends on the seed and the epoch's number only, and what augmentation does
/// to a sample on these and the sample: not on threads, prefetch or batch size. Every sample comes
/// exactly once, unless a ``Sampling`` says otherwise;
/// a rest of one sample joins the batch before it. Memory is a few batches and what a
/// picture needs for each thread, allocated once.
///
/// With several sides for the input every batch has one of them, drawn by seed, epoch and the batch's place: its
/// ``Batch/sampleShape``.
///
/// A loader belongs to one thread at a time.
public final class BatchLoader {
  private let plan: BatchPlan
  private let shuffleSeed: UInt64?
  private let dataset: any Dataset
  private let sampling: Sampling
  private let threads: LoaderThreads
  private let makeStorage: () throws -> BatchStorage
  private var isRunning = false
  /// The batch that the caller has, and its memory with it.
  private var lent: Batch?
  /// Batches whose memory was kept and is not yet replaced.
  private var missingCount = 0
  private var clock = Duration.zero

  /// - Parameters:
  ///   - batchSize: samples a batch, at least 1.
  ///   - augmentation: what is done to each picture at random.
  ///   - shuffleSeed: the seed of the order and of augmentation; `nil` for the data set's own order.
  ///   - sampling: which samples a shuffled epoch has.
  ///   - sides: pixels of the input's shorter side, of which each batch has one; none: that of the preprocessing. Its mean
  ///     picture, which has one size, is then not subtracted.
  ///   - share: the part of every batch that is read, of `batchSize` samples in all.
  ///   - options: threads, memory, and what happens to pictures that cannot be read.
  ///   - skipped: samples that an earlier loader of the same data could not read, which are counted, and not told again.
  /// - Throws: ``LoadingError``, ``PreprocessingError``, ``AugmentationError``, which a sample that is left out and mixed into
  ///   another is too; ``DatasetError`` where there is no sample, or samples without classes shall be drawn by them.
  public init(
    _ dataset: any Dataset, batchSize: Int, preprocessing: Preprocessing,
    augmentation: Augmentation = .none, shuffleSeed: UInt64? = nil, sampling: Sampling = .every,
    sides: [Int] = [], share: BatchShare = .whole, options: LoadingOptions = LoadingOptions(),
    skipped: Set<Int> = []
  ) throws {
    guard batchSize > 0 else {
      throw LoadingError(setting: .batchSize, value: batchSize, requirement: "at least 1")
    }
    guard share.count == 1 || min(batchSize, dataset.count) >= share.count else {
      throw LoadingError(
        setting: .batchSize, value: min(batchSize, dataset.count),
        requirement: "at least \(share.count), a sample for each of the processes")
    }
    try options.validate()
    let sizes = try BatchSizes(
      preprocessing, augmentation, sides: sides, seed: shuffleSeed ?? 0)
    let (largest, mixesSamples) = (sizes.largest, augmentation.mixesSamples)
    if options.badSamples == .leaveOut { try augmentation.requireNoMixing() }
    guard dataset.count > 0 else {
      throw DatasetError(dataset: dataset.name, problem: .empty)
    }
    guard sampling == .every || dataset.targetKind == .classes else {
      throw DatasetError(dataset: dataset.name, problem: .unbalanced(dataset.targetKind))
    }
    self.shuffleSeed = shuffleSeed
    self.dataset = dataset
    self.sampling = sampling
    let plan = BatchPlan(sampleCount: dataset.count, batchSize: batchSize, share: share)
    self.plan = plan
    let makeStorage = {
      try BatchStorage(
        capacity: plan.room, sampleShape: largest,
        classCount: dataset.classNames.count, targetKind: dataset.targetKind,
        mixesSamples: mixesSamples)
    }
    self.makeStorage = makeStorage
    let isInMemory = dataset is any InMemoryDataset
    let isLight = isInMemory && augmentation.steps.isEmpty
    let count = options.workers ?? (isLight ? 1 : Threads.available)
    // Each thread has a canvas, and a second to copy to.
    try Memory.require(
      2 * count * largest.count,
      for: "the pictures of \(count) loading threads at \(largest)")
    threads = try LoaderThreads(
      dataset, sizes, seed: shuffleSeed ?? 0, policy: options.badSamples,
      cache: isInMemory
        ? nil : PictureCache(sampleCount: dataset.count, byteCount: options.cacheByteCount),
      work: BatchWork(
        plan: plan, sizes: sizes,
        shareSize: isLight ? plan.capacity : isInMemory ? 16 : 1, mixesSamples: mixesSamples,
        // One more is with the caller.
        spare: (0..<min(options.prefetch, plan.batchCount) + 1).map { _ in try makeStorage() },
        skipped: skipped),
      count: count)
  }

  deinit {
    threads.end()
  }

  /// Batches of an epoch.
  public var batchCount: Int { plan.batchCount }

  /// Samples of an epoch, of all processes.
  public var sampleCount: Int { plan.sampleCount }

  /// Samples of the largest batch, or of the largest part: the batch size, or one more.
  public var largestBatch: Int { plan.capacity }

  /// Seconds that ``next()`` has spent waiting for the threads since the loader was made.
  public var secondsWaited: Double {
    Double(clock.components.seconds) + Double(clock.components.attoseconds) * 1e-18
  }

  /// Samples of the data set that could not be read so far; none where such a sample ends the epoch.
  public var skippedCount: Int { threads.skipped.count }

  /// Those of ``skippedCount``, by their number in the data set.
  public var skipped: Set<Int> { threads.skipped }

  /// The samples that could not be read and were not told by this before.
  public func takeSkipped() -> [SkippedSample] { threads.takeSkipped() }

  /// Begins an epoch, and gives up the one before it where that has not ended.
  ///
  /// - Parameter first: samples of the epoch's order that were taken earlier; its other samples are the same, and so are its
  ///   batches where it is a multiple of the batch size.
  /// - Precondition: `0...sampleCount` contains `first`; another ends the process.
  public func start(epoch: Int, from first: Int = 0) {
    guard 0...plan.sampleCount ~= first else {
      fatalError("an epoch of \(plan.sampleCount) samples cannot begin behind \(first)")
    }
    abandon()
    let order = shuffleSeed.map { sampling.order(of: dataset, seed: $0, epoch: epoch) }
    threads.start(
      epoch: epoch, order: order,
      plan: BatchPlan(
        sampleCount: plan.sampleCount, batchSize: plan.batchSize, from: first, share: plan.share))
    isRunning = true
  }

  /// The next batch, or `nil` where the epoch has ended (or none was started).
  ///
  /// - Throws: what reading a sample throws; the epoch ends with it. `AllocationError` where the batch before was kept and there
  ///   is no memory for another.
  public func next() throws -> Batch? {
    guard isRunning else { return nil }
    try recycle()
    let start = ContinuousClock.now
    defer { clock += ContinuousClock.now - start }
    while let made = threads.take() {
      var batch = Batch(made.storage)
      batch.count = made.count
      batch.index = made.index
      batch.wholeCount = made.whole.count
      batch.places = plan.share.places(of: made.whole.count)
      if let failure = made.outcome.failure {
        threads.recycle(made.storage)
        abandon()
        throw failure.error
      }
      // Every sample of it may have been left out.
      guard batch.count > 0 else {
        threads.recycle(made.storage)
        continue
      }
      lent = batch
      return batch
    }
    abandon()
    return nil
  }

  /// Takes back the memory of the batch that the caller had, or replaces it where it was kept.
  private func recycle() throws {
    if var batch = lent.take() {
      if isKnownUniquelyReferenced(&batch.lease) {
        threads.recycle(batch.storage)
      } else {
        missingCount += 1
      }
    }
    while missingCount > 0 {
      threads.recycle(try makeStorage())
      missingCount -= 1
    }
  }

  /// Gives up the epoch and takes every batch back.
  private func abandon() {
    // What there is no memory for now, the next batch asks for again.
    try? recycle()
    threads.stop()
    isRunning = false
  }
}
