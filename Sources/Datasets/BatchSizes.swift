package import ConvNetImages
import ConvNetTensors

/// The sizes that the pictures of a batch may have, one of which is drawn for each batch: by seed, epoch, and the batch's place
/// in the epoch.
struct BatchSizes: Sendable {
  /// How pictures are prepared for each.
  let pipelines: [PicturePipeline]
  private let seed: UInt64

  /// - Parameter sides: pixels of the shorter side, the other in proportion; none for the extents of the preprocessing alone.
  /// - Throws: ``PreprocessingError`` or ``AugmentationError``.
  init(
    _ preprocessing: Preprocessing, _ augmentation: Augmentation, sides: [Int], seed: UInt64
  ) throws {
    self.seed = seed
    pipelines =
      sides.isEmpty
      ? [try PicturePipeline(preprocessing, augmentation)]
      : try sides.map { try PicturePipeline(preprocessing.ofShorterSide($0), augmentation) }
  }

  /// Of a picture.
  var shapes: [Shape] { pipelines.map(\.preprocessing.shape) }

  /// The largest of them.
  var largest: Shape { shapes.max { $0.count < $1.count } ?? [] }

  /// The size of a batch, by its place among ``pipelines``.
  ///
  /// - Parameter batch: the place within the epoch, from its beginning wherever it goes on.
  func number(epoch: Int, batch: Int) -> Int {
    guard pipelines.count > 1 else { return 0 }
    var random = RandomNumbers(
      RandomKey(
        seed: seed, purpose: .sizes, epoch: UInt32(truncatingIfNeeded: epoch),
        index: UInt32(truncatingIfNeeded: batch)))
    return random.integer(below: pipelines.count)
  }
}

extension Preprocessing {
  /// The same for an input whose shorter side has so many pixels, and the other in proportion, rounded.
  package func ofShorterSide(_ side: Int) throws(PreprocessingError) -> Preprocessing {
    let shorter = min(height, width)
    func scaled(_ extent: Int) -> Int {
      extent == shorter
        ? side : Int((Double(extent) * Double(side) / Double(shorter)).rounded())
    }
    return try resized(height: scaled(height), width: scaled(width))
  }
}
