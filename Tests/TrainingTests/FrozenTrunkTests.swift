import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetGraphs
import ConvNetImages
import ConvNetInference
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

/// Data of which some samples cannot be read.
private struct UnreadableData: Dataset {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  let all: IDXDataset
  let bad: Set<Int>
  var name: String { "unreadable" }
  var count: Int { all.count }
  var classNames: [String] { all.classNames }
  var imageShape: Shape? { all.imageShape }
  func label(at index: Int) -> Int { all.label(at: index) }
  func sample(at index: Int) throws -> Sample {
    if bad.contains(index) { throw Failure(description: "sample \(index)") }
    return all.sample(at: index)
  }
}

@Suite("Frozen trunk") struct FrozenTrunkTests {
  private static let frozen: [ParameterGroup] = [.frozen("conv1.*"), .frozen("bn1.*")]

  /// A model whose running statistics say something.
  private func trainedModel() throws -> Model {
    var model = Model(smallNetwork(), seed: 1)
    try momentumTrainer.fit(&model, on: syntheticData(count: 32, extent: 8), epochs: 1)
    return model
  }

  private func trainer(_ keeping: FeatureKeeping, batch: Int = 16) -> Trainer {
    var trainer = momentumTrainer
    trainer.groups = Self.frozen
    trainer.featureKeeping = keeping
    trainer.batchSize = batch
    return trainer
  }

  private func fitted(
    _ keeping: FeatureKeeping, _ model: Model, epochs: Int = 3, batch: Int = 16, count: Int = 40
  ) throws -> (model: Model, history: [EpochReport]) {
    var model = model
    var history: [EpochReport] = []
    try trainer(keeping, batch: batch).fit(
      &model, on: syntheticData(count: count, extent: 8),
      validating: syntheticData(count: 20, extent: 8, seed: 3), epochs: epochs
    ) { history.append($0) }
    return (model, history)
  }

  @Test("a step has no operation of the trunk, forward or backward, and the scores of inference")
  func step() throws {
    // Nothing is dropped and nothing is learned yet: a step then gives what inference does.
    var model = Model(
      Network("n", input: .image(height: 8, width: 8, channels: 1)) {
        Conv2D(3, kernel: 3)
        BatchNorm()
        ReLU()
        Flatten()
        Dense(4)
      }, seed: 1)
    try momentumTrainer.fit(&model, on: syntheticData(count: 32, extent: 8), epochs: 1)
    let session = try TrainingSession(model, trainer: trainer(.never))
    let names = try session.stepGraph(batch: 4).operations.map(\.name)
    #expect(!names.contains { $0.hasPrefix("conv1") || $0.hasPrefix("bn1") })
    var step = try TrainingStep(model, trainer(.never))
    let input = Tensor.random([4, 8, 8, 1], seed: 2)
    try step.run(input, labels: Tensor([0, 1, 2, 3] as [Int32]))
    let scores = try #require(try step.scores()).elements
    let logits = try model.run(input).elements
    for row in 0..<4 {
      let exponentials = (0..<4).map { Foundation.exp(Double(logits[row * 4 + $0])) }
      let sum = exponentials.reduce(0, +)
      for column in 0..<4 {
        #expect(abs(Double(scores[row * 4 + column]) - exponentials[column] / sum) < 1e-5)
      }
    }
    // A normalization that learns reads the batch: other scores.
    var learning = trainer(.never)
    learning.groups = [.frozen("conv1.*")]
    step = try TrainingStep(model, learning)
    try step.run(input, labels: Tensor([0, 1, 2, 3] as [Int32]))
    let others = try #require(try step.scores()).elements
    #expect(zip(scores, others).contains { abs($0 - $1) > 1e-3 })
  }

  @Test("a frozen normalization between layers that learn has the gradients of its formula")
  func between() throws {
    let network = Network("n", input: .image(height: 6, width: 6, channels: 2)) {
      Conv2D(3, kernel: 3)
      BatchNorm()
      Tanh()
      Flatten()
      Dense(3)
    }
    var model = Model(network, seed: 1)
    model.parameters["bn1.running_mean"] = Tensor([0.2, -0.1, 0.4] as [Float])
    model.parameters["bn1.running_var"] = Tensor([0.5, 2, 1] as [Float])
    var trainer = momentumTrainer
    trainer.groups = [.frozen("bn1.*")]
    let input = Tensor.random([4, 6, 6, 2], seed: 2)
    let labels = Tensor([0, 1, 2, 0] as [Int32])
    func loss(_ model: Model) throws -> Double {
      try TrainingStep(model, trainer).run(input, labels: labels)
    }
    let step = try TrainingStep(model, trainer)
    try step.run(input, labels: labels)
    let gradient = try #require(try step.gradient(of: "conv1.weight")).elements
    #expect(try step.gradient(of: "bn1.weight") == nil)
    let weights = try #require(model.parameters["conv1.weight"])
    for index in stride(from: 0, to: weights.elements.count, by: 7) {
      func moved(_ by: Float) throws -> Double {
        var elements = weights.elements
        elements[index] += by
        var other = model
        other.parameters["conv1.weight"] = Tensor(elements, shape: weights.shape)
        return try loss(other)
      }
      let numerical = try (moved(0.01) - moved(-0.01)) / 0.02
      #expect(abs(numerical - Double(gradient[index])) < 2e-3, "\(index)")
    }
    try step.update()
    #expect(step.model.parameters["bn1.running_mean"] == model.parameters["bn1.running_mean"])
    #expect(step.model.parameters["conv1.weight"] != model.parameters["conv1.weight"])
  }

  @Test("kept features give the training of features computed at every step, within float rounding")
  func kept() throws {
    let directory = try TemporaryDirectory()
    let model = try trainedModel()
    let (plain, told) = try fitted(.never, model)
    for keeping in [
      .memory, .automatic, .folder(directory.file("features")),
      .folder(directory.file("features")),
    ] as [FeatureKeeping] {
      let (other, history) = try fitted(keeping, model)
      for (name, values) in plain.parameters {
        let others = try #require(other.parameters[name])
        for (a, b) in zip(values.elements, others.elements) { #expect(abs(a - b) < 1e-5) }
      }
      for (a, b) in zip(told, history) {
        #expect(abs(a.training.loss - b.training.loss) < 1e-5)
        #expect(abs((a.validation?.loss ?? 0) - (b.validation?.loss ?? 1)) < 1e-5)
        #expect(a.validation?.top1 == b.validation?.top1)
      }
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.file("features")).count == 2)
  }

  @Test("a sample that cannot be read is replaced by the same one, with kept features and without")
  func unreadable() throws {
    let directory = try TemporaryDirectory()
    let data = try UnreadableData(all: syntheticData(count: 40, extent: 8), bad: [3, 39])
    func trained(_ keeping: FeatureKeeping) throws -> (model: Model, told: [Int]) {
      var trainer = trainer(keeping)
      trainer.loading.badSamples = .replace
      var model = try trainedModel()
      var told: [Int] = []
      try trainer.fit(
        &model, on: data, validating: data, epochs: 3, sampleSkipped: { told.append($0.index) }
      ) { report, _ in
        #expect(report.validation?.samples == 38)
        #expect(report.skippedCount == 2)
      }
      return (model, told.sorted())
    }
    let plain = try trained(.never)
    for keeping in [.memory, .folder(directory.path), .folder(directory.path)] as [FeatureKeeping] {
      let kept = try trained(keeping)
      #expect(kept.told == plain.told)
      for (name, values) in plain.model.parameters {
        let others = try #require(kept.model.parameters[name])
        for (a, b) in zip(values.elements, others.elements) { #expect(abs(a - b) < 1e-5) }
      }
    }
    #expect(throws: UnreadableData.Failure.self) {
      var model = try trainedModel()
      try trainer(.memory).fit(&model, on: data, epochs: 3)
    }
  }

  @Test("a damaged file of features is made anew")
  func damaged() throws {
    let directory = try TemporaryDirectory()
    let model = try trainedModel()
    let folder = directory.file("features")
    let (first, _) = try fitted(.folder(folder), model)
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    let (second, _) = try fitted(.folder(folder), model)
    #expect(first.parameters == second.parameters)
  }

  @Test("a training with kept features goes on from a checkpoint byte for byte")
  func resumed() throws {
    let model = try trainedModel()
    let (whole, _) = try fitted(.memory, model, epochs: 4)
    var checkpoint: Checkpoint?
    var (half, rest) = (model, model)
    let data = try syntheticData(count: 40, extent: 8)
    let validation = try syntheticData(count: 20, extent: 8, seed: 3)
    try trainer(.memory).fit(&half, on: data, validating: validation, epochs: 2) {
      checkpoint = $1
    }
    try trainer(.memory).fit(
      &rest, on: data, validating: validation, epochs: 4, resuming: checkpoint
    ) { _, _ in }
    #expect(rest.parameters == whole.parameters)
  }

  @Test(
    "features that augmentation would change, and those of a network that learns from its first layer on, are refused"
  )
  func refused() throws {
    func refusal(_ change: (inout Trainer) -> Void) -> String {
      var trainer = trainer(.memory)
      change(&trainer)
      let error = #expect(throws: TrainingError.self) {
        var model = Model(smallNetwork(), seed: 1)
        try trainer.fit(&model, on: syntheticData(count: 16, extent: 8), epochs: 2)
      }
      return error.map { "\($0)" } ?? ""
    }
    #expect(
      refusal { $0.augmentation = [.horizontalReflection()] }.contains("without augmentation"))
    #expect(refusal { $0.groups = [.frozen("dense1.*")] }.contains("without a frozen beginning"))
    #expect(refusal { $0.groups = [] }.contains("without a frozen beginning"))
  }

  @Test(
    "what is frozen up to the last layer leaves a step of a few operations",
    arguments: ["lenet5", "resnet20", "googlenet"])
  func networks(name: String) throws {
    let model = Model(try #require(ModelRegistry[name]).network, seed: 1)
    let learned = try #require(
      model.graph.parameters.last { model.graph[$0].parameterKind == .kernel }
        .map { model.graph[$0].name })
    var trainer = momentumTrainer
    let layer = String(learned.dropLast("weight".count))
    trainer.groups = [ParameterGroup(layer + "*"), .frozen("*")]
    let names = try TrainingSession(model, trainer: trainer).stepGraph(batch: 2)
    #expect(names.operations.count < 30)
  }

  @Test("factors of several options meet in one group, and hidden patterns are checked too")
  func combined() throws {
    let network = Model(smallNetwork(), seed: 1).graph
    let groups = try [ParameterGroup].combining(
      frozen: ["conv1.*"], rateFactors: [("dense1.*", 10)],
      decayFactors: [("*.bias", 0), ("dense1.*", 0.5)], in: network)
    #expect(
      groups.map { "\($0)" } == [
        "conv1.* frozen", "dense1.* and *.bias rate times 10.0, decay times 0.0",
        "dense1.* rate times 10.0, decay times 0.5", "dense1.* rate times 10.0",
        "*.bias decay times 0.0", "dense1.* decay times 0.5",
      ])
    let error = #expect(throws: TrainingError.self) {
      try [ParameterGroup].combining(
        frozen: ["cnov1.*"], rateFactors: [], decayFactors: [], in: network)
    }
    #expect(error.map { "\($0)".contains("did you mean conv1.*") } == true)
  }
}
