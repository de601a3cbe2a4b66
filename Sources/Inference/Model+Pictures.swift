public import ConvNetDatasets
public import ConvNetEngine
public import ConvNetFiles
import ConvNetGraphs
import ConvNetImages
public import ConvNetLayers
import ConvNetTensors

/// A picture that cannot be classified, and why.
public struct UnreadablePicture: Error, Hashable, Sendable {
  /// What the list calls it.
  public var name: String
  /// The error's description, which names the file.
  public var reason: String
}

extension UnreadablePicture: ReadableError {
  public var description: String { FileSystem.readable(reason) }
}

extension Model {
  /// Classifies many pictures, at the speed of an evaluation: threads read and decode the next ones while this one computes,
  /// several at once. A picture that cannot be read is an outcome like any other.
  ///
  /// Compiles the network for this call; it takes the memory of some batches, however many pictures there are. Where a service is
  /// asked for one picture now and then, a ``Predictor`` is compiled once.
  ///
  /// - Parameters:
  ///   - batchSize: pictures that are computed at once; `nil` for what suits the network's size, at most 64.
  ///   - compute: how the network is computed. How often it runs is set here.
  ///   - loading: threads, and batches made ready. What happens to pictures that cannot be read is settled here.
  ///   - body: called on this thread for every picture in the list's order. What it throws ends the work.
  /// - Throws: ``InferenceError`` where the model does not say how pictures are prepared for its network, or `batchSize` is below
  ///   one; what compiling and
  ///   computing throws; what `body` throws.
  public func classify(
    _ pictures: PictureList, batchSize: Int? = nil, compute: ComputeOptions = .init(),
    loading: LoadingOptions = LoadingOptions(),
    _ body: (_ index: Int, _ outcome: Result<Classification, UnreadablePicture>) throws -> Void
  ) throws {
    let preprocessing = try requiredPreprocessing()
    if let batchSize, batchSize < 1 {
      throw InferenceError.belowOne(name: "batchSize", actual: batchSize)
    }
    guard pictures.count > 0 else { return }
    let limit = try batchSize ?? usualBatch()
    // As even as can be: the network is compiled for one size.
    let batchCount = (pictures.count + limit - 1) / limit
    var loading = loading
    loading.badSamples = .leaveOut
    loading.workers = loading.workers ?? min(pictures.count, Threads.available)
    let loader = try BatchLoader(
      ListedPictures(pictures), batchSize: (pictures.count + batchCount - 1) / batchCount,
      preprocessing: preprocessing, options: loading)
    var compute = compute
    compute.expectedRuns = loader.batchCount
    let batch = loader.largestBatch
    loader.start(epoch: 0)
    var executable = try executable(batch: batch, compute: compute)
    let output = mainOutput?.name ?? ""
    var reasons: [Int: String] = [:]
    var next = 0
    func tellUnreadable(before index: Int) throws {
      guard next < index else { return }
      for sample in loader.takeSkipped() { reasons[sample.index] = sample.reason }
      while next < index {
        let reason = reasons.removeValue(forKey: next) ?? ""
        next += 1
        try body(
          next - 1,
          .failure(UnreadablePicture(name: pictures.name(at: next - 1), reason: reason)))
      }
    }
    while let pictures = try loader.next() {
      try executable.write(pictures, to: inputName)
      try executable.run()
      let classifications = try executable.withOutput(output) { scores in
        let classes = scores.count / batch
        return (0..<pictures.count).map { row in
          Classification(
            logits: scores.extracting(row * classes..<(row + 1) * classes), classNames: classNames,
            targetKind: targetKind, scaling: targetScaling)
        }
      }
      for (index, classification) in zip(pictures.sampleIndices, classifications) {
        try tellUnreadable(before: index)
        next = index + 1
        try body(index, .success(classification))
      }
    }
    try tellUnreadable(before: pictures.count)
  }

  /// The same, and suspends the task meanwhile: a thread of its own does the work and calls `body`.
  ///
  /// - Throws: as the function that blocks; `CancellationError` where the task is cancelled, before the next picture's outcome.
  public func classify(
    _ pictures: PictureList, batchSize: Int? = nil, compute: ComputeOptions = .init(),
    loading: LoadingOptions = LoadingOptions(),
    _ body:
      @escaping @Sendable (
        _ index: Int, _ outcome: Result<Classification, UnreadablePicture>
      ) throws -> Void
  ) async throws {
    try await Threads.suspending(for: "classification") { isCancelled in
      try classify(pictures, batchSize: batchSize, compute: compute, loading: loading) {
        guard !isCancelled() else { throw CancellationError() }
        try body($0, $1)
      }
    }
  }

  /// As many pictures as keep the network's largest value within 64 MiB, from 1 to 64.
  private func usualBatch() throws -> Int {
    let graph = try graph.batched(1)
    let largest = graph.values.reduce(1) { max($0, $1.shape.count) } * MemoryLayout<Float>.size
    return min(max((64 << 20) / largest, 1), 64)
  }
}
