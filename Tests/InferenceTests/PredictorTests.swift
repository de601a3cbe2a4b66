import ConvNetEngine
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// A small network of pictures with layers inside layers.
private func small(_ format: DataFormat = .channelsLast) throws -> Model {
  let network = Network(
    "small", input: .image(height: 9, width: 8, channels: 3), dataFormat: format
  ) {
    Conv2D(5, kernel: 3).named("stem")
    ReLU()
    Residual {
      Conv2D(5, kernel: 3, padding: .same).named("conv1")
      ReLU()
      Conv2D(5, kernel: 3, padding: .same).named("conv2")
    }.named("block")
    MaxPool2D(2)
    Flatten()
    Dense(4).named("head")
  }
  return try Model(validating: network, seed: 3, classNames: ["a", "b", "c", "d"])
}

private func picture(_ seed: UInt64, height: Int = 9, width: Int = 8) -> Image {
  Image(
    height: height, width: width, channels: 3,
    pixels: Tensor.random([height, width, 3], seed: seed, in: 0..<256).elements.map { UInt8($0) })
}

@Suite("Predictor") struct PredictorTests {
  private let compute = ComputeOptions(threads: 1)

  @Test(
    "any number of pictures has the answers of the classifier, in order",
    arguments: [(1, 1), (1, 3), (4, 1), (4, 2)], [0, 1, 3, 4, 9])
  func answers(shape: (batch: Int, concurrency: Int), count: Int) async throws {
    let model = try small()
    let classifier = try Classifier(model, compute: compute)
    let images = (0..<count).map { picture(UInt64($0)) }
    let expected = try classifier.classify(images)
    let predictor = try Predictor(
      model, batch: shape.batch, concurrency: shape.concurrency, compute: compute)
    let suspended = try await predictor.predict(images.map { .image($0) })
    #expect(suspended.count == count)
    for (answer, expected) in zip(suspended, expected) {
      let difference = zip(answer.classification.probabilities, expected.probabilities)
        .map { abs($0 - $1) }.max()
      #expect(try #require(difference) < 1e-6)
    }
    let blocking = try blocking(predictor, images)
    #expect(blocking.map(\.classification) == suspended.map(\.classification))
  }

  /// Outside of a task the functions block.
  private func blocking(_ predictor: Predictor, _ images: [Image]) throws -> [Prediction] {
    try predictor.predict(images.map { .image($0) })
  }

  @Test(
    "a picture, its file's bytes and its tensor have one answer", arguments: DataFormat.allCases)
  func inputs(format: DataFormat) async throws {
    let model = try small(format)
    let predictor = try Predictor(model, compute: compute)
    let image = picture(5)
    let expected = try await predictor.classify(.image(image))
    #expect(try await predictor.classify(.encoded(image.encodedPNG())) == expected)
    let prepared = try #require(model.preprocessing).prepared(image)
    #expect(try await predictor.classify(.tensor(prepared)) == expected)
    let batch = prepared.reshaped(to: Shape([1] + prepared.shape.dimensions))
    #expect(try await predictor.classify(.tensor(batch)) == expected)
    let raw = try model.run(prepared, compute: compute)
    let best = raw.elements.indices.max { raw.elements[$0] < raw.elements[$1] }
    #expect(expected.top(1).map(\.index) == [best])
  }

  @Test(
    "values inside are those of a graph that has them as outputs",
    arguments: ["stem", "block", "block.conv1", "head", "image"], [1, 3])
  func values(name: String, batch: Int) async throws {
    let model = try small()
    let predictor = try Predictor(model, outputs: [name], batch: batch, compute: compute)
    let images = (0..<4).map { picture(UInt64($0)) }
    let predictions = try await predictor.predict(images.map { .image($0) })
    var graph = try model.graph.batched(1)
    let value = try #require(graph.value(meantBy: name))
    graph.addOutput("value", value)
    for (image, prediction) in zip(images, predictions) {
      var executable = try Executable(
        graph, parameters: model.parameters, options: CompilationOptions(compute: compute))
      let prepared = try #require(model.preprocessing).prepared(image)
      try executable.write(prepared.reshaped(to: [1, 9, 8, 3]), to: "image")
      try executable.run()
      let expected = try executable.output("value")
      let actual = try #require(prediction.values[name])
      #expect([1] + actual.shape.dimensions == expected.shape.dimensions)
      #expect(
        relativeDifference(ReferenceValue(actual).elements, ReferenceValue(expected).elements)
          < 1e-5)
    }
  }

  @Test("a layer of the zoo is found by its path: the last result within")
  func layerOfTheZoo() throws {
    let graph = try #require(ModelRegistry["resnet18"]).network.graph()
    let value = try #require(graph.value(meantBy: "layer4"))
    #expect(graph[value].shape == [1, 512, 7, 7])
    #expect(graph.operations.last { $0.name.hasPrefix("layer4.") }?.outputs == [value])
    #expect(graph.value(meantBy: "layer") == nil)
  }

  @Test("a name that nothing has is answered with the nearest")
  func unknownName() throws {
    let error = #expect(throws: InferenceError.self) {
      try Predictor(small(), outputs: ["blok"], compute: compute)
    }
    #expect(error == .unknownValue(name: "blok", model: "small", nearest: ["block"]))
    #expect(try #require(error).description.contains("the nearest are block"))
  }

  @Test("inputs that do not fit are refused with what would")
  func refused() async throws {
    let predictor = try Predictor(small(), compute: compute)
    let shape: Shape = [3, 9, 8]
    await #expect(
      throws: InferenceError.inputShape(
        model: "small", expected: [9, 8, 3], actual: shape, order: .channelsLast)
    ) { try await predictor.predict(.tensor(Tensor(zeros: shape))) }
    await #expect(throws: InferenceError.inputType(model: "small", actual: .int32)) {
      try await predictor.predict(.tensor(Tensor(zeros: [9, 8, 3], elementType: .int32)))
    }
    await #expect(throws: ImageError.self) {
      try await predictor.predict([.image(picture(1)), .encoded([1, 2, 3])])
    }
    let features = Model(Network("n", input: .features(4)) { Dense(2) })
    let other = try Predictor(features, compute: compute)
    await #expect(throws: InferenceError.noPreprocessing(model: "n")) {
      try await other.predict(.image(picture(1)))
    }
    // After a refusal the predictor goes on.
    #expect(try await other.predict(.tensor(Tensor(zeros: [4]))).values.isEmpty)
    #expect(try await predictor.classify(.image(picture(1))).probabilities.count == 4)
  }

  @Test("many tasks at once have each its own answer", arguments: [1, 2])
  func tasks(concurrency: Int) async throws {
    let predictor = try Predictor(small(), concurrency: concurrency, compute: compute)
    var expected: [Classification] = []
    for index in 0..<8 {
      expected.append(try await predictor.classify(.image(picture(UInt64(index)))))
    }
    try await withThrowingTaskGroup(of: (Int, [Prediction]).self) { group in
      for task in 0..<8 {
        group.addTask {
          let count = task % 3 + 1
          return (
            task,
            try await predictor.predict(
              (0..<count).map { .image(picture(UInt64((task + $0) % 8))) })
          )
        }
      }
      for try await (task, predictions) in group {
        #expect(predictions.count == task % 3 + 1)
        for (place, prediction) in predictions.enumerated() {
          #expect(prediction.classification == expected[(task + place) % 8])
        }
      }
    }
  }

  @Test("a cancelled task ends without its answer, and delays nobody")
  func cancelled() async throws {
    let predictor = try Predictor(small(), compute: compute)
    let image = picture(1)
    let long = Task {
      try await predictor.predict([PredictionInput](repeating: .image(image), count: 200_000))
    }
    long.cancel()
    await #expect(throws: CancellationError.self) { try await long.value }
    #expect(try await predictor.predict([.image(image)]).count == 1)
  }
}
