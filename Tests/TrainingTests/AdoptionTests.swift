import ConvNetDatasets
import ConvNetEngine
import ConvNetEvaluation
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("A training that goes on with other settings") struct AdoptionTests {
  private struct Run {
    var trainer = momentumTrainer
    var model = Model(smallNetwork(), seed: 1)
    var train: any Dataset
    var validation: (any Dataset)?
    var epochs = 4

    init(trains: Int = 50) throws {
      train = try syntheticData(count: trains, extent: 8)
      validation = try syntheticData(count: 20, extent: 8, seed: 2)
    }

    /// The state after an epoch, or after a step of the second.
    mutating func state(withinEpoch: Bool = false) throws -> Checkpoint {
      var kept: Checkpoint?
      let logger = StateTaker(step: withinEpoch ? 5 : 4) { kept = $0 }
      try trainer.fit(
        &model, on: train, validating: validation, epochs: 2, loggers: [logger])
      let directory = try TemporaryDirectory()
      try #require(kept).save(to: directory.file("checkpoint"))
      return try Checkpoint(loading: directory.file("checkpoint"))
    }

    func adopt(_ checkpoint: inout Checkpoint) throws -> [TrainingChange] {
      try checkpoint.adopt(
        trainer, for: model, on: train, validating: validation, epochs: epochs)
    }

    /// Goes on to the end.
    mutating func goOn(from checkpoint: Checkpoint) throws -> [EpochReport] {
      var history: [EpochReport] = []
      try trainer.fit(
        &model, on: train, validating: validation, epochs: epochs, resuming: checkpoint
      ) { report, _ in history.append(report) }
      return history
    }
  }

  /// Takes the state after a step.
  private struct StateTaker: TrainingLogger {
    var step: Int
    var take: (Checkpoint) -> Void

    func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) throws {
      if training.step == step { take(try training.checkpoint()) }
    }

    func stepEnded(_ step: StepReport, of training: TrainingInProgress) throws {
      if training.step == self.step, step.samples < step.totalSamples {
        take(try training.checkpoint())
      }
    }
  }

  private func find(_ name: String, in changes: [TrainingChange]) throws -> TrainingChange {
    try #require(changes.first { $0.setting == name }, "\(changes)")
  }

  @Test("what is the same adopts nothing, and the training stays the same bytes")
  func same() throws {
    var run = try Run()
    run.epochs = 2
    var checkpoint = try run.state()
    #expect(try run.adopt(&checkpoint).isEmpty && checkpoint.changes.isEmpty)
    var whole = try Run()
    whole.epochs = 2
    try whole.trainer.fit(
      &whole.model, on: whole.train, validating: whole.validation, epochs: 2)
    _ = try run.goOn(from: checkpoint)
    #expect(run.model.parameters == whole.model.parameters)
  }

  @Test(
    "a setting is told with both values, and the training goes on with it",
    arguments: [
      ("batchSize", "16", "25"), ("optimizer.momentum", "0.9", "0.8"),
      ("optimizer.weightDecay", "0.0005", "0.001"), ("schedule.rate", "0.02", "0.04"),
      ("objective.labelSmoothing", "0", "0.1"), ("augmentation", "none", "reflection"),
      ("sampling", "every", "balanced"), ("exact", "false", "true"), ("epochs", "2", "4"),
      ("earlyStopping.patience", nil, "3"), ("normClipping.limit", nil, "1"),
      ("averaging.decay", nil, "0.9"), ("groups", nil, "rate times 0.5"),
    ] as [(String, String?, String)])
  func told(setting: String, old: String?, new: String) throws {
    var run = try Run()
    var checkpoint = try run.state()
    run.epochs = setting == "epochs" ? 4 : 2
    switch setting {
    case "batchSize": run.trainer.batchSize = 25
    case "optimizer.momentum": run.trainer.optimizer = .sgd(momentum: 0.8, weightDecay: 0.0005)
    case "optimizer.weightDecay": run.trainer.optimizer = .sgd(momentum: 0.9, weightDecay: 0.001)
    case "schedule.rate": run.trainer.schedule = .plateau(from: 0.04)
    case "objective.labelSmoothing": run.trainer.objective = .crossEntropy(labelSmoothing: 0.1)
    case "augmentation": run.trainer.augmentation = [.horizontalReflection()]
    case "sampling": run.trainer.sampling = .balanced
    case "exact": run.trainer.compute.isExact = true
    case "earlyStopping.patience": run.trainer.earlyStopping = EarlyStopping(patience: 3)
    case "normClipping.limit": run.trainer.gradientTransforms = [.clipping(norm: 1)]
    case "averaging.decay": run.trainer.averaging = .exponential(decay: 0.9)
    case "groups": run.trainer.groups = [ParameterGroup("dense1.*", rateFactor: 0.5)]
    default: break
    }
    let changes = try run.adopt(&checkpoint)
    let change = try find(setting, in: changes)
    #expect(change.old == old && change.new?.contains(new) == true, "\(change)")
    #expect(change.epoch == 1 && change.step == 4)
    // The state that is kept from now on has it.
    let directory = try TemporaryDirectory()
    try checkpoint.save(to: directory.file("checkpoint"))
    let kept = try Checkpoint(loading: directory.file("checkpoint"))
    #expect(kept.changes == changes)
    let words = try kept.model().trainingSummary?.notes["changes"]
    // One that is only longer is the same as one that was long from the beginning.
    if setting == "epochs" {
      #expect(words == nil)
    } else {
      #expect(words?.hasPrefix("after epoch 1: ") == true && words?.contains(setting) == true)
    }
    #expect(try run.goOn(from: checkpoint).map(\.epoch) == (setting == "epochs" ? [2, 3, 4] : [2]))
    var again = checkpoint
    #expect(try run.adopt(&again).isEmpty)
  }

  @Test("a schedule does not jump without a word: the rates of the next step are told")
  func rates() throws {
    var run = try Run()
    run.trainer.schedule = .cosine(from: 0.02, length: 2)
    var checkpoint = try run.state()
    run.trainer.schedule = .cosine(from: 0.02, length: 4)
    let changes = try run.adopt(&checkpoint)
    #expect(try find("schedule.length", in: changes).new == "4")
    let rate = try find("nextLearningRate", in: changes)
    // Half of the way of 2 epochs, a quarter of that of 4.
    let (was, isNow) = (0.01, 0.02 * (1 + cos(Double.pi / 4)) / 2)
    #expect(abs(try #require(rate.old.flatMap(Double.init)) - was) < 1e-8)
    #expect(abs(try #require(rate.new.flatMap(Double.init)) - isNow) < 1e-8)
    let step = try #require(run.goOn(from: checkpoint).first)
    #expect(step.epoch == 2 && step.learningRate < Float(isNow))
  }

  @Test("within an epoch the rate is that of the step that follows")
  func rateWithinEpoch() throws {
    var run = try Run()
    run.trainer.schedule = .cosine(from: 0.02, length: 2)
    var checkpoint = try run.state(withinEpoch: true)
    run.trainer.schedule = .constant(0.005)
    let rate = try find("nextLearningRate", in: run.adopt(&checkpoint))
    let expected = 0.02 * (1 + cos(Double.pi * (1 + 16.0 / 50) / 2)) / 2
    #expect(abs(try #require(rate.old.flatMap(Double.init)) - expected) < 1e-8)
    #expect(rate.new == "0.005")
    // The epoch goes on where it was.
    #expect(checkpoint.samplesOfEpoch == 16)
  }

  @Test(
    "another optimizer's memory begins anew; the same one's stays, but for a velocity of another form"
  )
  func memory() throws {
    var run = try Run()
    let kept = try run.state()
    let velocity = kept.slots["velocity"]
    var checkpoint = kept
    run.trainer.optimizer = .sgd(momentum: 0.5, weightDecay: 0.0005)
    #expect(try !run.adopt(&checkpoint).contains { $0.setting == "optimizer.memory" })
    #expect(checkpoint.slots["velocity"] == velocity)

    checkpoint = kept
    run.trainer.optimizer = .adam()
    let change = try find("optimizer.memory", in: run.adopt(&checkpoint))
    #expect(change.old == "of 4 updates" && change.new == "begins anew")
    #expect(Set(checkpoint.slots.keys) == ["mean", "squares"])
    // The same as a training that begins with these parameters and takes one step of Adam.
    #expect(checkpoint.slots["mean"]?["dense1.weight"]?.elements.allSatisfy { $0 == 0 } == true)
    _ = try run.goOn(from: checkpoint)

    checkpoint = kept
    run.trainer.optimizer = StochasticGradientDescent(
      momentum: 0.9, weightDecay: 0.0005, velocity: .gradients)
    #expect(
      try find("optimizer.memory", in: run.adopt(&checkpoint)).new
        == "velocity of gradients begins anew")
  }

  @Test("an average of the weights that begins on the way begins with the weights that there are")
  func averaging() throws {
    var run = try Run()
    var checkpoint = try run.state()
    run.epochs = 2
    // The mean of all weights from now on: of the first step it would be a fifth if it counted those before.
    run.trainer.averaging = .polyak(statisticsBatches: 0)
    _ = try run.adopt(&checkpoint)
    let taker = FirstStep()
    var model = run.model
    try run.trainer.fit(
      &model, on: run.train, validating: run.validation, epochs: 2, resuming: checkpoint,
      loggers: [taker])
    let (weights, average) = try #require(taker.found)
    #expect(weights == average)
  }

  private final class FirstStep: TrainingLogger {
    var found: (Tensor, Tensor)?

    func stepEnded(_ step: StepReport, of training: TrainingInProgress) throws {
      guard found == nil, let weights = training.parameter("dense1.weight"),
        let average = training.model.parameters["dense1.weight"]
      else { return }
      found = (weights, average)
    }
  }

  @Test("data that has grown begins the epoch anew, with the parameters as they are")
  func grown() throws {
    var run = try Run()
    var checkpoint = try run.state(withinEpoch: true)
    run.train = try syntheticData(count: 60, extent: 8)
    let changes = try run.adopt(&checkpoint)
    #expect(try find("trainingData", in: changes).new?.hasPrefix("60 pictures") == true)
    let epoch = try find("epoch", in: changes)
    #expect(epoch.old == "16 samples of epoch 2" && epoch.new == "begins anew")
    #expect(checkpoint.samplesOfEpoch == 0 && checkpoint.step == 5)
    let history = try run.goOn(from: checkpoint)
    #expect(history.first?.training.samples == 60)
  }

  @Test(
    "what makes the training another one is refused, and changes nothing",
    arguments: ["seed", "network", "frozen", "validation", "fewer", "other", "classes", "settings"])
  func refused(what: String) throws {
    var run = try Run()
    let kept = try run.state()
    let says: String
    switch what {
    case "seed":
      run.trainer.seed = 8
      says = "has seed 7; this training has seed 8"
    case "network":
      run.model = Model(smallNetwork(extent: 10), seed: 1)
      says = "the checkpoint's parameter of dense1.weight"
    case "frozen":
      run.trainer.groups = [.frozen("conv1.*")]
      says = "has frozen nothing; this training freezes conv1"
    case "validation":
      run.validation = nil
      says = "has data to validate on; this training has none"
    case "fewer":
      run.train = try syntheticData(count: 40, extent: 8)
      says = "50 pictures"
    case "other":
      run.train = try syntheticData(count: 50, extent: 8, seed: 9)
      says = "of fingerprint"
    case "classes":
      run.model.classNames = (0..<4).map { "other \($0)" }
      says = "the checkpoint's classes are"
    default:
      run.trainer.batchSize = 0
      says = "batch size is 0"
    }
    var checkpoint = kept
    let error = #expect(throws: (any Error).self) { try run.adopt(&checkpoint) }
    #expect(error.map { "\($0)".contains(says) } == true, "\(error.map { "\($0)" } ?? "")")
    #expect(checkpoint.changes.isEmpty && checkpoint.slots == kept.slots)
  }

  @Test("early stopping that begins on the way looks for the best among the epochs that follow")
  func earlyStopping() throws {
    var run = try Run()
    var checkpoint = try run.state()
    run.trainer.earlyStopping = EarlyStopping(patience: 1)
    // Nothing is learnt any more: no epoch is better than the one before.
    run.trainer.schedule = .constant(1e-9)
    run.epochs = 9
    _ = try run.adopt(&checkpoint)
    let history = try run.goOn(from: checkpoint)
    #expect(history.map(\.epoch) == [2, 3])
    #expect(run.model.trainingSummary?.bestEpoch == 2)
  }
}
