import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Synchronization
import Testing

/// Noise of any extents, which counts how often a picture is read.
private final class Noise: Dataset {
  let name = "noise"
  let classNames: [String]
  var imageShape: Shape? { nil }
  let extents: [(Int, Int)]
  let reads = Mutex(0)
  var count: Int { extents.count }

  init(_ extents: [(Int, Int)], classNames: [String] = ["a", "b", "c"]) {
    self.extents = extents
    self.classNames = classNames
  }

  func label(at index: Int) -> Int { index % classNames.count }

  func sample(at index: Int) -> Sample {
    reads.withLock { $0 += 1 }
    let (height, width) = extents[index]
    var state = UInt32(index + 1)
    let pixels = (0..<height * width * 3).map { _ -> UInt8 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    return Sample(
      image: Image(height: height, width: width, channels: 3, pixels: pixels),
      label: label(at: index))
  }
}

/// Convolutions without padding, a grid of 3x3, two dense layers.
private func denseModel(
  _ format: DataFormat = .channelsLast, classNames: [String] = ["a", "b", "c"], seed: UInt64 = 3
) throws -> Model {
  try Model(
    validating: Network(
      "dense", input: .image(height: 16, width: 16, channels: 3), dataFormat: format
    ) {
      Conv2D(6, kernel: 3)
      ReLU()
      MaxPool2D(2)
      Conv2D(8, kernel: 3, stride: 2)
      ReLU()
      Flatten()
      Dense(10)
      ReLU()
      Dropout(0.5)
      Dense(3)
    }, seed: seed, classNames: classNames)
}

private func softmax(_ logits: [Float]) -> [Double] {
  let exponentials = logits.map { exp(Double($0)) }
  return exponentials.map { $0 / exponentials.reduce(0, +) }
}

@Suite("Evaluation by protocols") struct ProtocolEvaluationTests {
  @Test(
    "a network made dense says of its own size what it says, and is the mean of the sliding window where strides align",
    arguments: [DataFormat.channelsLast, .channelsFirst])
  func dense(format: DataFormat) throws {
    let model = try denseModel(format)
    let dense = try model.fullyConvolutional()
    // Strides multiply to 4: windows of 16 begin at every fourth pixel.
    let (height, width) = (24, 28)
    let picture = Noise([(height, width)]).sample(at: 0).image
    func prepared(_ image: Image) throws -> Tensor {
      try Preprocessing(
        height: image.height, width: image.width, channels: 3, dataFormat: format
      ).prepared(image)
    }
    let own = try prepared(picture.cropped(to: .init(row: 4, column: 8, height: 16, width: 16)))
    let same = zip(try dense.run(own).elements, try model.run(own).elements)
    #expect(same.allSatisfy { abs($0 - $1) < 1e-5 })
    var sums = [Double](repeating: 0, count: 3)
    var count = 0.0
    for row in stride(from: 0, through: height - 16, by: 4) {
      for column in stride(from: 0, through: width - 16, by: 4) {
        let part = picture.cropped(
          to: .init(row: row, column: column, height: 16, width: 16))
        for (index, score) in try model.run(prepared(part)).elements.enumerated() {
          sums[index] += Double(score)
        }
        count += 1
      }
    }
    let whole = try dense.run(prepared(picture)).elements
    #expect(count == 12)
    for (score, sum) in zip(whole, sums) { #expect(abs(Double(score) - sum / count) < 1e-5) }
  }

  @Test("what cannot be made dense is refused with what stands in the way")
  func refusal() throws {
    let model = try Model(
      validating: Network("odd", input: .image(height: 8, width: 8, channels: 3)) {
        Flatten()
        Dense(4)
        Softmax()
      })
    #expect(throws: FullyConvolutionalError.self) { try model.fullyConvolutional() }
    let pooled = try Model(
      validating: Network("pooled", input: .image(height: 8, width: 8, channels: 3)) {
        Conv2D(4, kernel: 3)
        GlobalPool.average
        Dense(2)
      })
    #expect(try pooled.fullyConvolutional().graph == pooled.graph)
  }

  @Test(
    "the score is the mean over the views, each scored by itself",
    arguments: [Views.Average.probabilities, .logits], [1, 7, 256])
  func means(average: Views.Average, batchSize: Int) throws {
    let model = try denseModel()
    let preprocessing = try #require(model.preprocessing)
    let data = Noise([(20, 33), (40, 19), (16, 16), (17, 90), (20, 33)])
    let views = Views(
      "mixed",
      [
        .init(
          scales: [.shorterSide(18), .shorterSide(24)], squares: .three,
          windows: [.corners, .whole], reflects: true),
        .init(scales: [.shorterSide(20)], windows: [.dense], reflects: true),
      ], average: average)
    var answers: [[Double]] = []
    let evaluation = try ProtocolEvaluation(
      of: [.init("m", model, views: [views])], on: data, batchSize: batchSize,
      observe: { answers.append($0.probabilities) })
    #expect(data.reads.withLock { $0 } == data.count)
    #expect(answers.count == data.count && evaluation.scores[0].passes == 62)
    let dense = try model.fullyConvolutional()
    var loss = 0.0
    for index in 0..<data.count {
      let picture = data.sample(at: index).image
      let shown = try views.pictures(of: picture, input: preprocessing)
      let weights = try views.views(
        ofHeight: picture.height, width: picture.width, input: preprocessing
      ).map(\.weight)
      var sum = [Double](repeating: 0, count: 3)
      for (view, weight) in zip(shown, weights) {
        let input = try Preprocessing(
          height: view.image.height, width: view.image.width, channels: 3
        ).prepared(view.image)
        let logits = try dense.run(input).elements
        let part = average == .logits ? logits.map(Double.init) : softmax(logits)
        for place in 0..<3 { sum[place] += weight * part[place] }
      }
      let expected = average == .logits ? softmax(sum.map { Float($0) }) : sum
      for place in 0..<3 { #expect(abs(expected[place] - answers[index][place]) < 1e-5) }
      loss -= log(expected[data.label(at: index)])
    }
    #expect(abs(evaluation.scores[0].assessment.loss - loss / Double(data.count)) < 1e-5)
  }

  @Test(
    "the model's own preparation gives what a classifier says, and the score of the simple evaluation"
  )
  func prepared() throws {
    var model = try denseModel()
    let data = Noise((0..<37).map { (16 + $0 % 5, 20 + $0 % 3) })
    let own = try #require(model.preprocessing)
    for fitting in [PictureFitting.squash, .centerCrop(shorterSide: 18), .pad(.black)] {
      model.preprocessing = try Preprocessing(
        height: 16, width: 16, channels: 3, fitting: fitting, mean: [0.5, 0.4, 0.3],
        dataFormat: own.dataFormat)
      let views = try Views.named("prepared", for: #require(model.preprocessing))
      var answers: [[Double]] = []
      let evaluation = try ProtocolEvaluation(
        of: [.init("m", model, views: [views])], on: data,
        observe: { answers.append($0.probabilities) })
      let classifier = try Classifier(model)
      for index in 0..<data.count {
        let expected = try classifier.classify(data.sample(at: index).image).probabilities
        for (one, other) in zip(answers[index], expected) {
          #expect(abs(one - Double(other)) < 1e-5)
        }
      }
      let simple = try Evaluation(of: model, on: data)
      let own = evaluation.scores[0].assessment
      #expect(own.top1 == simple.metrics.top1 && own.confusion == simple.confusion)
      #expect(abs(own.loss - simple.metrics.loss) < 1e-5)
    }
  }

  @Test(
    "an ensemble is the mean of its members, whatever the order of their classes, and decodes once")
  func ensemble() throws {
    let first = try denseModel()
    var second = try denseModel(seed: 9)
    second.classNames = ["c", "a", "b"]
    second.preprocessing?.mean = [0.5, 0.5, 0.5]
    let data = Noise((0..<9).map { (20 + $0, 30) })
    func candidate(_ name: String, _ model: Model) throws -> ProtocolEvaluation.Candidate {
      let preprocessing = try #require(model.preprocessing)
      return .init(
        name, model,
        views: try ["single", "10-crop"].map { try Views.named($0, for: preprocessing) })
    }
    var answers: [Int: [[Double]]] = [:]
    let both = try ProtocolEvaluation(
      of: [candidate("1", first), candidate("2", second)], on: data,
      observe: { answers[$0.score, default: []].append($0.probabilities) })
    #expect(data.reads.withLock { $0 } == data.count)
    #expect(both.scores.map(\.name) == ["1", "2", "ensemble", "1", "2", "ensemble"])
    #expect(both.scores.map(\.passes) == [1, 1, 2, 10, 10, 20])
    for row in [0, 3] {
      for picture in 0..<data.count {
        for index in 0..<3 {
          let mean = (answers[row]![picture][index] + answers[row + 1]![picture][index]) / 2
          #expect(abs(answers[row + 2]![picture][index] - mean) < 1e-12)
        }
      }
    }
    // The second by itself, with its classes in its own order.
    let classifier = try Classifier(second)
    let views = try candidate("2", second).views[0]
    for picture in 0..<data.count {
      let shown = try views.pictures(
        of: data.sample(at: picture).image, input: #require(second.preprocessing))
      let own = try classifier.classify(shown[0].image).probabilities
      for (index, place) in [1, 2, 0].enumerated() {
        #expect(abs(answers[1]![picture][index] - Double(own[place])) < 1e-5)
      }
    }
    var other = second
    other.classNames = ["a", "b", "d"]
    let error = #expect(throws: EvaluationError.self) {
      try ProtocolEvaluation(of: [candidate("1", first), candidate("2", other)], on: data)
    }
    #expect(
      error == .memberClasses(first: "1", ["a", "b", "c"], other: "2", ["a", "b", "d"]))
  }

  @Test("scores that are not finite are no answer")
  func nonFinite() throws {
    var model = try denseModel()
    for name in model.parameters.keys where name.hasSuffix("bias") {
      let shape = try #require(model.parameters[name]?.shape)
      model.parameters[name] = Tensor(
        [Float](repeating: .nan, count: shape.count), shape: shape)
    }
    let views = try Views.named("12-crop", for: #require(model.preprocessing))
    let evaluation = try ProtocolEvaluation(
      of: [.init("m", model, views: [views])], on: Noise([(20, 20), (30, 20)]))
    let own = evaluation.scores[0].assessment
    #expect(own.samples == 2 && own.nonFiniteCount == 2 && own.top1 == 0 && own.loss.isNaN)
  }

  @Test("a picture that a protocol cannot show is an error with its name, or is left out")
  func unfit() throws {
    let model = try denseModel()
    let data = Noise([(20, 20), (1, 300_000), (18, 40)])
    let views = Views("d", scales: [.shorterSide(200)], windows: [.dense])
    let error = #expect(throws: (any Error).self) {
      try ProtocolEvaluation(of: [.init("m", model, views: [views])], on: data)
    }
    #expect("\(try #require(error))".contains("noise, 1: resized it has 200x60000000 pixels"))
    var skipped: [Int] = []
    let evaluation = try ProtocolEvaluation(
      of: [.init("m", model, views: [views])], on: data,
      loading: LoadingOptions(badSamples: .leaveOut),
      sampleSkipped: { skipped.append($0.index) })
    #expect(skipped == [1] && evaluation.scores[0].assessment.samples == 2)
    let small = Views("s", scales: [.shorterSide(8)], windows: [.dense])
    #expect(throws: ViewsError.tooSmall(model: "dense", height: 8, width: 8)) {
      try ProtocolEvaluation(of: [.init("m", model, views: [small])], on: Noise([(9, 9)]))
    }
    #expect(throws: DatasetError.self) {
      try ProtocolEvaluation(of: [.init("m", model, views: [views])], on: Noise([]))
    }
  }

  @Test(
    "pictures of a pixel, smaller than the crop or extremely long are shown, or refused by a stated limit",
    arguments: Views.names)
  func extremes(name: String) throws {
    let model = try denseModel()
    let views = try Views.named(name, for: try #require(model.preprocessing))
    let extents = [(1, 1), (1, 500), (500, 1), (3, 7), (15, 17)]
    let data = Noise(extents)
    let evaluation = try ProtocolEvaluation(of: [.init("m", model, views: [views])], on: data)
    #expect(evaluation.scores[0].assessment.samples == extents.count)
    #expect(evaluation.scores[0].assessment.nonFiniteCount == 0)
    // Resized, the shorter side has 18 pixels and the other millions.
    let long = Noise([(1, 250_000)])
    // So what looks from one end to the other is refused; the middle, and all of it squashed, is shown.
    if ["prepared", "single", "squash", "10-crop", "12-crop", "resnet"].contains(name) {
      let shown = try ProtocolEvaluation(of: [.init("m", model, views: [views])], on: long)
      #expect(shown.scores[0].assessment.samples == 1)
    } else {
      let error = #expect(throws: (any Error).self) {
        try ProtocolEvaluation(of: [.init("m", model, views: [views])], on: long)
      }
      #expect("\(try #require(error))".contains("more than the \(Views.pixelLimit)"))
    }
  }

  @Test("memory levels off on pictures of 400 sizes, and packed weights are there once")
  func memory() throws {
    let model = try denseModel()
    let runner = try NetworkRunner(model, isDense: true, compute: .init(threads: 1))
    var largest: [Int] = []
    for size in 0..<400 {
      let (height, width) = (16 + size % 20 * 4, 16 + size / 20 * 4)
      try runner.run(
        count: 1, height: height, width: width, batch: 1, isFilled: false,
        write: { _, target, _ in for index in target.indices { target[index] = 0.5 } },
        read: { _, scores in #expect(scores.count == 3) })
      largest.append(runner.byteCount)
    }
    // No more sizes are kept than the last few, however many there were.
    let early = try #require(largest.prefix(100).max())
    #expect(runner.compiledCount == NetworkRunner.sizeLimit)
    #expect(try #require(largest.max()) < 8 * early)
    let weights = model.parameters.values.reduce(0) { $0 + $1.byteCount }
    #expect(runner.weightByteCount <= 8 * weights)
  }
}
