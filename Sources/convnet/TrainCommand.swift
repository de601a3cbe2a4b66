import ArgumentParser
import ConvNet
import Foundation

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a network on a data set.",
    discussion: """
      Writes into the output folder:
        model.safetensors   the model, ready to use
        checkpoint          to go on from with --resume
        metrics.jsonl       a line an epoch
        events.out.*        the same for TensorBoard
        report.html         the curves, for a browser

      Ctrl-C, SIGTERM and SIGHUP stop it after the current step: the last finished
      epoch is kept, and --resume goes on from there. Twice ends it at once.

      EXAMPLES
        convnet train --model lenet5 --data fashion-mnist --output runs/first
        convnet train --model lenet5 --data pictures --split 0.2 --output runs/second
        convnet train --model resnet18 --data pictures --output runs/third \\
          --augment inception --normalize imagenet --cache-memory 4G --on-bad skip
        convnet train --model lenet5 --data fashion-mnist --output runs/first \\
          --epochs 10 --resume
      """)

  // First, so that `--augment list` is answered without the rest.
  @OptionGroup(title: "Augmentation") var augmentation: AugmentationOptions
  @Option(help: "A model's name, or a model file.") var model: String
  @OptionGroup var data: DataOptions
  @Option(help: ArgumentHelp("Where to write the results.", valueName: "folder"))
  var output: String
  @Option(help: "Times to go through the training data.") var epochs = 5
  @Option(help: "Samples of a step.") var batchSize = 64
  @Option(help: "Divided by ten whenever the validation error stops improving.")
  var learningRate: Float = 0.01
  @Option(help: "Share of the old velocity.") var momentum: Float = 0.9
  @Option(help: "Pull of the parameters towards zero.") var weightDecay: Float = 0.0005
  @Option(help: ArgumentHelp("Begin with the parameters of this model.", valueName: "file"))
  var `init`: String?
  @Flag(help: "Go on from the checkpoint in the output folder.") var resume = false
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var memory: MemoryArguments
  @OptionGroup(title: "Loading") var loading: LoadingArguments
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var epochs: Int
    var top1: Double
    var top5: Double
    var loss: Double
    var seconds: Double
    var imagesPerSecond: Double
    /// Of the training's time, 0 to 1.
    var dataWaitShare: Double
    /// Samples that could not be read.
    var skipped: Int
    var augmentation: Augmentation?
  }

  func run() throws {
    let trainer = try Trainer(
      optimizer: .sgd(momentum: momentum, weightDecay: weightDecay),
      schedule: .plateau(from: learningRate), augmentation: augmentation.augment.resolved(),
      batchSize: batchSize, seed: shared.seed,
      compute: compute.options(shared, recomputing: memory.recompute),
      loading: loading.options)
    try trainer.validate(epochs: epochs)
    let source = try data.source()
    let holdout = holdout(of: source)
    let (training, validation) = try source.loadParts(holdout: holdout)
    if let holdout {
      shared.note(
        "\(plural(training.count, "picture")) to train on; \(validation.count), "
          + "\(HumanReadable.percent(holdout.share, digits: 0)) of each class, held out to validate on"
          + (data.split == nil ? " (--split chooses the share)" : ""))
    }
    if training.count < 4 * batchSize, batchSize > 8 {
      shared.note(
        "\(plural(training.count, "picture")) make few steps of \(batchSize) an epoch; with a "
          + "smaller --batch-size there are more")
    }
    var model = try makeModel(for: training)
    model.trainingSummary[HeldOutPart.key] = holdout.map { "\($0.share)" }
    var run = TrainingRun(folder: output)
    let checkpoint = try resume ? run.loadCheckpoint() : nil
    if let checkpoint {
      try checkpoint.requireFit(for: trainer, model)
      shared.note("resuming after epoch \(checkpoint.history.count)")
    }
    Interruption.deferSignals()
    try createOutputFolder(output)
    var history = checkpoint?.history ?? []
    var unwritten: [any Error] = []
    var progress = progressOfNextEpoch(history, training)
    func fit() throws {
      try trainer.fit(
        &model, on: training, validating: validation, epochs: epochs, resuming: checkpoint
      ) { state in
        progress?.update(
          state.samples, notes: notes(state.metrics) + waiting(state.dataWaitShare))
      } until: {
        Interruption.signal != nil
      } sampleSkipped: { skipped in
        shared.note("skipped: \(skipped.reason)")
      } epochEnded: { report, checkpoint in
        progress?.finish(notes: notes(report.training) + outcome(report))
        history = checkpoint.history
        progress = progressOfNextEpoch(history, training)
        unwritten = run.record(history, checkpoint)
        // No reason to lose the training: there may be room again before it ends. Of the last epoch it is the command's error.
        for error in unwritten where history.count < epochs {
          Console.tell("\(error); the training goes on, and the next epoch tries again\n")
        }
      }
    }
    do {
      try fit()
    } catch TrainingError.stopped {
      progress?.interrupt()
      throw stopped(trainer, &model, history, &run)
    } catch {
      progress?.interrupt()
      // The model has the values of the last finished epoch: worth keeping, whatever came after.
      if case TrainingError.nonFinite = error {
        for loss in save(&model, history, run) { Console.tell("\(loss)\n") }
      }
      throw error
    }
    try finish(&model, history, run, unwritten)
  }

  private func notes(_ metrics: ClassificationMetrics) -> [String] {
    [
      "loss \(HumanReadable.fixed(metrics.loss, digits: 3))",
      "accuracy \(HumanReadable.percent(metrics.top1))",
    ]
  }

  /// Told where it is more than it should be.
  private func waiting(_ share: Double) -> [String] {
    share < 0.03 ? [] : ["waiting for data \(HumanReadable.percent(share))"]
  }

  /// What an epoch brought besides: the validation, what it waited and skipped, and the rate once the schedule has lowered it.
  private func outcome(_ report: EpochReport) -> [String] {
    var notes: [String] = []
    if let validation = report.validation {
      notes.append("validation \(HumanReadable.percent(validation.top1))")
    }
    notes += waiting(report.dataWaitShare)
    if report.skippedCount > 0 { notes.append("skipped \(report.skippedCount)") }
    if report.learningRate != learningRate {
      notes.append("rate \(HumanReadable.quantity(Double(report.learningRate)))")
    }
    return notes
  }

  /// The clock of an epoch begins before its first step.
  private func progressOfNextEpoch(
    _ history: [EpochReport], _ training: any Dataset
  ) -> Progress? {
    guard history.count < epochs else { return nil }
    return Progress("epoch \(history.count + 1)/\(epochs)", total: training.count, shared)
  }

  /// Training must be judged by pictures that it does not see.
  private func holdout(of source: DatasetSource) -> Holdout? {
    if let given = data.holdout(seed: shared.seed) { return given }
    return source.hasTestPart ? nil : Holdout(share: 0.1, seed: shared.seed)
  }

  private func makeModel(for training: any Dataset) throws -> Model {
    var model = try network.model(
      from: model, imageShape: training.imageShape, classNames: training.classNames,
      seed: shared.seed)
    if let `init` {
      for name in try model.takeParameters(from: `init`) {
        shared.note("\(name) does not fit or is not in \(`init`): freshly initialized")
      }
      try noteClasses(of: `init`, training)
    }
    if let preprocessing = model.preprocessing {
      model.preprocessing = try augmentation.normalize.applied(
        to: preprocessing, data: training, options: loading.options, threads: shared.threadCount)
    }
    return model
  }

  /// A last layer for other classes is no mistake, but one that was not meant.
  private func noteClasses(of path: String, _ training: any Dataset) throws {
    let file = try WeightFile(path)
    guard file.describesModel else { return }
    let names = try Model(file, isMapped: true).classNames
    guard !names.isEmpty, names != training.classNames, names.count == training.classNames.count
    else { return }
    shared.note(
      "the last layer of \(path) was trained for \(classList(names)); it begins here as it is, for "
        + classList(training.classNames))
  }

  /// Writes the model and the report of the last finished epoch.
  ///
  /// - Returns: what could not be written.
  private func save(
    _ model: inout Model, _ history: [EpochReport], _ run: TrainingRun
  ) -> [any Error] {
    guard let last = history.last else { return [] }
    model.trainingSummary.merge([
      "data": data.data, "epochs": "\(history.count)",
      "top1": "\((last.validation ?? last.training).top1)", "batchSize": "\(batchSize)",
      "seed": "\(shared.seed)",
    ]) { $1 }
    return [
      failure { try run.save(model) },
      failure {
        try run.writeReport(
          title: "\(model.graph.name) on \(data.data)", settings: settings(of: model),
          history: history)
      },
    ].compactMap(\.self)
  }

  /// What the report says of how the model was made.
  private func settings(of model: Model) -> [(name: String, value: String)] {
    [
      ("Network", "\(model.graph.name), \(model.graph.cost.parameters) parameters"),
      ("Input", model.preprocessing.map { "\($0)" } ?? ""),
      ("Augmentation", model.augmentation.map { "\($0)" } ?? "none"),
      ("Classes", model.classNames.joined(separator: ", ")),
      ("Optimizer", "SGD, momentum \(momentum), weight decay \(weightDecay)"),
      (
        "Learning rate",
        "\(learningRate), divided by ten when the validation error stops improving"
      ),
      ("Batch", "\(batchSize)"), ("Seed", "\(shared.seed)"), ("Threads", "\(shared.threadCount)"),
    ]
  }

  /// Keeps what a training has when a signal ends it.
  ///
  /// - Returns: what to say of it.
  private func stopped(
    _ trainer: Trainer, _ model: inout Model, _ history: [EpochReport], _ run: inout TrainingRun
  ) -> Interrupted {
    var lost = save(&model, history, run)
    if history.isEmpty, run.savedEpoch == nil,
      let error = failure(of: { try run.save(Checkpoint(beginning: model, trainer: trainer)) })
    {
      lost.append(error)
    }
    for error in lost { Console.tell("\(error)\n") }
    var kept: [String] = []
    if !history.isEmpty, lost.isEmpty {
      kept.append("\(run.modelPath) is of epoch \(history.count)")
    }
    if let epoch = run.savedEpoch {
      kept.append(
        "--resume goes on " + (epoch > 0 ? "after epoch \(epoch)" : "from the beginning"))
    }
    return Interrupted(
      signal: Interruption.signal ?? SIGINT,
      outcome: kept.isEmpty ? "nothing could be kept" : kept.joined(separator: "; "))
  }

  /// Writes and prints the results: all that can be, before an error says what cannot.
  private func finish(
    _ model: inout Model, _ history: [EpochReport], _ run: TrainingRun, _ unwritten: [any Error]
  ) throws {
    guard let last = history.last else { return }
    let measured = last.validation ?? last.training
    let lost = save(&model, history, run) + unwritten
    let seconds = history.reduce(0) { $0 + $1.seconds }
    let samples = history.reduce(0) { $0 + $1.training.samples }
    let result = Result(
      epochs: history.count, top1: measured.top1, top5: measured.top5, loss: measured.loss,
      seconds: seconds, imagesPerSecond: Double(samples) / max(seconds, 1e-9),
      dataWaitShare: history.reduce(0) { $0 + $1.dataWaitSeconds } / max(seconds, 1e-9),
      skipped: last.skippedCount,
      augmentation: model.augmentation.flatMap { $0.steps.isEmpty ? nil : $0 })
    if shared.json {
      try printJSON(result)
    } else {
      try printText(result, measured)
      if lost.isEmpty { try print("saved \(run.modelPath)") }
    }
    for error in lost.dropFirst() { Console.tell("\(error)\n") }
    if let error = lost.first { throw error }
  }

  private func printText(_ result: Result, _ measured: ClassificationMetrics) throws {
    try print(
      """
      test accuracy \(HumanReadable.percent(measured.top1, digits: 2)) after \(plural(result.epochs, "epoch")), \
      \(HumanReadable.duration(result.seconds)) of training at \
      \(HumanReadable.quantity(result.imagesPerSecond)) images/s, \
      \(HumanReadable.percent(result.dataWaitShare)) of it waiting for data
      """)
  }
}
