import ConvNetEngine
import ConvNetEvaluation
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

/// The mean of (output - label)^2, as somebody outside the package would write it.
private struct SquaredError: Objective {
  static let name = "test.squaredError"
  var takesDistributions: Bool { true }

  func append(
    to graph: inout Graph, output: ValueID, labels: ValueID, name: String
  ) throws(GraphError) -> ObjectiveValues {
    let loss = try graph.append(
      Operation.MeanSquaredError(), to: [output, labels], name: name + "/squared error")
    return ObjectiveValues(loss: loss[0], scores: output)
  }
}

@Suite("Objective") struct ObjectiveTests {
  private func trainer(threads: Int = 1) -> Trainer {
    var trainer = momentumTrainer
    trainer.objective = SquaredError()
    trainer.compute.threads = threads
    return trainer
  }

  /// With y = x W + b: L = 1/(N C) sum (y - t)^2, dL/db[c] = 2/(N C) sum over n of (y - t)[n, c].
  @Test(
    "an objective of one's own has the loss and the gradient of its formula", arguments: [1, 2])
  func formula(threads: Int) throws {
    let model = Model(Network("n", input: .features(3)) { Dense(4) }, seed: 1)
    let step = try TrainingStep(model, trainer(threads: threads))
    let (input, labels) = (Tensor.random([6, 3], seed: 2), [0, 1, 2, 3, 0, 1] as [Int32])
    let loss = try step.run(input, labels: Tensor(labels))
    let outputs = try #require(try step.scores()).elements
    var expected = 0.0
    var bias = [Double](repeating: 0, count: 4)
    for row in 0..<6 {
      for column in 0..<4 {
        let target = Int(labels[row]) == column ? 1.0 : 0
        let difference = Double(outputs[row * 4 + column]) - target
        expected += difference * difference / 24
        bias[column] += difference / 12
      }
    }
    #expect(abs(loss - expected) < 1e-6 * expected)
    let gradient = try #require(try step.gradient(of: "dense1.bias")).elements
    for (value, expected) in zip(gradient, bias) { #expect(abs(Double(value) - expected) < 1e-6) }
  }

  @Test(
    "it trains, with mixed pictures and without", arguments: [.none, [.mixup()]] as [Augmentation])
  func trains(augmentation: Augmentation) throws {
    var trainer = trainer()
    trainer.augmentation = augmentation
    trainer.schedule = .constant(0.01)
    var model = Model(smallNetwork(extent: 16), seed: 1)
    let data = try syntheticData(count: 64, extent: 16)
    var history: [EpochReport] = []
    try trainer.fit(&model, on: data, validating: data, epochs: 24) { history.append($0) }
    #expect(history[23].training.loss < 0.7 * history[0].training.loss)
    #expect(try #require(history[23].validation).top1 > 0.7)
  }

  @Test("a checkpoint is refused with another objective, with both")
  func refused() throws {
    var model = Model(smallNetwork(), seed: 1)
    var kept: Checkpoint?
    try trainer().fit(&model, on: syntheticData(count: 16, extent: 8), epochs: 1) { kept = $1 }
    let error = #expect(throws: TrainingError.self) {
      try kept?.requireFit(for: momentumTrainer, model)
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("test.squaredError") && text.contains("cross-entropy"))
  }

  @Test("its loss is named where it is the first that is not finite")
  func nonFinite() throws {
    let model = Model(Network("n", input: .features(1)) { Dense(2) }, seed: 1)
    let step = try TrainingStep(model, trainer())
    // The output is finite, its square is not.
    let error = #expect(throws: TrainingError.self) {
      try step.run(Tensor([1e30] as [Float], shape: [1, 1]), labels: Tensor([0] as [Int32]))
    }
    guard case .nonFinite("the loss", "n", 0, _, _) = error else {
      Issue.record("\(error as Any)")
      return
    }
  }
}
