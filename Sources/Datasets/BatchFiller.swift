import ConvNetImages
import ConvNetTensors

/// Reads and prepares the samples of a batch.
struct BatchFiller: Sendable {
  let dataset: any Dataset
  let preprocessing: Preprocessing
  private let converter: PixelConverter
  /// Set where the pictures lie in memory and need neither resizing nor other channels.
  private let inMemory: (any InMemoryDataset)?

  init(dataset: any Dataset, preprocessing: Preprocessing) {
    self.dataset = dataset
    self.preprocessing = preprocessing
    converter = PixelConverter(preprocessing)
    let fits =
      dataset.imageShape == [preprocessing.height, preprocessing.width, preprocessing.channels]
    inMemory = fits ? dataset as? any InMemoryDataset : nil
  }

  /// - Parameters:
  ///   - range: the places in `order` (or in the data set, where it is `nil`) that the batch takes.
  func fill(_ batch: inout Batch, index: Int, range: Range<Int>, order: [Int]?) throws {
    batch.count = range.count
    batch.index = index
    let size = converter.elementCount
    let inMemory = inMemory
    try batch.storage.withMutableSpan { images in
      try images.withUnsafeMutableBufferPointer { images in
        for (place, position) in range.enumerated() {
          let sample = order?[position] ?? position
          let target = UnsafeMutableBufferPointer(
            rebasing: images[place * size..<(place + 1) * size])
          if let inMemory {
            inMemory.withPixels(at: sample) { converter.convert($0, into: target) }
          } else {
            let image = preprocessing.fitted(try dataset.sample(at: sample).image)
            converter.convert(image.pixels.span, into: target)
          }
        }
      }
    }
    for (place, position) in range.enumerated() {
      batch.labelStorage[place] = Int32(dataset.label(at: order?[position] ?? position))
    }
  }
}
