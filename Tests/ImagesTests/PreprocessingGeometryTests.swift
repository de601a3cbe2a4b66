import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("The geometry of preprocessing is torchvision's and Pillow's")
struct PreprocessingGeometryTests {
  private static func picture(_ name: String) throws -> Image {
    let array = try Tensor(npy: fixturePath(name))
    return Image(
      height: array.shape[0], width: array.shape[1], channels: array.shape[2],
      pixels: array.withUnsafeBytes { [UInt8]($0) })
  }

  /// Pixels that say where they are.
  private static func coordinates(_ height: Int, _ width: Int) -> Image {
    var pixels: [UInt8] = []
    for row in 0..<height {
      for column in 0..<width {
        pixels += [
          UInt8(row % 256), UInt8(column % 256), UInt8(row / 256 * 16 + column / 256),
        ]
      }
    }
    return Image(height: height, width: width, channels: 3, pixels: pixels)
  }

  private struct Position: Decodable {
    var height: Int
    var width: Int
    var side: Int
    var crop: Int
    var resized: [Int]
    var corner: [Int]
  }

  @Test("the resized side and the corner of the crop are torchvision's, halves to the even number")
  func positions() throws {
    let rows = try JSONDecoder().decode(
      [Position].self, from: Data(fileBytes(fixturePath("positions.json"))))
    #expect(rows.contains { $0.side == 383 && $0.corner == [80, 80] })
    for row in rows {
      let extents = PictureFitting.extents(
        of: Extents(height: row.height, width: row.width), shorterSide: row.side)
      #expect([extents.height, extents.width] == row.resized, "\(row)")
      let preprocessing = try Preprocessing(
        height: row.crop, width: row.crop, channels: 3,
        fitting: .centerCrop(shorterSide: min(extents.height, extents.width)))
      let first = preprocessing.fitted(Self.coordinates(extents.height, extents.width))
      let blue = Int(first[0, 0, 2])
      let corner = [
        blue / 16 * 256 + Int(first[0, 0, 0]), blue % 16 * 256 + Int(first[0, 0, 1]),
      ]
      #expect(corner == row.corner, "\(row)")
    }
  }

  @Test(
    "a resized and cropped photograph has torchvision's pixels",
    arguments: [ResizingFilter.bilinear, .bicubic], [60, 53])
  func crop(filter: ResizingFilter, side: Int) throws {
    let preprocessing = try Preprocessing(
      height: side, width: side, channels: 3, fitting: .centerCrop(shorterSide: 60),
      filter: filter)
    let expected = try Self.picture("prepared-\(filter.rawValue)-60-\(side).npy")
    let photograph = try Self.picture("photograph.npy")
    #expect(preprocessing.fitted(photograph) == expected)
    // The same picture by the way of batches.
    var canvas = Canvas()
    canvas.load(photograph)
    let pipeline = try PicturePipeline(preprocessing)
    var values = [Float](repeating: 0, count: pipeline.elementCount)
    values.withUnsafeMutableBufferPointer {
      pipeline.prepare(&canvas, seed: 0, epoch: 0, sample: 0, into: $0)
    }
    #expect(values == expected.pixels.map { Float($0) / 255 })
    #expect(preprocessing.prepared(photograph).elements == values)
  }

  @Test("a padded photograph has Pillow's pixels", arguments: [(20, 20), (17, 30)])
  func pad(height: Int, width: Int) throws {
    let preprocessing = try Preprocessing(
      height: height, width: width, channels: 3,
      fitting: .pad(Image.Color(red: 10, green: 20, blue: 30)))
    let expected = try Self.picture("padded-\(height)x\(width).npy")
    #expect(try preprocessing.fitted(Self.picture("photograph.npy")) == expected)
  }

  @Test(
    "pictures of one line, one pixel, and very long ones are cropped and padded, without the memory of the resized whole"
  )
  func extremes() throws {
    for (height, width) in [(1, 1), (1, 60_000), (60_000, 1), (2, 3)] {
      let image = Image(height: height, width: width, color: .init(red: 1, green: 2, blue: 3))
      for fitting in [PictureFitting.squash, .centerCrop(shorterSide: 256), .pad(.black)] {
        let fitted = try Preprocessing(height: 224, width: 224, channels: 3, fitting: fitting)
          .fitted(image)
        #expect(fitted.height == 224 && fitted.width == 224)
        #expect(fitted[112, 112, 2] == 3 || fitting == .pad(.black))
      }
    }
  }

  @Test("what augmentation cut out stays; what it left whole is cropped as in prediction")
  func augmented() throws {
    let photograph = try Self.picture("photograph.npy")
    let preprocessing = try Preprocessing(
      height: 24, width: 24, channels: 3, fitting: .centerCrop(shorterSide: 30))
    func prepared(_ augmentation: Augmentation, _ image: Image) throws -> [Float] {
      var canvas = Canvas()
      canvas.load(image)
      let pipeline = try PicturePipeline(preprocessing, augmentation)
      var values = [Float](repeating: 0, count: pipeline.elementCount)
      values.withUnsafeMutableBufferPointer {
        pipeline.prepare(&canvas, seed: 0, epoch: 0, sample: 0, into: $0)
      }
      return values
    }
    let small = photograph.resized(height: 24, width: 24)
    #expect(try prepared([.randomCrop()], small) == small.pixels.map { Float($0) / 255 })
    for image in [photograph, small] {
      let whole = try prepared([.horizontalReflection(probability: 0)], image)
      #expect(whole == preprocessing.prepared(image).elements)
    }
  }

  @Test("blue comes first where a network wants it, with the mean and deviation of its own color")
  func channelOrder() throws {
    let image = Image(height: 1, width: 2, channels: 3, pixels: [0, 51, 102, 153, 204, 255])
    for format in [DataFormat.channelsLast, .channelsFirst] {
      let ramp = MeanPicture(
        height: 1, width: 2, channels: 3, values: [0, 0.1, 0.2, 0.3, 0.4, 0.5])
      for picture in [nil, ramp] {
        let mean: [Float]? = picture == nil ? [0.5, 0.25, 0.125] : nil
        let red = try Preprocessing(
          height: 1, width: 2, channels: 3, mean: mean, deviation: [1, 2, 4],
          meanPicture: picture, dataFormat: format)
        var blue = red
        blue.channelOrder = .bgr
        let (expected, actual) = (red.prepared(image).elements, blue.prepared(image).elements)
        let places = format == .channelsLast ? [2, 1, 0, 5, 4, 3] : [4, 5, 2, 3, 0, 1]
        #expect(actual == places.map { expected[$0] })
      }
    }
    #expect(throws: PreprocessingError.channelOrder(.bgr)) {
      try Preprocessing(height: 1, width: 1, channels: 1, channelOrder: .bgr)
    }
  }

  @Test("a file that says nothing of geometry means squashing, and is written as it was before")
  func coding() throws {
    let old = """
      {"background":{"blue":255,"green":255,"red":255},"channels":3,"dataFormat":"channelsLast","height":224,"mean":[0.5,0.5,0.5],"width":224}
      """
    let decoded = try JSONDecoder().decode(Preprocessing.self, from: Data(old.utf8))
    #expect(decoded.fitting == .squash && decoded.filter == .bilinear)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    #expect(String(decoding: try encoder.encode(decoded), as: UTF8.self) == old)
    for preset in Preprocessing.Preset.all {
      let value = try decoded.applying(preset)
      let back = try JSONDecoder().decode(Preprocessing.self, from: encoder.encode(value))
      #expect(back == value)
    }
    var padded = decoded
    padded.fitting = .pad(.init(grey: 7))
    #expect(
      try JSONDecoder().decode(Preprocessing.self, from: encoder.encode(padded)) == padded)
  }

  @Test(
    "presets have the sizes of their publishers",
    arguments: [
      ("imagenet", 224, 256), ("imagenet", 299, 342), ("inception", 299, 342), ("timm", 224, 256),
      ("timm", 299, 341), ("keras-caffe", 224, 256), ("convnext", 224, 236), ("imagenet", 28, 32),
    ])
  func presets(name: String, size: Int, side: Int) throws {
    let preset = try #require(Preprocessing.Preset.all.first { $0.name == name })
    let value = try Preprocessing(height: size, width: size, channels: 3).applying(preset)
    #expect(value.fitting == .centerCrop(shorterSide: side))
    #expect(value.filter == (name == "timm" ? .bicubic : .bilinear))
    #expect(throws: PreprocessingError.presetOfColors(name)) {
      try Preprocessing(height: size, width: size, channels: 1).applying(preset)
    }
  }

  @Test("Caffe's preparation is the value of 0 to 255 minus the mean, blue first")
  func caffe() throws {
    let value = try Preprocessing(height: 1, width: 1, channels: 3).applying(.kerasCaffe)
    let pixel = Image(height: 1, width: 1, channels: 3, pixels: [200, 100, 50])
    let numbers = value.prepared(pixel).elements
    for (number, expected) in zip(numbers, [50 - 103.939, 100 - 116.779, 200 - 123.68]) {
      #expect(abs(number - Float(expected)) < 1e-4)
    }
  }

  @Test("a side that is less than what is cut out of it is refused, and follows the input")
  func sides() throws {
    #expect(throws: PreprocessingError.shorterSide(223, height: 224, width: 200)) {
      try Preprocessing(
        height: 224, width: 200, channels: 3, fitting: .centerCrop(shorterSide: 223))
    }
    #expect(throws: PreprocessingError.shorterSide(.max, height: 1, width: 1)) {
      try Preprocessing(
        height: 1, width: 1, channels: 3, fitting: .centerCrop(shorterSide: .max))
    }
    let value = try Preprocessing(
      height: 224, width: 224, channels: 3, fitting: .centerCrop(shorterSide: 256))
    #expect(try value.resized(height: 112, width: 112).fitting == .centerCrop(shorterSide: 128))
    #expect(try value.resized(height: 64, width: 96).fitting == .centerCrop(shorterSide: 96))
  }
}
