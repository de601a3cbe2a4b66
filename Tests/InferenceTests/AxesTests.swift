import ConvNetEngine
import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// Every function that gives a model its input, with a picture whose height, width and channels are the same number, so that no
/// shape tells its order.
@Suite("The order of axes") struct AxesTests {
  private let compute = ComputeOptions(threads: 1)

  private func network(
    _ format: DataFormat, height: Int = 3, width: Int = 3, channels: Int = 3
  ) -> Network {
    Network(
      "n", input: .image(height: height, width: width, channels: channels), dataFormat: format
    ) {
      Conv2D(4, kernel: 2)
      Tanh()
      Flatten()
      Dense(5)
    }
  }

  private func prepared(_ model: Model, _ image: Image) throws -> Tensor {
    try #require(model.preprocessing).prepared(image)
  }

  private func batched(_ tensor: Tensor) -> Tensor {
    tensor.reshaped(to: Shape([1] + tensor.shape.dimensions))
  }

  /// The axes of one example in the other order.
  private func transposed(_ tensor: Tensor, from format: DataFormat) -> Tensor {
    let extents = tensor.shape.dimensions
    let (positions, channels) =
      format == .channelsLast
      ? (extents[0] * extents[1], extents[2]) : (extents[1] * extents[2], extents[0])
    let shape =
      format == .channelsLast
      ? [extents[2], extents[0], extents[1]] : [extents[1], extents[2], extents[0]]
    let elements = tensor.elements
    return Tensor(
      (0..<elements.count).map { index in
        format == .channelsLast
          ? elements[index % positions * channels + index / positions]
          : elements[index % channels * positions + index / channels]
      }, shape: Shape(shape))
  }

  @Test(
    "what preparation gives is taken by a run, an executable and a predictor, with and without the batch",
    arguments: DataFormat.allCases)
  func oneOrder(format: DataFormat) throws {
    let model = Model(network(format), seed: 2)
    let image = Image(
      height: 3, width: 3, channels: 3, pixels: (0..<27).map { UInt8(7 * $0 % 251) })
    let picture = try prepared(model, image)
    var executable = try model.executable(batch: 1, compute: compute)
    let expected = try #require(
      try executable.run([model.inputName: batched(picture)])[Network.outputName])
    #expect(try executable.run([model.inputName: picture])[Network.outputName] == expected)
    #expect(try model.run(picture, compute: compute) == expected)
    #expect(try model.run(batched(picture), compute: compute) == expected)
    let other = transposed(picture, from: format)
    #expect(other.shape == picture.shape && other != picture)
    #expect(try model.run(other, order: format.other, compute: compute) == expected)
    #expect(try model.run(other, compute: compute) != expected)
    let predictor = try Predictor(model, compute: compute)
    let answer = try predictor.classify(.image(image))
    #expect(try predictor.classify(.tensor(picture)) == answer)
    #expect(try predictor.classify(.tensor(batched(picture))) == answer)
    #expect(try Classifier(model, compute: compute).classify(image) == answer)
    let best = expected.elements.indices.max { expected.elements[$0] < expected.elements[$1] }
    #expect(answer.top(1).map(\.index) == [best])
  }

  @Test(
    "the other order is refused where a shape tells it, in words that say what to do",
    arguments: DataFormat.allCases)
  func refused(format: DataFormat) throws {
    let model = Model(network(format, height: 5, width: 4, channels: 3), seed: 2)
    let image = Image(height: 5, width: 4, color: .white, channels: 3)
    let wrong = transposed(try prepared(model, image), from: format)
    let other = format == .channelsLast ? "channels, height, width" : "height, width, channels"
    let predictor = try Predictor(model, compute: compute)
    for tensor in [wrong, batched(wrong)] {
      for refuse in [
        { _ = try model.run(tensor, compute: compute) },
        { _ = try predictor.predict(.tensor(tensor)) },
      ] as [() throws -> Void] {
        let error = #expect(throws: InferenceError.self, performing: refuse)
        #expect(error?.description.hasSuffix(": it has \(other); transpose it") == true)
      }
    }
    var executable = try model.executable(batch: 1, compute: compute)
    let error = #expect(throws: EngineError.self) {
      try executable.write(batched(wrong), to: model.inputName)
    }
    #expect(error?.description.hasSuffix("other order of axes: transpose it") == true)
    // What fits neither order is no matter of order.
    let none = #expect(throws: InferenceError.self) {
      try model.run(Tensor(zeros: [1, 7, 7, 7]), compute: compute)
    }
    #expect(none?.description.contains("transpose") == false)
    #expect(throws: InferenceError.self) { try model.run(Tensor(zeros: [60]), compute: compute) }
    #expect(throws: InferenceError.self) {
      try predictor.predict(.tensor(Tensor(zeros: Shape([2] + wrong.shape.dimensions))))
    }
    var pair = try model.executable(batch: 2, compute: compute)
    #expect(throws: EngineError.self) {
      try pair.write(try prepared(model, image), to: model.inputName)
    }
  }

  @Test(
    "a network that is given no pictures keeps its order too, also in its file",
    arguments: DataFormat.allCases)
  func withoutPreparation(format: DataFormat) throws {
    let directory = try TemporaryDirectory()
    let model = Model(network(format, height: 4, width: 4, channels: 4), seed: 1)
    #expect(model.preprocessing == nil && model.dataFormat == format)
    let path = directory.file("model.safetensors")
    try model.save(to: path)
    let back = try Model(loading: path)
    #expect(back.dataFormat == format)
    let input = Tensor.random([4, 4, 4], seed: 3)
    #expect(try back.run(input, compute: compute) == model.run(input, compute: compute))
    #expect(
      try WeightFile(path).metadata["convnet.model"]?.contains("dataFormat\":\"channelsFirst")
        == (format == .channelsFirst))
  }

  @Test("signals and features have their batch added, and are refused by the names of their axes")
  func otherInputs() throws {
    let signal = Model(
      Network("s", input: .signal(width: 6, channels: 2)) {
        Flatten(); Dense(3)
      })
    let one = try signal.run(Tensor.random([6, 2], seed: 1), compute: compute)
    #expect(one.shape == [1, 3])
    let error = #expect(throws: InferenceError.self) {
      try signal.run(Tensor(zeros: [2, 6]), compute: compute)
    }
    #expect(error?.description.contains("it has channels, positions") == true)
    let features = Model(Network("f", input: .features(4)) { Dense(2) })
    #expect(try features.run(Tensor(zeros: [4]), compute: compute).shape == [1, 2])
    #expect(throws: InferenceError.self) { try features.run(Tensor(zeros: [5]), compute: compute) }
    #expect(throws: InferenceError.self) {
      try features.run(Tensor(zeros: [1, 2, 2]), compute: compute)
    }
  }
}
