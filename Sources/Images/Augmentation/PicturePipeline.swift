import ConvNetTensors

/// All that happens to a picture between its file and the batch: preprocessing, and augmentation
/// where it is for training.
package struct PicturePipeline: Sendable {
  package let preprocessing: Preprocessing
  package let augmentation: Augmentation
  private let converter: PixelConverter
  private let shape: PictureShape
  private let pixelSteps: [any PixelStep]
  private let shifts: [(shift: ColorShift, components: PrincipalComponents)]
  private let erasings: [RandomErasing]
  private let mixings: [Augmentation.Step]

  /// - Throws: ``PreprocessingError`` or ``AugmentationError`` where a value is out of its range or
  ///   a color shift has no components.
  package init(_ preprocessing: Preprocessing, _ augmentation: Augmentation = .none) throws {
    try preprocessing.validate()
    try augmentation.validate(channels: preprocessing.channels)
    self.preprocessing = preprocessing
    self.augmentation = augmentation
    converter = PixelConverter(preprocessing)
    shape = PictureShape(
      extents: Extents(height: preprocessing.height, width: preprocessing.width),
      channels: preprocessing.channels, format: preprocessing.dataFormat)
    pixelSteps = augmentation.steps.compactMap { $0.attributes as? any PixelStep }
    shifts = try augmentation.steps.compactMap { step in
      guard case .colorShift(let shift) = step else { return nil }
      guard let components = shift.components else {
        throw AugmentationError(step: step.name, problem: .noComponents)
      }
      return (shift, components)
    }
    erasings = augmentation.steps.compactMap { step in
      if case .erasing(let erasing) = step { erasing } else { nil }
    }
    mixings = augmentation.steps.filter { $0.phase == .mixing }
  }

  /// How pictures are decoded: upright, in the input's channels. Where the first step makes them
  /// smaller, a large photograph need not be decoded at its full size.
  package var decodingOptions: DecodingOptions {
    var options = DecodingOptions(
      channels: preprocessing.channels, background: preprocessing.background)
    if case .shorterSide(let step) = augmentation.steps.first { options.resizedExtent = step.to }
    return options
  }

  /// Numbers of a prepared picture.
  package var elementCount: Int { shape.count }

  package var mixesSamples: Bool { !mixings.isEmpty }

  /// Prepares the picture that a canvas has been loaded with.
  ///
  /// - Parameters:
  ///   - seed: of the training.
  ///   - target: room for ``elementCount`` numbers.
  package func prepare(
    _ canvas: inout Canvas, seed: UInt64, epoch: Int, sample: Int,
    into target: UnsafeMutableBufferPointer<Float>
  ) {
    canvas.convert(toChannels: preprocessing.channels, background: preprocessing.background)
    var random = RandomNumbers(
      RandomKey(
        seed: seed, purpose: .augmentation, epoch: UInt32(truncatingIfNeeded: epoch),
        index: UInt32(truncatingIfNeeded: sample)))
    for step in pixelSteps { step.apply(to: &canvas, input: shape.extents, random: &random) }
    // Where steps have cut out what the network is to be given, nothing is left to be fitted.
    if !canvas.hasNewExtents || canvas.extents != shape.extents { canvas.fit(preprocessing) }
    canvas.resolveSize()
    var sum: SIMD3<Float>?
    for (shift, components) in shifts {
      sum = (sum ?? .zero) + shift.shift(components, random: &random)
    }
    let window = canvas.window
    canvas.withPixels { converter.convert($0, window, shift: sum, into: target) }
    for erasing in erasings { erasing.apply(to: target, of: shape, random: &random) }
  }

  /// Mixes the sample that follows in the epoch's order into a sample.
  ///
  /// - Returns: the share of the sample's own label, 0 to 1.
  package func mix(
    _ other: UnsafeBufferPointer<Float>, into own: UnsafeMutableBufferPointer<Float>,
    seed: UInt64, epoch: Int, sample: Int
  ) -> Float {
    var random = RandomNumbers(
      RandomKey(
        seed: seed, purpose: .mixing, epoch: UInt32(truncatingIfNeeded: epoch),
        index: UInt32(truncatingIfNeeded: sample)))
    switch mixings[mixings.count == 1 ? 0 : random.integer(below: mixings.count)] {
    case .mixup(let mixup):
      let weight = Float(random.beta(Double(mixup.alpha)))
      for index in own.indices {
        own[index] = weight * own[index] + (1 - weight) * other[index]
      }
      return weight
    case .cutMix(let cutMix):
      let rectangle = cutMix.rectangle(in: shape.extents, random: &random)
      shape.forEachRun(of: rectangle) { run in
        for index in run { own[index] = other[index] }
      }
      return 1 - Float(rectangle.area) / Float(shape.extents.height * shape.extents.width)
    default:
      return 1
    }
  }
}
