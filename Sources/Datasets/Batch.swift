public import ConvNetTensors

/// Prepared pictures and their labels.
///
/// A value: keeping it is safe, but only a batch that is let go before the next one is asked for
/// lets the loader use its memory again.
public struct Batch: Sendable {
  /// The number of samples, at least 1.
  public internal(set) var count: Int
  /// The number of the batch within its epoch, from 0.
  public internal(set) var index: Int
  /// The shape of one picture: [H, W, C] or [C, H, W].
  public let sampleShape: Shape
  /// Room for as many samples as the largest batch has; the first `count` are this batch's.
  var storage: Tensor
  var labelStorage: [Int32]

  init(capacity: Int, sampleShape: Shape) {
    self.sampleShape = sampleShape
    count = 0
    index = 0
    storage = Tensor(zeros: Shape([capacity] + sampleShape.dimensions))
    labelStorage = [Int32](repeating: 0, count: capacity)
  }

  /// [N, H, W, C] or [N, C, H, W].
  public var shape: Shape { Shape([count] + sampleShape.dimensions) }

  /// Lends the pictures, `count * sampleShape.count` numbers in row-major order of ``shape``.
  public func withImages<Result>(_ body: (Span<Float>) throws -> Result) rethrows -> Result {
    try storage.withSpan { try body($0.extracting(0..<count * sampleShape.count)) }
  }

  /// Lends the class of each picture.
  public func withLabels<Result>(_ body: (Span<Int32>) throws -> Result) rethrows -> Result {
    try labelStorage.withUnsafeBufferPointer { labels in
      try body(UnsafeBufferPointer(rebasing: labels[..<count]).span)
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
  public var labels: [Int32] { Array(labelStorage[..<count]) }
}
