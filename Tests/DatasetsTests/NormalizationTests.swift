import ConvNetDatasets
import ConvNetImages
import ConvNetTensors
import Testing

@Suite("Normalization") struct NormalizationTests {
  /// Two grey pictures of four values.
  private static func dataset(_ values: [UInt8] = [0, 51, 102, 255, 0, 153, 0, 255]) throws
    -> IDXDataset
  {
    try IDXDataset(
      name: "tiny", images: Tensor(values, shape: [2, 2, 2]), labels: Tensor([0, 1] as [UInt8]))
  }

  /// With a mean of its own, which each choice replaces.
  private static func preprocessing(channels: Int = 1) throws -> Preprocessing {
    try Preprocessing(
      height: 2, width: 2, channels: channels,
      mean: [Float](repeating: 0.25, count: channels),
      deviation: [Float](repeating: 0.5, count: channels))
  }

  @Test("none leaves values as they are, a mean picture too")
  func none() throws {
    var before = try Self.preprocessing()
    before.mean = nil
    before.meanPicture = MeanPicture(height: 2, width: 2, channels: 1, values: [0, 0, 0, 0])
    #expect(try Normalization.none.applied(to: before, on: Self.dataset()).isPlain)
  }

  @Test("imagenet is for three channels, and reads no picture")
  func imagenet() throws {
    let applied = try Normalization.imagenet.applied(
      to: Self.preprocessing(channels: 3), on: Self.dataset())
    #expect(applied.mean == [0.485, 0.456, 0.406] && applied.deviation == [0.229, 0.224, 0.225])
    let error = #expect(throws: NormalizationError.self) {
      try Normalization.imagenet.applied(to: Self.preprocessing(), on: Self.dataset())
    }
    #expect(error?.channels == 1)
    #expect(error.map { "\($0)" }?.contains("has 1 channel; use colors") == true)
  }

  @Test("colors and picture are the data's own, computed by hand")
  func measured() throws {
    let colors = try Normalization.colors.applied(to: Self.preprocessing(), on: Self.dataset())
    // Values 0, 0.2, 0.4, 1, 0, 0.6, 0, 1: a mean of 0.4, a mean square of 0.32.
    let mean = try #require(colors.mean?.first)
    let deviation = try #require(colors.deviation?.first)
    #expect(abs(mean - 0.4) < 1e-6 && abs(deviation - (0.32 - 0.16).squareRoot()) < 1e-6)
    #expect(colors.meanPicture == nil)
    let picture = try Normalization.picture.applied(to: Self.preprocessing(), on: Self.dataset())
    #expect(picture.mean == nil && picture.deviation == colors.deviation)
    let values = try #require(picture.meanPicture?.values)
    for (value, expected) in zip(values, [0, 0.4, 0.2, 1] as [Float]) {
      #expect(abs(value - expected) < 1e-6)
    }
  }

  @Test("pictures of one color are divided by a step of a value, not by zero")
  func oneColor() throws {
    let data = try Self.dataset([UInt8](repeating: 7, count: 8))
    #expect(
      try Normalization.colors.applied(to: Self.preprocessing(), on: data).deviation == [1 / 255])
  }

  @Test("classes without a sample are named")
  func emptyClasses() throws {
    let data = try IDXDataset(
      name: "tiny", images: Tensor([1, 2, 3] as [UInt8], shape: [3, 1, 1]),
      labels: Tensor([2, 0, 2] as [UInt8]), classNames: ["a", "b", "c", "d"])
    #expect(data.emptyClassNames == ["b", "d"])
  }
}
