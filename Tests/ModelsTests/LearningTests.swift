import ConvNetEngine
import ConvNetGraphs
import ConvNetInference
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

extension ModelEntry {
  /// The network for the smallest picture, or nearly, on which nothing is left out.
  var reduced: ModelOptions {
    var options = defaults
    let extent =
      switch name {
      case "lenet5": 28
      case "alexnet": 67
      case "alexnet-torchvision": 63
      case "googlenet": 48
      case _ where name.hasPrefix("inception"): 75
      // At 32 the last maps of these are single elements, which a batch of four hardly normalizes.
      case _ where name.hasPrefix("resnet1") && defaults.height > 32: 64
      case _ where name.hasPrefix("mobilenet") || name.hasPrefix("efficientnet"): 64
      case _ where defaults.height == 32: 16
      default: 32
      }
    (options.height, options.width, options.classes) = (extent, extent, 5)
    return options
  }
}

@Suite("Registry, learning") struct LearningTests {
  /// The step goes down the gradient by as much as would, were the loss linear, take 2% of it.
  @Test("one step lowers the loss of its batch", arguments: ModelRegistry.entries)
  func step(entry: ModelEntry) throws {
    let model = Model(entry.build(entry.reduced), seed: 1)
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(1), seed: 2,
      compute: ComputeOptions(threads: 1))
    let session = try TrainingSession(model, trainer: trainer)
    let batch = 4
    let step = try session.step(batch: batch)
    let name = try #require(model.graph.inputs.first.map { model.graph[$0].name })
    let inputShape = step.executable.inputShape(name)
    let shape = try #require(inputShape)
    try step.executable.write(.random(shape, seed: 3), to: name)
    try step.executable.write(
      .randomClasses(entry.reduced.classes, examples: batch, seed: 4), to: "labels")

    // The same step number, so the same elements dropped.
    func loss() throws -> Float {
      try step.executable.run(step: 0, seed: trainer.seed)
      let total = step.executable.outputShape("total loss") == nil ? "loss" : "total loss"
      return try step.executable.withOutput(total) { $0[0] }
    }
    let before = try loss()
    let trained = model.graph.parameters.map { model.graph[$0] }
      .filter { $0.parameterKind?.isTrainable == true }
    var squares = 0.0
    for parameter in trained {
      try step.executable.withOutput("gradient/\(parameter.name)") { gradient in
        for index in gradient.indices { squares += Double(gradient[index] * gradient[index]) }
      }
    }
    #expect(before.isFinite && squares > 0)
    for parameter in trained {
      let kind = try #require(parameter.parameterKind)
      try step.executable.withUnsafeOutput("gradient/\(parameter.name)") {
        let stepped = session.optimizer.parameter(
          parameter.name, kind: kind, gradient: $0, in: session.store)
        session.optimizer.update([stepped], learningRate: 0.02 * before / Float(squares))
      }
    }
    let after = try loss()
    #expect(after < before)
  }

  @Test("the gradients that a model gives are those that a training follows")
  func gradients() throws {
    let entry = try #require(ModelRegistry["googlenet-torchvision"])
    let model = Model(entry.build(entry.reduced), seed: 1)
    let images = Tensor.random([3, 3, 32, 32], seed: 2)
    let labels = Tensor([Int64(0), 4, 2])
    let result = try model.gradients(
      of: images, labels: labels, order: .channelsFirst, hasDropout: false)
    #expect(result.totalLoss > result.loss && result.norm > 0)
    #expect(
      Set(result.gradients.keys).union(result.runningStatistics.keys)
        == Set(model.parameters.keys))
    for (name, gradient) in result.gradients {
      #expect(gradient.shape == model.parameters[name]?.shape)
    }
    #expect(
      result.runningStatistics.allSatisfy { $0.value != model.parameters[$0.key] })

    // Against the slope along the gradient of the classifier's bias, by finite differences.
    let bias = "fc.bias"
    let gradient = try #require(result.gradients[bias]).elements
    let squares = gradient.reduce(0) { $0 + Double($1) * Double($1) }
    let losses = try [-0.02, 0.02].map { (distance: Float) in
      var moved = model
      let values = try #require(moved.parameters[bias]).elements
      moved.parameters[bias] = Tensor(zip(values, gradient).map { $0 + distance * $1 })
      return try moved.gradients(
        of: images, labels: labels, order: .channelsFirst, hasDropout: false
      ).totalLoss
    }
    #expect(abs((losses[1] - losses[0]) / 0.04 - squares) < 0.01 * squares)
  }

  @Test("labels that are no classes are refused")
  func labels() throws {
    let entry = try #require(ModelRegistry["lenet5"])
    let model = Model(entry.network, seed: 1)
    let images = Tensor(zeros: [2, 28, 28, 1])
    for labels in [
      Tensor([Int64(0), 10]), Tensor([Int32(-1), 0]), Tensor([UInt8(1)]), Tensor([Float(0), 1]),
      Tensor([UInt64.max, 0]), Tensor(zeros: [2, 1], elementType: .int32),
    ] {
      #expect(throws: TrainingError.self) { try model.gradients(of: images, labels: labels) }
    }
    #expect(throws: InferenceError.self) {
      try model.gradients(of: Tensor(zeros: [2, 28, 28, 3]), labels: Tensor([Int32(0), 1]))
    }
  }
}
