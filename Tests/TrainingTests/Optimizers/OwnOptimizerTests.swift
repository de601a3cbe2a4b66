import ConvNetEngine
import ConvNetEvaluation
import ConvNetFormats
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

@Suite("Optimizer of one's own") struct OwnOptimizerTests {
  private func trainer(threads: Int = 1) -> Trainer {
    var trainer = momentumTrainer
    trainer.optimizer = OwnAdam()
    trainer.schedule = .constant(0.01)
    trainer.compute.threads = threads
    return trainer
  }

  /// The first step of Adam is the rate, against the sign of the gradient; g / (|g| + epsilon).
  @Test("its first step is what its formula says")
  func firstStep() throws {
    let model = Model(smallNetwork(), seed: 1)
    let session = try TrainingSession(model, trainer: trainer())
    let step = try session.step(batch: 4)
    try step.executable.write(.random([4, 8, 8, 1], seed: 2), to: model.inputName)
    try step.executable.write(Tensor([0, 1, 2, 3] as [Int32]), to: TrainingGraph.labelsName)
    try session.run(step)
    for (parameter, _, output) in session.gradients {
      let (before, after) = (model.parameters[parameter], session.store[parameter])
      try step.executable.withOutput(output) { gradient in
        for index in gradient.indices where abs(gradient[index]) > 1e-5 {
          let change = try #require(after).elements[index] - (try #require(before)).elements[index]
          #expect(abs(change - (gradient[index] > 0 ? -0.01 : 0.01)) < 1e-4, "\(parameter)")
        }
      }
    }
  }

  @Test("it learns, and goes on from a checkpoint that keeps its slots by name")
  func resumes() throws {
    let data = try syntheticData(count: 64, extent: 8)
    let directory = try TemporaryDirectory()
    let path = directory.file("checkpoint")
    var whole = Model(smallNetwork(), seed: 1)
    var history: [EpochReport] = []
    try trainer().fit(&whole, on: data, epochs: 6) { report, checkpoint in
      history.append(report)
      if report.epoch == 2 { try checkpoint.save(to: path) }
    }
    #expect(history[5].training.loss < 0.5 * history[0].training.loss)
    let file = try Safetensors(contentsOf: path)
    #expect(file.tensors["mean/dense1.weight"]?.shape == whole.parameters["dense1.weight"]?.shape)
    #expect(file.tensors["variance/conv1.weight"] != nil)
    var resumed = Model(smallNetwork(), seed: 1)
    try trainer().fit(
      &resumed, on: data, epochs: 6, resuming: Checkpoint(loading: path)
    ) { _, _ in }
    #expect(resumed.parameters == whole.parameters)
  }

  @Test("a checkpoint of one optimizer is refused by another, with both, and by other settings")
  func refused() throws {
    let data = try syntheticData(count: 16, extent: 8)
    var model = Model(smallNetwork(), seed: 1)
    var checkpoint: Checkpoint?
    try trainer().fit(&model, on: data, epochs: 1) { checkpoint = $1 }
    let kept = try #require(checkpoint)
    for (other, words) in [
      (momentumTrainer.optimizer, "SGD of momentum 0.9"),
      (OwnAdam(epsilon: 1e-3), "test.adam of epsilon 0.001"),
    ] as [(any Optimizer, String)] {
      var trainer = trainer()
      trainer.optimizer = other
      let error = #expect(throws: TrainingError.self) { try kept.requireFit(for: trainer, model) }
      let text = error.map { "\($0)" } ?? ""
      #expect(text.contains("test.adam of epsilon 1e-08") && text.contains(words))
    }
  }
}
