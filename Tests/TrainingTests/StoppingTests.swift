import ConvNetDatasets
import ConvNetFormats
import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Testing

@Suite("Stopping a training") struct StoppingTests {
  private struct Parts {
    var training: any Dataset
    var validation: any Dataset

    init() throws {
      training = try syntheticData(count: 50, extent: 8)
      validation = try syntheticData(count: 20, extent: 8)
    }
  }

  private func wholeModel(_ parts: Parts, epochs: Int) throws -> Model {
    var model = Model(smallNetwork(), seed: 1)
    try momentumTrainer.fit(
      &model, on: parts.training, validating: parts.validation, epochs: epochs)
    return model
  }

  @Test(
    "It stops where it is asked to, at its last finished epoch, and goes on as if it had not",
    arguments: 1...12)
  func stops(atQuestion last: Int) throws {
    let parts = try Parts()
    let directory = try TemporaryDirectory()
    let path = directory.file("checkpoint")
    var model = Model(smallNetwork(), seed: 1)
    var (questions, finished) = (0, 0)
    let error = #expect(throws: TrainingError.self) {
      try momentumTrainer.fit(
        &model, on: parts.training, validating: parts.validation, epochs: 9
      ) { _ in
      } until: {
        questions += 1
        return questions == last
      } epochEnded: { report, checkpoint in
        finished = report.epoch
        try checkpoint.save(to: path)
      }
    }
    #expect(error == .stopped(epoch: finished + 1) && questions == last)
    if finished == 0 {
      #expect(model.parameters == Model(smallNetwork(), seed: 1).parameters)
      try Checkpoint(
        beginning: model, on: parts.training, validating: parts.validation, trainer: momentumTrainer
      ).save(to: path)
    } else {
      #expect(try model.parameters == wholeModel(parts, epochs: finished).parameters)
    }
    var resumed = Model(smallNetwork(), seed: 1)
    try momentumTrainer.fit(
      &resumed, on: parts.training, validating: parts.validation, epochs: finished + 1,
      resuming: Checkpoint(loading: path)
    ) { _, _ in }
    #expect(try resumed.parameters == wholeModel(parts, epochs: finished + 1).parameters)
  }

  @Test("The error says the epoch, and whose values the model has")
  func description() {
    #expect(
      TrainingError.stopped(epoch: 3).description
        == "the training was stopped in epoch 3; the model has its values of epoch 2")
    #expect(TrainingError.stopped(epoch: 1).description.hasSuffix("values of the beginning"))
  }

  @Test("It ends with its task")
  func cancelled() async throws {
    let parts = try Parts()
    let task = Task {
      var model = Model(smallNetwork(), seed: 1)
      var steps = 0
      do {
        try momentumTrainer.fit(
          &model, on: parts.training, validating: parts.validation, epochs: 9
        ) { _ in
          steps += 1
          withUnsafeCurrentTask { $0?.cancel() }
        } epochEnded: { _, _ in
        }
      } catch is CancellationError {
        return steps
      }
      return 0
    }
    #expect(try await task.value == 1)
  }
}
