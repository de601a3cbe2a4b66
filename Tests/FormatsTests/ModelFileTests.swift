import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Model file") struct ModelFileTests {
  private static func network(classes: Int = 3) -> Network {
    Network("small", input: .image(height: 6, width: 6, channels: 1), dataFormat: .channelsFirst) {
      Residual(shortcut: .zeroPadded) { Conv2D(4, kernel: 3, stride: 2, padding: .symmetric(1)) }
      BatchNorm()
      Auxiliary("aux", weight: 0.3) {
        GlobalPool.max
        Dense(classes)
      }
      Flatten()
      Dropout(0.25)
      Dense(classes).named("fc")
    }
  }

  private func model() throws -> Model {
    var model = try Model(
      validating: Self.network(), seed: 3, classNames: ["a", "ü \"b\"", "c/d\n"],
      preprocessing: Preprocessing(
        height: 6, width: 6, channels: 1, mean: [0.1], deviation: [0.3], dataFormat: .channelsFirst,
        background: .black))
    model.trainingSummary = TrainingSummary(epochs: 2, top1: 0.9, notes: ["by": "me"])
    return model
  }

  @Test("everything that a model is comes back, and is written again as the same bytes")
  func roundTrip() throws {
    let directory = try TemporaryDirectory()
    let (first, second) = (directory.file("first"), directory.file("second"))
    let model = try model()
    try model.save(to: first)
    let back = try Model(loading: first)
    #expect(back.graph == model.graph)
    #expect(back.parameters == model.parameters)
    #expect(back.classNames == model.classNames)
    #expect(back.preprocessing == model.preprocessing)
    #expect(back.trainingSummary == model.trainingSummary)
    #expect(back.dataFormat == .channelsFirst && back.classCount == 3)
    try back.save(to: second)
    #expect(try fileBytes(first) == fileBytes(second))
    #expect(try directory.contents() == ["first", "second"])
  }

  @Test(
    "files of other versions are read, whatever their summary of the training says",
    arguments: [
      (#"{"top1":"0.5","epochs":"3","by":"me"}"#, 3, ["by": "me"]),
      (#"{"epochs":4,"energy":{"kWh":1}}"#, 4, [:]), ("null", nil, nil), ("{}", nil, [:]),
    ] as [(String, Int?, [String: String]?)])
  func otherVersions(summary: String, epochs: Int?, notes: [String: String]?) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model")
    let model = try model()
    try write(model, summary: summary, to: path)
    let back = try Model(loading: path)
    #expect(back.trainingSummary?.epochs == epochs && back.trainingSummary?.notes == notes)
    #expect(back.parameters == model.parameters && back.classNames == model.classNames)
    // And once more, as this version writes it.
    try back.save(to: path)
    #expect(try Model(loading: path).trainingSummary == back.trainingSummary)
  }

  @Test(
    "a damaged summary is refused with the file's name",
    arguments: ["7", "[]", #"{"epochs":[1]}"#, #"{"pictures":{"count":"x"}}"#])
  func damagedSummary(summary: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model")
    try write(model(), summary: summary, to: path)
    let error = #expect(throws: ModelFileError.self) { try Model(loading: path) }
    #expect(error?.path == path && error?.description.contains("damaged") == true)
  }

  /// A file whose summary is this JSON.
  private func write(_ model: Model, summary: String, to path: String) throws {
    var model = model
    model.trainingSummary = TrainingSummary(data: "HERE")
    try model.save(to: path)
    var file = try Safetensors(contentsOf: path)
    let key = "convnet.model"
    let text = try #require(file.metadata[key])
    let replaced = text.replacingOccurrences(of: #"{"data":"HERE"}"#, with: summary)
    #expect(replaced != text)
    file.metadata[key] = replaced
    try file.write(to: path)
  }

  @Test(
    "parameters that stay in the file are the same, and stay so when a new version takes its place",
    arguments: [ElementType.float32, .float16])
  func mapped(elementType: ElementType) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model")
    try model().save(to: path, as: elementType)
    let copied = try Model(loading: path)
    let mapped = try Model(loading: path, isMapped: true)
    // What must be converted cannot stay there.
    #expect(mapped.parameters.values.allSatisfy { $0.isMapped == (elementType == .float32) })
    try Model(validating: Self.network(), seed: 4).save(to: path)
    #expect(mapped.parameters == copied.parameters)
    #expect(try Model(loading: path).parameters != copied.parameters)
  }

  @Test("a file without a network, or with a damaged one, is refused and says what to do")
  func refused() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model")
    try model().save(to: path)
    let good = try Safetensors(contentsOf: path)
    func refusal(_ change: (inout Safetensors) -> Void) throws -> String {
      var file = good
      change(&file)
      try file.write(to: path)
      do {
        _ = try Model(loading: path)
        return "accepted"
      } catch let error as ModelFileError {
        #expect(error.path == path)
        return "\(error)"
      } catch let error as GraphError {
        return "\(error)"
      }
    }
    #expect(try refusal { $0.metadata = [:] }.contains("load its parameters into a network"))
    for text in ["", "null", "{}", "[]", "{\"graph\":1}"] {
      #expect(try refusal { $0.metadata["convnet.model"] = text }.contains("damaged"))
    }
    #expect(
      try refusal { $0.tensors["fc.bias"] = nil }.contains("parameter fc.bias has no value"))
    #expect(
      try refusal { $0.tensors["fc.bias"] = Tensor(zeros: [4]) }
        .contains("parameter fc.bias needs shape 3, has 4"))
    // A shape that the operations do not make, and preprocessing that cannot be.
    for (old, new) in [("[1,4,3,3]", "[1,5,3,3]"), ("\"deviation\":[", "\"deviation\":[1,")] {
      let text = try refusal { file in
        let text = file.metadata["convnet.model"] ?? ""
        #expect(text.contains(old))
        file.metadata["convnet.model"] = text.split(
          separator: old, omittingEmptySubsequences: false
        )
        .joined(separator: new)
      }
      #expect(text.contains("damaged"), "\(text)")
    }
  }

  @Test("fine-tuning takes what fits and names what does not")
  func takeParameters() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("weights")
    let source = Model(Self.network(classes: 3), seed: 1)
    var target = Model(Self.network(classes: 5), seed: 2)
    let fresh = target.parameters
    try source.save(to: path)
    let taken = try target.takeParameters(from: path)
    #expect(
      taken.left.map(\.name) == ["aux.dense1.bias", "aux.dense1.weight", "fc.bias", "fc.weight"])
    #expect(taken.count + taken.left.count == target.parameters.count)
    for bias in [taken.left[0], taken.left[2]] {
      #expect(bias.found == [3] && bias.needed == [5])
    }
    #expect(
      taken.description.hasPrefix("\(taken.count) of \(target.parameters.count) parameters taken; ")
    )
    #expect(taken.description.contains("aux.dense1.bias is 3, needs 5; "))
    #expect(taken.description.hasSuffix("; and 1 more"))
    #expect(target.parameters["conv1.weight"] == source.parameters["conv1.weight"])
    #expect(target.parameters["fc.weight"] == fresh["fc.weight"])

    // A file that has little of the network is refused, unless that is wanted.
    let few = try #require(source.parameters["conv1.weight"])
    try Safetensors(tensors: ["conv1.weight": few]).write(to: path)
    let before = target.parameters
    let refusal = #expect(throws: TooFewParameters.self) { try target.takeParameters(from: path) }
    #expect(
      refusal?.found.count == 1 && refusal?.description.contains("is not in the file") == true)
    #expect(target.parameters == before)
    #expect(try target.takeParameters(from: path, minimumShare: 0).count == 1)

    try Safetensors(tensors: ["other": Tensor(zeros: [1])]).write(to: path)
    let error = #expect(throws: ModelFileError.self) { try target.takeParameters(from: path) }
    #expect(error?.problem == .noParameters(of: "small"))
  }
}
