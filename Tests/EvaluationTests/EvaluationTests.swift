import ConvNetDatasets
import ConvNetEvaluation
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// A network that answers with the mean of each channel, so that what it should say of a picture is
/// known.
private func meansOfChannels(
  classNames: [String] = ["red", "green", "blue"], preprocessing: Preprocessing? = nil
) throws -> Model {
  try Model(
    validating: Network("means", input: .image(height: 4, width: 4, channels: 3)) {
      GlobalPool.average
    }, classNames: classNames, preprocessing: preprocessing)
}

/// One color a picture.
private struct Colors: Dataset {
  var name: String { "colors" }
  var classNames = ["red", "green", "blue"]
  var imageShape: Shape? { nil }
  var samples: [(color: Image.Color, label: Int)]
  var count: Int { samples.count }

  func label(at index: Int) -> Int { samples[index].label }

  func sample(at index: Int) -> Sample {
    Sample(image: Image(height: 6, width: 5, color: samples[index].color), label: label(at: index))
  }
}

private let red = Image.Color(red: 200, green: 10, blue: 20)
private let green = Image.Color(red: 10, green: 200, blue: 20)
private let blue = Image.Color(red: 10, green: 20, blue: 200)

@Suite("Evaluation") struct EvaluationTests {
  @Test(
    "the confusion counts every sample under its label and its prediction",
    arguments: [1, 2, 3, 5, 256])
  func confusion(batchSize: Int) throws {
    let data = Colors(samples: [
      (red, 0), (red, 0), (green, 0), (blue, 1), (blue, 1), (green, 1), (blue, 2),
    ])
    let evaluation = try Evaluation(of: meansOfChannels(), on: data, batchSize: batchSize)
    #expect(Array(evaluation.confusion) == [[2, 1, 0], [0, 1, 2], [0, 0, 1]])
    #expect(evaluation.metrics.samples == 7)
    #expect(evaluation.metrics.top1 == Double(4) / 7)
    #expect(evaluation.metrics.top5 == 1)
    let worst = evaluation.worstConfusions(limit: 5)
    #expect(
      worst.map { "\($0.label) \($0.predicted) \($0.count)" } == ["green blue 2", "red green 1"])
    #expect(worst.map { ($0.share * 3).rounded() } == [2, 1])
    #expect(evaluation.worstConfusions(limit: 1).count == 1)
  }

  @Test("the loss is the cross-entropy of the softmax, computed by hand")
  func loss() throws {
    // Logits 1, 0, 0: -log(e / (e + 2)) where right, -log(1 / (e + 2)) where wrong.
    let pure = Image.Color(red: 255, green: 0, blue: 0)
    let data = Colors(samples: [(pure, 0), (pure, 2)])
    let evaluation = try Evaluation(of: meansOfChannels(), on: data)
    let expected = (0.5514447 + 1.5514447) / 2
    #expect(abs(evaluation.metrics.loss - expected) < 1e-6)
  }

  @Test("the tail of a data set is neither dropped nor counted twice", arguments: 1...9)
  func tail(count: Int) throws {
    let data = Colors(samples: (0..<count).map { ([red, green, blue][$0 % 3], $0 % 3) })
    var seen: [Int] = []
    let evaluation = try Evaluation(of: meansOfChannels(), on: data, batchSize: 4) {
      seen.append($0)
    }
    #expect(evaluation.metrics.samples == count && evaluation.metrics.top1 == 1)
    #expect(evaluation.confusion.flatMap(\.self).reduce(0, +) == count)
    #expect(seen.last == count)
  }

  @Test("classes are found by name, in any order; the data may lack some")
  func classesByName() throws {
    var data = Colors(samples: [(red, 1), (green, 2), (green, 0)])
    data.classNames = ["blue", "red", "green"]
    var evaluation = try Evaluation(of: meansOfChannels(), on: data)
    #expect(Array(evaluation.confusion) == [[1, 0, 0], [0, 1, 0], [0, 1, 0]])
    #expect(evaluation.classNames == ["red", "green", "blue"])
    data = Colors(samples: [(blue, 0), (green, 1)])
    data.classNames = ["blue", "green"]
    evaluation = try Evaluation(of: meansOfChannels(), on: data)
    #expect(evaluation.metrics.top1 == 1 && evaluation.confusion[2][2] == 1)
  }

  @Test("other classes than the model's are refused with both lists; without names counts must fit")
  func classes() throws {
    var data = Colors(samples: [(red, 0)])
    data.classNames = ["red", "blue", "yellow"]
    var error = #expect(throws: EvaluationError.self) {
      try Evaluation(of: meansOfChannels(), on: data)
    }
    #expect(
      error == .classMismatch(model: ["red", "green", "blue"], data: ["red", "blue", "yellow"]))
    #expect(
      error.map { "\($0)" }
        == "the model's classes are red, green, blue; the data's are red, blue, yellow; only the "
        + "model has green; only the data has yellow; use data with the model's classes")
    data.classNames = ["r", "g"]
    error = #expect(throws: EvaluationError.self) {
      try Evaluation(of: meansOfChannels(classNames: []), on: data)
    }
    #expect(error == .classCount(model: 3, data: 2))
    data.classNames = ["r", "g", "b"]
    #expect(
      try Evaluation(of: meansOfChannels(classNames: []), on: data).classNames == ["r", "g", "b"])
  }

  @Test("pictures whose scores are not finite are in no cell of the confusion")
  func notFinite() throws {
    // Twice as large as the largest number, where there is any red.
    var model = try Model(
      validating: Network("large", input: .image(height: 4, width: 4, channels: 3)) {
        GlobalPool.average
        Dense(3).named("a")
        Dense(3).named("b")
      }, classNames: ["red", "green", "blue"])
    for name in ["a.weight", "b.weight"] {
      model.parameters[name] = Tensor([1e20, 0, 0, 0, 1, 0, 0, 0, 1] as [Float])
        .reshaped(to: [3, 3])
    }
    let black = Image.Color(red: 0, green: 100, blue: 20)
    let data = Colors(samples: [(red, 0), (black, 1), (red, 2)])
    let evaluation = try Evaluation(of: model, on: data, batchSize: 2)
    #expect(evaluation.metrics.samples == 3 && evaluation.metrics.nonFiniteCount == 2)
    #expect(Array(evaluation.confusion) == [[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    #expect(evaluation.metrics.top1 == Double(1) / 3 && evaluation.metrics.loss.isFinite)
    let classifier = try Classifier(model)
    let answer = try classifier.classify(Image(height: 2, width: 2, color: red))
    #expect(answer.nonFiniteCount == 1 && answer.top(3).isEmpty)
    #expect(try classifier.classify(Image(height: 2, width: 2, color: black)).top(1)[0].index == 1)
  }

  @Test("the classifier says of every sample what the evaluation counts", arguments: [1, 4, 7])
  func agrees(batch: Int) throws {
    let network = Network("small", input: .image(height: 8, width: 8, channels: 1)) {
      Conv2D(3, kernel: 3)
      BatchNorm()
      ReLU()
      Flatten()
      Dropout(0.5)
      Dense(4)
    }
    let model = try Model(validating: network, seed: 5)
    let pixels = Tensor.random([23, 8, 8], seed: 6, in: 0..<256).elements.map { UInt8($0) }
    let data = try IDXDataset(
      name: "noise", images: Tensor(pixels, shape: [23, 8, 8]),
      labels: Tensor((0..<23).map { UInt8($0 % 4) }))
    let evaluation = try Evaluation(of: model, on: data, batchSize: 5)
    let classifier = try Classifier(model, batch: batch)
    let answers = try classifier.classify((0..<23).map { data.sample(at: $0).image })
    var confusion = [[Int]](repeating: [Int](repeating: 0, count: 4), count: 4)
    for (index, answer) in answers.enumerated() {
      #expect(abs(answer.probabilities.reduce(0, +) - 1) < 1e-5)
      confusion[data.label(at: index)][try #require(answer.top(1).first).index] += 1
    }
    #expect(confusion == Array(evaluation.confusion))
  }

  @Test("the protocol says how pictures were prepared")
  func protocolText() throws {
    let preprocessing = try Preprocessing(
      height: 4, width: 4, channels: 3, mean: [0.5, 0.25, 0], deviation: [1, 2, 4])
    let model = try meansOfChannels(preprocessing: preprocessing)
    #expect(
      try Evaluation(of: model, on: Colors(samples: [(red, 0)])).protocolDescription
        == "resized to 4x4 (bilinear, antialiased), 3 channels, mean [0.5, 0.25, 0.0], "
        + "deviation [1.0, 2.0, 4.0], one view")
  }
}
