import ConvNetFormats
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("What a model file brings to another network") struct BroughtDescriptionTests {
  private func model(
    extent: Int = 4, channels: Int = 1, classes: Int = 3, names: [String] = [],
    _ change: (inout Preprocessing) -> Void = { _ in }
  ) throws -> Model {
    var model = try Model(
      validating: Network(
        "small", input: .image(height: extent, width: extent, channels: channels)
      ) {
        Flatten()
        Dense(classes)
      }, seed: 1, classNames: names)
    var preprocessing = try Preprocessing(height: extent, width: extent, channels: channels)
    change(&preprocessing)
    model.preprocessing = preprocessing
    return model
  }

  /// As it is in a file.
  private func brought(_ model: Model) throws -> BroughtDescription {
    let directory = try TemporaryDirectory()
    try model.save(to: directory.file("m.safetensors"))
    return try #require(try BroughtDescription(WeightFile(directory.file("m.safetensors"))))
  }

  @Test("mean, deviation and background go over, extents and order of elements do not")
  func preparation() throws {
    let file = try brought(
      model {
        ($0.mean, $0.deviation, $0.background) = ([0.25], [0.5], .black)
      })
    var other = try model(extent: 6) { $0.dataFormat = .channelsFirst }
    let notes = file.lendPreparation(to: &other)
    let expected = try Preprocessing(
      height: 6, width: 6, channels: 1, mean: [0.25], deviation: [0.5], dataFormat: .channelsFirst,
      background: .black)
    #expect(other.preprocessing == expected)
    #expect(notes == [.prepared(path: file.path, expected)])
  }

  @Test("a mean picture of other extents is lost, and that is told")
  func meanPicture() throws {
    let picture = MeanPicture(
      height: 4, width: 4, channels: 1, values: [Float](repeating: 0.5, count: 16))
    let file = try brought(model { ($0.meanPicture, $0.deviation) = (picture, [0.5]) })
    var same = try model()
    #expect(file.lendPreparation(to: &same).count == 1)
    #expect(same.preprocessing?.meanPicture == picture)
    var larger = try model(extent: 6)
    let before = try #require(larger.preprocessing)
    let notes = file.lendPreparation(to: &larger)
    let left = try #require(larger.preprocessing)
    #expect(left.meanPicture == nil && left.deviation == [0.5])
    #expect(
      notes == [
        .unfitMeanPicture(path: file.path, picture, input: before),
        .prepared(path: file.path, left),
      ])
    #expect(notes.first.map { "\($0)" }?.contains("--") == false)
  }

  @Test("of other channels nothing is taken; told only where there was something")
  func channels() throws {
    var other = try model(channels: 3)
    let before = try #require(other.preprocessing)
    let file = try brought(model { $0.mean = [0.25] })
    let kept = try #require(file.preprocessing)
    #expect(
      file.lendPreparation(to: &other) == [.otherChannels(path: file.path, kept, here: before)])
    #expect(try brought(model()).lendPreparation(to: &other).isEmpty)
    #expect(other.preprocessing == before)
  }

  @Test("names of classes go over where there are as many")
  func classNames() throws {
    let file = try brought(model(names: ["a", "b", "c"]))
    var (same, fewer) = (try model(), try model(classes: 2, names: ["x", "y"]))
    #expect(file.lendClassNames(to: &same).isEmpty && same.classNames == ["a", "b", "c"])
    #expect(
      file.lendClassNames(to: &fewer) == [.otherClasses(path: file.path, count: 3, here: 2)])
    #expect(fewer.classNames == ["x", "y"])
    #expect(try brought(model()).lendClassNames(to: &same).isEmpty)
    #expect(same.classNames == ["a", "b", "c"])
  }

  @Test("weights alone bring nothing")
  func weightsAlone() throws {
    let directory = try TemporaryDirectory()
    try WeightFile.write(
      model().parameters.map { ($0.key, $0.value) }, to: directory.file("w.safetensors"))
    #expect(try BroughtDescription(WeightFile(directory.file("w.safetensors"))) == nil)
  }
}
