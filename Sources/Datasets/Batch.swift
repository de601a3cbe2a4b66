import ConvNetFiles
import ConvNetImages
public import ConvNetTensors

/// Prepared pictures and their labels.
///
/// A value: keeping it is safe, but the loader uses its memory again only where the batch is released before the next one is
/// asked for.
public struct Batch: Sendable {
  /// The number of samples, at least 1.
  public internal(set) var count: Int
  /// The number of the batch within its epoch, from 0.
  public internal(set) var index: Int
  /// Samples of the whole batch, of which this one may be the part of one of several processes.
  public internal(set) var wholeCount: Int
  /// Of that, the places of this part: none where there are fewer samples than processes, and what is here does not count.
  public internal(set) var places: Range<Int>
  /// The shape of one picture: [H, W, C] or [C, H, W].
  public var sampleShape: Shape { storage.sampleShape }
  /// Targets of a sample, where there are such: as many as the data set has classes, labels or numbers.
  public var classCount: Int? { storage.targets == nil ? nil : storage.classCount }

  let storage: BatchStorage
  /// Whoever has the batch has this; the loader looks whether it is alone with it.
  var lease = BatchLease()

  init(_ storage: BatchStorage) {
    self.storage = storage
    count = 0
    index = 0
    wholeCount = 0
    places = 0..<0
  }

  /// [N, H, W, C] or [N, C, H, W].
  public var shape: Shape { Shape([count] + sampleShape.dimensions) }

  /// Lends the pictures, `count * sampleShape.count` numbers in row-major order of ``shape``.
  public func withImages<Result>(_ body: (Span<Float>) throws -> Result) rethrows -> Result {
    try storage.images.withSpan(of: count * sampleShape.count, body)
  }

  /// Lends the class of each picture; of a mixed one, the class with the larger share. Zeros where pictures are told by labels
  /// or numbers.
  public func withLabels<Result>(_ body: (Span<Int32>) throws -> Result) rethrows -> Result {
    try storage.labels.withSpan(of: count, body)
  }

  /// Lends the label of each picture as a distribution over the classes, in row-major order of
  /// [N, classes]; empty where augmentation mixes no samples. Of labels and numbers, mixed or not, the targets of each, [N,
  /// names].
  public func withTargets<Result>(_ body: (Span<Float>) throws -> Result) rethrows -> Result {
    guard let targets = storage.targets else {
      return try body(UnsafeBufferPointer<Float>(start: nil, count: 0).span)
    }
    return try targets.withSpan(of: count * storage.classCount, body)
  }

  /// Where the data set has each sample. Of one that took another's place, its own.
  public var sampleIndices: [Int] {
    storage.samples.withSpan(of: count) { (samples: Span<Int>) in
      samples.withUnsafeBufferPointer { Array($0) }
    }
  }

  /// A copy of the pictures, of ``shape``.
  public var images: Tensor {
    withImages { images in
      images.withUnsafeBufferPointer { images in
        Tensor(shape: shape) { target in
          target.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: images) }
        }
      }
    }
  }

  /// A copy of the labels.
  public var labels: [Int32] {
    withLabels { labels in labels.withUnsafeBufferPointer { [Int32]($0) } }
  }
}

final class BatchLease: Sendable {}

/// The memory of a batch, for the threads that fill it.
struct BatchStorage: Sendable {
  /// Of the batch that it has now; there is room for the largest.
  var sampleShape: Shape
  let classCount: Int
  /// Room for as many samples as the largest batch has, and one more where samples are mixed.
  let images: TensorStorage
  let labels: TensorStorage
  /// Where the data set has each.
  let samples: TensorStorage
  /// `nil` where labels are classes.
  let targets: TensorStorage?

  /// - Throws: ``AllocationError``.
  init(
    capacity: Int, sampleShape: Shape, classCount: Int, targetKind: TargetKind, mixesSamples: Bool
  ) throws {
    self.sampleShape = sampleShape
    self.classCount = classCount
    let room = capacity + (mixesSamples ? 1 : 0)
    // Samples and extents are less than 2^31, pixels at most 2^32: the product may overflow.
    func storage(_ extents: Int...) throws -> TensorStorage {
      let byteCount = extents.reduce(MemoryLayout<Float>.size) { product, extent in
        let (value, overflows) = product.multipliedReportingOverflow(by: extent)
        return overflows ? .max : value
      }
      guard byteCount < .max else {
        throw AllocationError(byteCount: byteCount, purpose: "a batch of \(capacity) samples")
      }
      return try TensorStorage(
        byteCount: byteCount, for: "a batch of \(capacity) samples of \(sampleShape)")
    }
    images = try storage(room, sampleShape.count)
    labels = try storage(room)
    samples = try storage(room, MemoryLayout<Int>.size / MemoryLayout<Float>.size)
    targets =
      try targetKind != .classes
      ? storage(room, classCount) : mixesSamples ? storage(capacity, classCount) : nil
  }

  /// The memory of one sample's picture.
  func image(at place: Int) -> UnsafeMutableBufferPointer<Float> {
    let size = sampleShape.count
    return UnsafeMutableBufferPointer(
      rebasing: images.elements(of: Float.self)[place * size..<(place + 1) * size])
  }

  func setSample(_ index: Int, at place: Int) {
    samples.elements(of: Int.self)[place] = index
  }

  func setLabel(_ label: Int, at place: Int) {
    labels.elements(of: Int32.self)[place] = Int32(truncatingIfNeeded: label)
  }

  func label(at place: Int) -> Int { Int(labels.elements(of: Int32.self)[place]) }

  func setTargets(_ targets: [Float], at place: Int) {
    _ = target(at: place)?.update(fromContentsOf: targets)
  }

  /// The distribution of one sample's label, or its targets.
  func target(at place: Int) -> UnsafeMutableBufferPointer<Float>? {
    guard let targets else { return nil }
    return UnsafeMutableBufferPointer(
      rebasing: targets.elements(of: Float.self)[place * classCount..<(place + 1) * classCount])
  }

  /// Moves a sample to another place.
  func move(_ place: Int, to other: Int) {
    _ = image(at: other).update(fromContentsOf: image(at: place))
    setLabel(label(at: place), at: other)
    if let own = target(at: place) { _ = target(at: other)?.update(fromContentsOf: own) }
    setSample(samples.elements(of: Int.self)[place], at: other)
  }
}

extension TensorStorage {
  fileprivate func elements<Element>(of type: Element.Type) -> UnsafeMutableBufferPointer<Element> {
    bytes.bindMemory(to: Element.self)
  }

  fileprivate func withSpan<Element: BitwiseCopyable, Result>(
    of count: Int, _ body: (Span<Element>) throws -> Result
  ) rethrows -> Result {
    try body(UnsafeBufferPointer(rebasing: elements(of: Element.self)[..<count]).span)
  }
}
