import ConvNetImages
import ConvNetTensors
import Testing

@Suite("Picture pipeline") struct PicturePipelineTests {
  private static func prepared(
    _ image: Image, _ pipeline: PicturePipeline, seed: UInt64 = 1, epoch: Int = 0, sample: Int = 0
  ) -> [Float] {
    var canvas = Canvas()
    canvas.load(image)
    var result = [Float](repeating: .nan, count: pipeline.elementCount)
    result.withUnsafeMutableBufferPointer {
      pipeline.prepare(&canvas, seed: seed, epoch: epoch, sample: sample, into: $0)
    }
    return result
  }

  private static func noise(_ height: Int, _ width: Int, _ channels: Int = 3) -> Image {
    var random = RandomNumbers(RandomKey(seed: 5, purpose: .input))
    return .noise(height: height, width: width, channels: channels, random: &random)
  }

  @Test(
    "Without augmentation a picture is prepared as for prediction", arguments: [1, 3, 4], [1, 3])
  func plain(from: Int, to: Int) throws {
    for (height, width) in [(9, 7), (20, 31)] {
      for format in DataFormat.allCases {
        let preprocessing = try Preprocessing(
          height: 9, width: 7, channels: to, mean: [Float](repeating: 0.4, count: to),
          dataFormat: format)
        let image = Self.noise(height, width, from)
        let result = Self.prepared(image, try PicturePipeline(preprocessing))
        #expect(result == preprocessing.prepared(image).elements)
      }
    }
  }

  @Test("Window, reflection, shift and normalization equal the formulas", arguments: 0..<30)
  func formulas(sample: Int) throws {
    let components = PrincipalComponents(
      variances: [0.3, 0.02, 0.005],
      vectors: [[0.6, 0.6, 0.52915], [0.7, -0.71, 0.01], [0.4, 0.3, -0.86]])
    let shift = ColorShift(deviation: 0.1, components: components)
    let mean: [Float] = [0.5, 0.4, 0.3]
    let deviation: [Float] = [0.2, 0.3, 0.4]
    let image = Self.noise(12, 15)
    for format in DataFormat.allCases {
      let preprocessing = try Preprocessing(
        height: 8, width: 9, channels: 3, mean: mean, deviation: deviation, dataFormat: format)
      let pipeline = try PicturePipeline(
        preprocessing, [.randomCrop(), .horizontalReflection(), .colorShift(shift)])
      let result = Self.prepared(image, pipeline, sample: sample)
      // The same numbers, drawn here once more.
      var random = RandomNumbers(
        RandomKey(seed: 1, purpose: .augmentation, epoch: 0, index: UInt32(sample)))
      let row = random.integer(below: 5)
      let column = random.integer(below: 7)
      let isMirrored = random.uniform() < 0.5
      let weights = (0..<3).map { _ in 0.1 * Double(random.normal()) }
      for y in 0..<8 {
        for x in 0..<9 {
          for channel in 0..<3 {
            let value = image[row + y, column + (isMirrored ? 8 - x : x), channel]
            var expected = Double(value) / 255
            for k in 0..<3 {
              expected +=
                weights[k] * Double(components.variances[k])
                * Double(components.vectors[k][channel])
            }
            expected = (expected - Double(mean[channel])) / Double(deviation[channel])
            let index =
              format == .channelsLast ? (y * 9 + x) * 3 + channel : (channel * 8 + y) * 9 + x
            #expect(abs(Double(result[index]) - expected) < 1e-5)
          }
        }
      }
    }
  }

  @Test("A mean picture is subtracted place by place", arguments: DataFormat.allCases)
  func meanPicture(format: DataFormat) throws {
    let image = Self.noise(4, 5)
    let mean = MeanPicture(
      height: 4, width: 5, channels: 3, values: (0..<60).map { Float($0) / 60 })
    let preprocessing = try Preprocessing(
      height: 4, width: 5, channels: 3, deviation: [0.5, 0.25, 2], meanPicture: mean,
      dataFormat: format)
    let result = preprocessing.prepared(image)
    for row in 0..<4 {
      for column in 0..<5 {
        for channel in 0..<3 {
          let own = Float(image[row, column, channel]) / 255
          let expected =
            (own - Float((row * 5 + column) * 3 + channel) / 60) / [0.5, 0.25, 2][channel]
          let actual =
            format == .channelsLast ? result[row, column, channel] : result[channel, row, column]
          #expect(abs(actual - expected) < 1e-5)
        }
      }
    }
    #expect(throws: PreprocessingError.self) {
      try Preprocessing(height: 5, width: 4, channels: 3, meanPicture: mean)
    }
    #expect(throws: PreprocessingError.self) {
      try Preprocessing(
        height: 4, width: 5, channels: 3, mean: [0, 0, 0], meanPicture: mean)
    }
  }

  @Test("The same key gives the same numbers, another epoch, sample or seed others")
  func keys() throws {
    let components = PrincipalComponents(covariance: [[1, 0, 0], [0, 2, 0], [0, 0, 3]])
    let pipeline = try PicturePipeline(
      Preprocessing(height: 16, width: 16, channels: 3),
      AugmentationTests.allSteps.resolved(with: components))
    let image = Self.noise(30, 40)
    let first = Self.prepared(image, pipeline)
    #expect(Self.prepared(image, pipeline) == first)
    #expect(Self.prepared(image, pipeline, epoch: 1) != first)
    #expect(Self.prepared(image, pipeline, sample: 1) != first)
    #expect(Self.prepared(image, pipeline, seed: 2) != first)
    #expect(first.allSatisfy { $0.isFinite })
  }

  @Test("A canvas with the rest of another picture in it makes no difference")
  func reuse() throws {
    let pipeline = try PicturePipeline(
      Preprocessing(height: 16, width: 16, channels: 3),
      [.randomResizedCrop(), .rotation(degrees: 9)])
    var canvas = Canvas()
    for sample in 0..<20 {
      let image = Self.noise(10 + sample * 7 % 40, 10 + sample * 5 % 30)
      canvas.load(image)
      var result = [Float](repeating: .nan, count: pipeline.elementCount)
      result.withUnsafeMutableBufferPointer {
        pipeline.prepare(&canvas, seed: 1, epoch: 0, sample: sample, into: $0)
      }
      #expect(result == Self.prepared(image, pipeline, sample: sample))
    }
  }

  @Test("A window that does not fit into a small picture enlarges it", arguments: [0, 3])
  func smallPictures(padding: Int) throws {
    let preprocessing = try Preprocessing(height: 16, width: 12, channels: 1)
    let pipeline = try PicturePipeline(preprocessing, [.randomCrop(padding: padding)])
    for (height, width) in [(1, 1), (3, 50), (50, 3), (15, 12), (16, 11)] {
      let image = Image(height: height, width: width, color: .white, channels: 1)
      for sample in 0..<10 {
        let result = Self.prepared(image, pipeline, sample: sample)
        #expect(result.allSatisfy { $0 == 1 || (padding > 0 && $0 == 0) })
      }
    }
  }

  /// Krizhevsky et al., 2012, section 2: the shorter side of 256, and of that the central 256 x 256. ``PictureFitting`` is held
  /// to torchvision's `Resize` and `CenterCrop`.
  @Test(
    "AlexNet's windows come from the central square alone",
    arguments: [(40, 61), (61, 40), (33, 33), (50, 37)])
  func centralSquare(height: Int, width: Int) throws {
    let image = Self.noise(height, width)
    let square = try PicturePipeline(
      Preprocessing(height: 24, width: 24, channels: 3),
      [.shorterSide(from: 24, to: 24, square: true), .randomCrop()])
    let centre = try Preprocessing(
      height: 24, width: 24, channels: 3, fitting: .centerCrop(shorterSide: 24))
    #expect(Self.prepared(image, square) == centre.prepared(image).elements)
    // Windows that are smaller lie in the square, wherever they are drawn.
    let windows = try PicturePipeline(
      Preprocessing(height: 4, width: 4, channels: 3),
      [.shorterSide(from: 24, to: 24, square: true), .randomCrop()])
    let pixels = centre.prepared(image).elements
    for sample in 0..<40 {
      let window = Self.prepared(image, windows, sample: sample)
      let isThere = (0...20).contains { row in
        (0...20).contains { column in
          (0..<4).allSatisfy { y in
            let start = ((row + y) * 24 + column) * 3
            return zip(window[y * 12..<(y + 1) * 12], pixels[start..<start + 12])
              .allSatisfy { abs($0 - $1) < 1.5 / 255 }
          }
        }
      }
      #expect(isThere, "sample \(sample)")
    }
  }
}
