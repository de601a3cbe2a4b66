import ConvNetImages
import ConvNetTensors
import Foundation
import Testing

@Suite("Preprocessing")
struct PreprocessingTests {
  private static let image = Image(
    height: 1, width: 2, channels: 3, pixels: [0, 51, 102, 153, 204, 255])

  @Test("Values are scaled, normalized and ordered")
  func values() throws {
    var preprocessing = try Preprocessing(height: 1, width: 2, channels: 3)
    #expect(preprocessing.prepared(Self.image).elements == [0, 0.2, 0.4, 0.6, 0.8, 1])
    preprocessing.dataFormat = .channelsFirst
    let planes = preprocessing.prepared(Self.image)
    #expect(planes.shape == [3, 1, 2])
    #expect(planes.elements == [0, 0.6, 0.2, 0.8, 0.4, 1])
    preprocessing.mean = [0.5, 0, 0.25]
    preprocessing.deviation = [0.5, 2, 0.125]
    let normalized: [Float] = [-1, (0.6 - 0.5) / 0.5, 0.1, 0.4, (0.4 - 0.25) / 0.125, 6]
    #expect(preprocessing.prepared(Self.image).elements == normalized)
  }

  @Test("Pictures of other extents and channels are fitted")
  func fitting() throws {
    let preprocessing = try Preprocessing(height: 2, width: 2, channels: 1, background: .black)
    let image = Image(
      height: 4, width: 4, channels: 4,
      pixels: (0..<16).flatMap { _ in [200, 200, 200, 127] as [UInt8] })
    #expect(preprocessing.prepared(image).elements == [Float](repeating: 100 / 255, count: 4))
  }

  @Test("It survives JSON, and impossible values are refused there too")
  func coding() throws {
    let preprocessing = try Preprocessing(
      height: 28, width: 28, channels: 1, mean: [0.286], deviation: [0.353])
    let data = try JSONEncoder().encode(preprocessing)
    #expect(try JSONDecoder().decode(Preprocessing.self, from: data) == preprocessing)
    let text = String(decoding: data, as: UTF8.self)
    for (old, new) in [
      ("\"height\":28", "\"height\":0"), ("\"channels\":1", "\"channels\":2"),
      ("\"height\":28", "\"height\":9223372036854775807"), ("\"channels\":1", "\"channels\":3"),
    ] {
      let broken = text.replacingOccurrences(of: old, with: new)
      #expect(broken != text)
      #expect(throws: PreprocessingError.self) {
        try JSONDecoder().decode(Preprocessing.self, from: Data(broken.utf8))
      }
    }
    #expect(throws: PreprocessingError.deviation([0], channels: 1)) {
      try Preprocessing(height: 1, width: 1, channels: 1, deviation: [0])
    }
    #expect(throws: PreprocessingError.range("mean", [103.5])) {
      try Preprocessing(height: 1, width: 1, channels: 1, mean: [103.5])
    }
    #expect(throws: PreprocessingError.range("deviation", [0.2, 57.375, 1])) {
      try Preprocessing(height: 1, width: 1, channels: 3, deviation: [0.2, 57.375, 1])
    }
    let picture = MeanPicture(height: 1, width: 2, channels: 1, values: [0.5, 131])
    #expect(throws: PreprocessingError.range("mean picture", [131])) {
      try Preprocessing(height: 1, width: 2, channels: 1, meanPicture: picture)
    }
    // Bounds that are used: minus one, and a little more than all contrast.
    var good = try Preprocessing(height: 1, width: 1, channels: 1, mean: [-1], deviation: [4])
    good.mean = [1.5]
    #expect(throws: PreprocessingError.range("mean", [1.5])) { try good.validate() }
    #expect(
      PreprocessingError.range("mean", [123.675, 116.28]).description
        == "mean is of values from 0 to 1, and 123.675,116.28 is of values from 0 to 255; divide by 255: 0.4850,0.4560"
    )
    #expect(throws: PreprocessingError.mean([0, .infinity, 0], channels: 3)) {
      try Preprocessing(height: 1, width: 1, channels: 3, mean: [0, .infinity, 0])
    }
  }
}
