import ConvNetFormats
import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetTestSupport
import Foundation
import Testing

/// A network that answers with the mean of each channel, so that what it should say of a picture is
/// known.
func meansOfChannels(
  classNames: [String] = ["red", "green", "blue"], preprocessing: Preprocessing? = nil
) throws -> Model {
  try Model(
    validating: Network("means", input: .image(height: 4, width: 4, channels: 3)) {
      GlobalPool.average
    }, classNames: classNames, preprocessing: preprocessing)
}

private let blue = Image.Color(red: 10, green: 20, blue: 200)

@Suite("Classifier") struct ClassifierTests {
  @Test("the preprocessing stored in the file is applied", arguments: [1, 2])
  func storedPreprocessing(batch: Int) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model.safetensors")
    let preprocessing = try Preprocessing(
      height: 4, width: 4, channels: 3, mean: [0.8, 0, 0], deviation: [1, 1, 0.25])
    try meansOfChannels(preprocessing: preprocessing).save(to: path)
    let classifier = try Classifier(loading: path, batch: batch)
    #expect(classifier.preprocessing == preprocessing)
    // (51 / 255 - 0.8) / 1, (51 / 255) / 1, (51 / 255) / 0.25
    let exponentials = [-0.6, 0.2, 0.8].map { (logit: Double) in exp(logit) }
    let expected = exponentials.map { $0 / exponentials.reduce(0, +) }
    let classification = try classifier.classify(Image(height: 9, width: 3, color: .init(grey: 51)))
    for (probability, expected) in zip(classification.probabilities, expected) {
      #expect(abs(Double(probability) - expected) < 1e-6)
    }
    #expect(classification.top(2).map(\.label) == ["blue", "green"])
    #expect(classification.top(2).map(\.index) == [2, 1])
    #expect(classification.top(99).count == 3)
  }

  @Test("classes without names are numbered; ties go to the first")
  func names() throws {
    let classifier = try Classifier(meansOfChannels(classNames: []))
    let top = try classifier.classify(Image(height: 2, width: 2, color: .black)).top(3)
    #expect(top.map(\.label) == ["class 0", "class 1", "class 2"])
  }

  @Test("no pictures are no classifications")
  func nothing() throws {
    #expect(try Classifier(meansOfChannels()).classify([Image]()).isEmpty)
  }

  @Test("a network that is not given pictures, or preprocessing for another input, is refused")
  func refused() throws {
    let features = Model(Network("n", input: .features(4)) { Dense(2) })
    #expect(throws: InferenceError.self) { try Classifier(features) }
    let other = try Preprocessing(height: 5, width: 4, channels: 3)
    #expect(throws: InferenceError.self) { try Classifier(meansOfChannels(preprocessing: other)) }
  }

  @Test("an auxiliary classifier is not asked")
  func auxiliary() throws {
    let network = Network("n", input: .image(height: 4, width: 4, channels: 3)) {
      Auxiliary("aux", weight: 0.3) {
        Flatten()
        Dense(7)
      }
      GlobalPool.average
    }
    let answer = try Classifier(Model(network)).classify(Image(height: 4, width: 4, color: blue))
    #expect(answer.probabilities.count == 3)
    #expect(answer.top(1).map(\.index) == [2])
  }
}
