import ConvNetImages
import ConvNetTensors

/// Batches in the making: which samples no thread has begun, which are being read, which are ready.
struct BatchWork: Sendable {
  /// Neighbouring samples of one batch, for one thread.
  struct Share: Sendable {
    var batch: Int
    var storage: BatchStorage
    /// In the epoch's order.
    var positions: Range<Int>
    /// The position of the batch's first sample.
    var first: Int
    var epoch: Int
    var order: [Int]?
    /// Of its pictures, by its place among the sizes.
    var size: Int
  }

  /// What became of a share.
  struct Outcome: Sendable {
    /// The first sample that ends the epoch.
    var failure: (position: Int, error: any Error)?
    /// Places in the batch that stay empty.
    var leftOut: [Int] = []
    var skipped: [SkippedSample] = []
  }

  /// A batch whose samples are being read.
  struct Open: Sendable {
    let index: Int
    let storage: BatchStorage
    /// Of its pictures, by its place among the sizes.
    let size: Int
    /// Of the samples, with the one that is mixed into the last.
    let positions: Range<Int>
    /// Of the whole batch, of which these may be a part.
    let whole: Range<Int>
    /// The first that no thread has begun.
    var next: Int
    /// Samples that are not yet there.
    var pending: Int
    var outcome = Outcome()
    var isReady = false
    /// Samples once it is ready.
    var count: Int
  }

  private var plan: BatchPlan
  private let sizes: BatchSizes
  /// Samples of a share at most.
  let shareSize: Int
  let mixesSamples: Bool
  private(set) var epoch = 0
  private var order: [Int]?
  /// The number of the batch that is begun next.
  private var nextBatch: Int
  /// In order: the first is the one that is due.
  private var open: [Open] = []
  private var spare: [BatchStorage]
  /// Shares that threads are at.
  private var running = 0
  private var isStopping = false
  var isEnding = false
  /// Samples that could not be read and that nobody has been told of.
  private var untold: [SkippedSample] = []

  init(
    plan: BatchPlan, sizes: BatchSizes, shareSize: Int, mixesSamples: Bool, spare: [BatchStorage],
    skipped: Set<Int> = []
  ) {
    self.skipped = skipped
    self.plan = plan
    self.sizes = sizes
    self.shareSize = shareSize
    self.mixesSamples = mixesSamples
    self.spare = spare
    nextBatch = plan.batchCount
  }

  // MARK: For who takes the batches

  /// - Precondition: no thread is at work.
  /// - Returns: the shares that there are now.
  mutating func start(epoch: Int, order: [Int]?, plan: BatchPlan) -> Int {
    self.epoch = epoch
    self.plan = plan
    self.order = order
    nextBatch = 0
    return openBatches()
  }

  mutating func recycle(_ storage: BatchStorage) -> Int {
    spare.append(storage)
    return openBatches()
  }

  /// Begins as many batches as there is memory for.
  ///
  /// - Returns: the number of their shares.
  private mutating func openBatches() -> Int {
    var shares = 0
    while nextBatch < plan.batchCount, var storage = spare.popLast() {
      let (range, whole) = (plan.readRange(of: nextBatch), plan.wholeRange(of: nextBatch))
      let size = sizes.number(epoch: epoch, batch: whole.lowerBound / plan.batchSize)
      storage.sampleShape = sizes.pipelines[size].preprocessing.shape
      let positions = range.lowerBound..<range.upperBound + (mixesSamples ? 1 : 0)
      open.append(
        Open(
          index: nextBatch, storage: storage, size: size, positions: positions,
          whole: whole, next: positions.lowerBound,
          pending: positions.count, count: range.count))
      shares += (positions.count + shareSize - 1) / shareSize
      nextBatch += 1
    }
    return shares
  }

  enum Due: Sendable {
    case batch(Open)
    case waiting
    case end
  }

  /// The batch that is due, once it is ready.
  mutating func take() -> Due {
    guard let first = open.first else { return .end }
    guard first.isReady else { return .waiting }
    open.removeFirst()
    return .batch(first)
  }

  /// Lets no thread begin anything.
  ///
  /// - Returns: whether some are at work, of whose end ``finish(_:of:)`` will tell.
  mutating func stop() -> Bool {
    abandonBatches(after: -1)
    isStopping = running > 0
    return isStopping
  }

  /// - Precondition: no thread is at work.
  mutating func takeBack() {
    spare += open.map(\.storage)
    open = []
  }

  private mutating func abandonBatches(after index: Int) {
    nextBatch = plan.batchCount
    for place in open.indices where open[place].index > index {
      open[place].next = open[place].positions.upperBound
    }
  }

  /// Samples that could not be read, by their number in the data set.
  private(set) var skipped: Set<Int>

  /// The samples that could not be read since this was asked last.
  mutating func takeSkipped() -> [SkippedSample] {
    defer { untold = [] }
    return untold
  }

  // MARK: For the threads

  /// A share that no thread has begun.
  mutating func takeShare() -> Share? {
    guard let place = open.firstIndex(where: { $0.next < $0.positions.upperBound }) else {
      return nil
    }
    let batch = open[place]
    let end = min(batch.next + shareSize, batch.positions.upperBound)
    open[place].next = end
    running += 1
    return Share(
      batch: batch.index, storage: batch.storage, positions: batch.next..<end,
      first: batch.positions.lowerBound, epoch: epoch, order: order, size: batch.size)
  }

  /// Takes note that a share has been read.
  ///
  /// - Returns: the batch, where that was all of it, to be completed.
  mutating func finish(_ outcome: Outcome, of share: Share) -> Open? {
    for sample in outcome.skipped where skipped.insert(sample.index).inserted {
      untold.append(sample)
    }
    guard let place = open.firstIndex(where: { $0.index == share.batch }) else { return nil }
    open[place].pending -= share.positions.count
    open[place].outcome.leftOut += outcome.leftOut
    if let failure = outcome.failure {
      let first = open[place].outcome.failure
      if first.map({ failure.position < $0.position }) ?? true {
        open[place].outcome.failure = failure
      }
      abandonBatches(after: share.batch)
    }
    return open[place].pending == 0 ? open[place] : nil
  }

  /// Takes note that a batch is complete.
  mutating func complete(_ index: Int, count: Int) {
    guard let place = open.firstIndex(where: { $0.index == index }) else { return }
    open[place].isReady = true
    open[place].count = count
  }

  /// Takes note that a thread is done with a share and its consequences.
  ///
  /// - Returns: whether someone waits for that, and it was the last.
  mutating func leave() -> Bool {
    running -= 1
    guard isStopping, running == 0 else { return false }
    isStopping = false
    return true
  }
}
