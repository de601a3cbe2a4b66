import ConvNetImages
import ConvNetTensors
import Foundation
import Testing

/// Darkens by a random factor, and turns a picture on its side.
private struct Dusk: CustomAugmentation {
  struct Unfit: Error, CustomStringConvertible {
    var description: String { "least is above 1" }
  }

  static let name = "test.dusk"
  var least: Float = 0.25

  func validate() throws {
    if least > 1 { throw Unfit() }
  }

  func apply(to image: inout Image, random: inout RandomNumbers) {
    let factor = random.uniform(in: least..<1)
    let old = image
    image = Image(height: old.width, width: old.height, color: .black, channels: old.channels)
    for row in 0..<old.height {
      for column in 0..<old.width {
        for channel in 0..<old.channels {
          image[column, row, channel] = UInt8(Float(old[row, column, channel]) * factor)
        }
      }
    }
  }
}

@Suite("Augmentation from outside") struct CustomAugmentationTests {
  private func prepared(_ augmentation: Augmentation, sample: Int) throws -> [Float] {
    let pipeline = try PicturePipeline(
      Preprocessing(height: 3, width: 2, channels: 1), augmentation)
    var canvas = Canvas()
    canvas.load(Image(height: 2, width: 3, channels: 1, pixels: [200, 100, 40, 80, 160, 240]))
    return [Float](unsafeUninitializedCapacity: 6) { target, count in
      pipeline.prepare(&canvas, seed: 7, epoch: 1, sample: sample, into: target)
      count = 6
    }
  }

  @Test("it is a step among the others, with numbers of seed, epoch and sample")
  func applied() throws {
    let step = Augmentation.Step.custom(Dusk())
    let first = try prepared([step], sample: 4)
    #expect(try prepared([step], sample: 4) == first)
    #expect(try prepared([step], sample: 5) != first)
    // Transposed by the step itself, so that nothing is left to resize.
    let factor = first[0] / (200.0 / 255)
    #expect(factor >= 0.25 && factor < 1)
    for (actual, value) in zip(first, [200, 80, 100, 160, 40, 240] as [Float]) {
      #expect(abs(actual - value * factor / 255) < 1.1 / 255)
    }
  }

  /// Cannot be told from another of its kind.
  private struct Unwritable: CustomAugmentation {
    static let name = "test.unwritable"

    init() {}
    init(from decoder: any Decoder) throws {}
    func encode(to encoder: any Encoder) throws { throw CocoaError(.coderInvalidValue) }
    func apply(to image: inout Image, random: inout RandomNumbers) {}
  }

  @Test("one whose fields no file can keep is refused")
  func unwritable() {
    let error = #expect(throws: AugmentationError.self) {
      try Augmentation([.custom(Unwritable())]).validate(channels: 3)
    }
    #expect(error.map { "\($0)".contains("cannot be written as JSON") } == true)
  }

  @Test("files keep its name and fields, without knowing it")
  func coded() throws {
    let augmentation: Augmentation = [.custom(Dusk(least: 0.5)), .mixup()]
    let text = try JSONEncoder().encode(augmentation)
    #expect(String(decoding: text, as: UTF8.self).contains(#"{"test.dusk":{"least":0.5}}"#))
    let back = try JSONDecoder().decode(Augmentation.self, from: text)
    #expect(back == augmentation && back.hashValue == augmentation.hashValue)
    #expect(back != [.custom(Dusk(least: 0.25)), .mixup()])
    #expect(try JSONEncoder().encode(back) == text)
    #expect("\(back)" == "\(augmentation)" && "\(back)".hasPrefix("test.dusk {least: 0.5}"))
    #expect(back.steps[0].name == "test.dusk")
    let error = #expect(throws: AugmentationError.self) { try prepared(back, sample: 0) }
    #expect(error?.step == "test.dusk" && error?.problem == .notGiven)
  }

  @Test("it refuses its values before a picture is read, and stands among the steps on pixels")
  func refused() throws {
    var error = #expect(throws: AugmentationError.self) {
      try prepared([.custom(Dusk(least: 2))], sample: 0)
    }
    #expect(error?.description == "augmentation step test.dusk: least is above 1")
    error = #expect(throws: AugmentationError.self) {
      try prepared([.mixup(), .custom(Dusk())], sample: 0)
    }
    #expect(error?.problem == .order(after: "mixup"))
  }
}
