package import ConvNetImages
import ConvNetTensors

/// Reads and prepares samples. Each thread has one, with memory that is used again for each.
package struct SampleReader: ~Copyable {
  private let dataset: any Dataset
  /// One a size.
  private let pipelines: [PicturePipeline]
  private let cache: PictureCache?
  private let inMemory: (any InMemoryDataset)?
  /// Of the pictures in memory: height, width, channels.
  private let extents: (Int, Int, Int)?
  private let encoded: (any EncodedDataset)?
  /// Pictures of the network's extents that lie in memory and are not augmented go straight to the
  /// batch. One a size.
  private let converters: [PixelConverter?]
  private var decoder: ImageDecoder
  private var canvas = Canvas()
  private var file: [UInt8] = []

  package init(_ dataset: any Dataset, _ pipeline: PicturePipeline, cache: PictureCache?) {
    self.init(dataset, [pipeline], cache: cache)
  }

  /// - Parameter pipelines: one a size, which agree in all else; at least one.
  package init(_ dataset: any Dataset, _ pipelines: [PicturePipeline], cache: PictureCache?) {
    self.dataset = dataset
    self.pipelines = pipelines
    self.cache = cache
    let inMemory = dataset as? any InMemoryDataset
    self.inMemory = inMemory
    extents = dataset.imageShape.map { ($0[0], $0[1], $0[2]) }
    encoded = dataset as? any EncodedDataset
    converters = pipelines.map { pipeline in
      let preprocessing = pipeline.preprocessing
      let fits =
        inMemory != nil && pipeline.augmentation.steps.isEmpty
        && dataset.imageShape
          == [preprocessing.height, preprocessing.width, preprocessing.channels]
        && preprocessing.keepsFittingPictures
      return fits ? PixelConverter(preprocessing) : nil
    }
    decoder = ImageDecoder(pipelines[0].decodingOptions)
  }

  /// Prepares a sample.
  ///
  /// - Parameters:
  ///   - size: of the prepared picture, by its place among those of the reader.
  ///   - key: the sample that the random numbers belong to.
  ///   - target: room for a prepared picture.
  /// - Throws: what reading and decoding throws.
  package mutating func read(
    _ sample: Int, size: Int = 0, seed: UInt64, epoch: Int, key: Int,
    into target: UnsafeMutableBufferPointer<Float>
  ) throws {
    if let converter = converters[size], let inMemory {
      inMemory.withPixels(at: sample) { converter.convert($0, into: target) }
      return
    }
    try load(sample)
    pipelines[size].prepare(&canvas, seed: seed, epoch: epoch, sample: key, into: target)
  }

  private mutating func load(_ sample: Int) throws {
    if let inMemory, let (height, width, channels) = extents {
      inMemory.withPixels(at: sample) { pixels in
        canvas.load(height: height, width: width, channels: channels, pixels)
      }
      return
    }
    if let image = cache?[sample] { return canvas.load(image) }
    if let encoded {
      let name = try encoded.readEncoded(at: sample, into: &file)
      try Self.decode(file, name, &decoder, into: &canvas)
    } else {
      canvas.load(try dataset.sample(at: sample).image)
    }
    guard let cache, cache.hasRoom(for: canvas.byteCount) else { return }
    cache.keep(canvas.image(), of: sample)
  }

  private static func decode(
    _ file: [UInt8], _ name: String, _ decoder: inout ImageDecoder, into canvas: inout Canvas
  ) throws(ImageError) {
    try canvas.load { image throws(ImageError) in
      try decoder.decode(file.span.bytes, file: name, into: &image)
    }
  }
}
