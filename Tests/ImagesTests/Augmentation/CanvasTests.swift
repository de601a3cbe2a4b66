import ConvNetImages
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// What torchvision and Pillow make of a small picture, by name.
private enum Reference {
  static let pictures: [String: Image] = {
    do {
      let names = try JSONDecoder().decode(
        [String].self,
        from: Data(fileBytes(fixturePath("augmentation.json", beside: "\(folder)/x"))))
      let array = try Tensor(npy: fixturePath("augmentation.npy", beside: "\(folder)/x"))
      let (height, width) = (array.shape[1], array.shape[2])
      let values = array.elements(of: UInt8.self)
      let size = height * width * 3
      return Dictionary(
        uniqueKeysWithValues: names.enumerated().map { index, name in
          (
            name,
            Image(
              height: height, width: width, channels: 3,
              pixels: Array(values[index * size..<(index + 1) * size]))
          )
        })
    } catch {
      Issue.record("\(error)")
      return [:]
    }
  }()

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().path
}

private struct Change: Sendable, CustomTestStringConvertible {
  var name: String
  /// Levels that a value may differ by.
  var tolerance = 0
  /// Share of the pixels that may differ by more: those on the edge between two sources.
  var share = 0.0
  var apply: @Sendable (inout Canvas) -> Void
  var testDescription: String { name }
}

private func loaded(_ image: Image) -> Canvas {
  var canvas = Canvas()
  canvas.load(image)
  return canvas
}

@Suite("Canvas") struct CanvasTests {
  private static let allChanges: [Change] = [
    Change(name: "brightness 0.3") { $0.scaleBrightness(by: 0.3) },
    Change(name: "brightness 1.7") { $0.scaleBrightness(by: 1.7) },
    Change(name: "contrast 0.3") { $0.scaleContrast(by: 0.3) },
    Change(name: "contrast 1.7") { $0.scaleContrast(by: 1.7) },
    Change(name: "saturation 0.3") { $0.scaleSaturation(by: 0.3) },
    Change(name: "saturation 1.7") { $0.scaleSaturation(by: 1.7) },
    Change(name: "sharpness 0.3") { $0.scaleSharpness(by: 0.3) },
    Change(name: "sharpness 1.7") { $0.scaleSharpness(by: 1.7) },
    // Pillow keeps the hue in eight bits: a level of it is six of a color.
    Change(name: "hue 0.2", tolerance: 8) { $0.turnHue(by: 0.2) },
    Change(name: "hue -0.35", tolerance: 8) { $0.turnHue(by: -0.35) },
    Change(name: "posterize 2") { $0.posterize(bits: 2) },
    Change(name: "posterize 5") { $0.posterize(bits: 5) },
    Change(name: "solarize 100") { $0.solarize(from: 100) },
    Change(name: "autocontrast") { $0.stretchContrast() },
    Change(name: "equalize") { $0.equalize() },
    Change(name: "rotate 37", tolerance: 1) { canvas in
      canvas.transform(
        .rotation(degrees: 37, of: canvas.extents), interpolation: .bilinear, fill: .black)
    },
    Change(name: "rotate -20", tolerance: 1) { canvas in
      canvas.transform(
        .rotation(degrees: -20, of: canvas.extents), interpolation: .bilinear, fill: .black)
    },
  ]

  private static func requireEqual(_ canvas: inout Canvas, to change: Change) throws {
    let expected = try #require(Reference.pictures[change.name])
    let actual = canvas.image()
    #expect(actual.height == expected.height && actual.width == expected.width)
    let differences = zip(actual.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }
    let wrong = differences.count { $0 > change.tolerance }
    #expect(
      Double(wrong) <= change.share * Double(differences.count),
      "\(wrong) of \(differences.count) values differ, by up to \(differences.max() ?? 0)")
  }

  @Test("Changes equal torchvision's on Pillow's pictures", arguments: allChanges)
  private func changes(_ change: Change) throws {
    var canvas = loaded(try #require(Reference.pictures["source"]))
    change.apply(&canvas)
    try Self.requireEqual(&canvas, to: change)
  }

  @Test(
    "TrivialAugment's changes equal torchvision's", arguments: TrivialAugment.Change.allCases)
  func trivialAugment(change: TrivialAugment.Change) throws {
    var canvas = loaded(try #require(Reference.pictures["source"]))
    let negative: Set<TrivialAugment.Change> = [
      .shearColumns, .shiftColumns, .rotation, .saturation, .sharpness,
    ]
    TrivialAugment.apply(
      change, strength: 20.0 / 30, sign: negative.contains(change) ? -1 : 1, to: &canvas)
    let isMoved = [.shearRows, .shearColumns, .rotation].contains(change)
    try Self.requireEqual(
      &canvas,
      to: Change(name: "trivial \(change)", share: isMoved ? 0.01 : 0) { _ in })
  }

  @Test("A change by the factor one, or by no turn, changes nothing")
  func identities() throws {
    let source = try #require(Reference.pictures["source"])
    var canvas = loaded(source)
    canvas.scaleBrightness(by: 1)
    canvas.scaleContrast(by: 1)
    canvas.scaleSaturation(by: 1)
    canvas.scaleSharpness(by: 1)
    canvas.turnHue(by: 0)
    canvas.posterize(bits: 8)
    canvas.solarize(from: 256)
    canvas.transform(
      .rotation(degrees: 0, of: canvas.extents), interpolation: .bilinear, fill: .white)
    #expect(canvas.image() == source)
    // A turn by a third exchanges the colors.
    canvas.load(Image(height: 1, width: 1, channels: 3, pixels: [200, 50, 100]))
    canvas.turnHue(by: 1 / 3)
    #expect(canvas.image().pixels == [100, 200, 50])
  }

  @Test("Windows and reflections that are only noted equal those that are made", arguments: 0..<60)
  func laziness(seed: Int) {
    var random = RandomNumbers(RandomKey(seed: UInt64(seed), purpose: .input))
    let channels = seed % 2 == 0 ? 1 : 3
    let source = Image.noise(height: 23, width: 31, channels: channels, random: &random)
    var (canvas, expected) = (loaded(source), source)
    for _ in 0..<5 {
      if random.chance(0.4) {
        canvas.mirror()
        expected = expected.mirrored()
      } else {
        let height = 1 + random.integer(below: expected.height)
        let width = 1 + random.integer(below: expected.width)
        // Some reach beyond the picture.
        let row = random.integer(below: expected.height - height + 5) - 2
        let column = random.integer(below: expected.width - width + 5) - 2
        canvas.crop(
          row: row, column: column, to: Extents(height: height, width: width),
          fill: .init(red: 9, green: 9, blue: 9))
        expected = expected.cropped(row, column, height, width, fill: 9)
      }
    }
    #expect(canvas.image() == expected)
  }

  @Test("A window of a resized picture is the same before and after resizing", arguments: 0..<20)
  func windowOfResized(seed: Int) {
    var random = RandomNumbers(RandomKey(seed: UInt64(seed), purpose: .input))
    let source = Image.noise(height: 40, width: 53, channels: 3, random: &random)
    let (height, width) = (13 + random.integer(below: 60), 13 + random.integer(below: 60))
    var canvas = loaded(source)
    canvas.resize(to: Extents(height: height, width: width))
    let (row, column) = (random.integer(below: height - 9), random.integer(below: width - 11))
    let isMirrored = random.chance(0.5)
    if isMirrored { canvas.mirror() }
    canvas.crop(row: row, column: column, to: Extents(height: 10, width: 12), fill: .black)
    let resized = source.resized(height: height, width: width)
    let expected = (isMirrored ? resized.mirrored() : resized).cropped(row, column, 10, 12, fill: 0)
    let differences = zip(canvas.image().pixels, expected.pixels).map { abs(Int($0) - Int($1)) }
    #expect(differences.max() ?? 0 <= 1)
  }

  @Test("Channels change as they do for pictures", arguments: [1, 3, 4], [1, 3])
  func channels(from: Int, to: Int) {
    var random = RandomNumbers(RandomKey(seed: 3, purpose: .input))
    let source = Image.noise(height: 5, width: 7, channels: from, random: &random)
    let background = Image.Color(red: 10, green: 200, blue: 90)
    var canvas = loaded(source)
    canvas.convert(toChannels: to, background: background)
    #expect(canvas.image() == source.converted(toChannels: to, background: background))
  }
}

extension Image {
  static func noise(
    height: Int, width: Int, channels: Int, random: inout RandomNumbers
  ) -> Image {
    Image(
      height: height, width: width, channels: channels,
      pixels: (0..<height * width * channels).map { _ in UInt8(random.integer(below: 256)) })
  }

  /// Pixel by pixel, as one would write it down.
  func mirrored() -> Image {
    var result = self
    for row in 0..<height {
      for column in 0..<width {
        for channel in 0..<channels {
          result[row, column, channel] = self[row, width - 1 - column, channel]
        }
      }
    }
    return result
  }

  func cropped(_ row: Int, _ column: Int, _ newHeight: Int, _ newWidth: Int, fill: UInt8) -> Image {
    var values: [UInt8] = []
    for y in row..<row + newHeight {
      for x in column..<column + newWidth {
        for channel in 0..<channels {
          let isInside = 0..<height ~= y && 0..<width ~= x
          values.append(isInside ? self[y, x, channel] : fill)
        }
      }
    }
    return Image(height: newHeight, width: newWidth, channels: channels, pixels: values)
  }
}
