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
        convnet train --resume --output runs/first --epochs 10

      A folder that holds a training is not written over: --resume goes on with it,
      --overwrite replaces it. --resume takes every option that is left out from
      the checkpoint, and refuses one that was another. Only --epochs may change, and
      what changes no more than last digits or how pictures are read: --threads,
      --tune, --recompute, --workers, --prefetch, --cache-memory, --on-bad.
      """)

  // First, so that `--augment list` is answered without the rest.
  @OptionGroup(title: "Augmentation") var augmentation: AugmentationOptions
  @Option(help: "A model's name, or a model file.") var model: String?
  @OptionGroup var data: TrainingDataOptions
  @Option(help: ArgumentHelp("Where to write the results.", valueName: "folder"))
  var output: String
  @Option(
    help: "Times to go through the training data. Default: \(TrainingSettings.defaultEpochs).")
  var epochs: Int?
  @Option(help: "Samples of a step. Default: \(TrainingSettings.defaultBatchSize).")
  var batchSize: Int?
  @Option(
    help: """
      Divided by ten whenever the validation error (without validation, the training loss) \
      stops improving. Default: \
      \(TrainingSettings.defaultLearningRate).
      """)
  var learningRate: Float?
  @Option(help: "Share of the old velocity. Default: \(TrainingSettings.defaultMomentum).")
  var momentum: Float?
  @Option(
    help: "Pull of the parameters towards zero. Default: \(TrainingSettings.defaultWeightDecay).")
  var weightDecay: Float?
  @Option(help: ArgumentHelp("Begin with the parameters of this model.", valueName: "file"))
  var `init`: String?
  @Flag(help: "Begin with --init although it has less than half of the parameters.")
  var partly = false
  @OptionGroup var asNamed: AsNamedOption
  @Flag(help: "Go on from the checkpoint in the output folder.") var resume = false
  @Flag(help: "Replace the training that the output folder holds.") var overwrite = false
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
    /// `training` where nothing was held out: the figures are those of the last epoch's own steps.
    var measuredOn: String?
  }

  func validate() throws {
    if resume, overwrite {
      throw ValidationError("--resume goes on with a training, --overwrite removes it; choose one")
    }
    for (value, option) in [(model, "--model"), (data.data, "--data")] where value == nil {
      guard resume else { throw ValidationError("Missing expected argument '\(option)'") }
    }
  }

  func run() throws {
    var run = RunFolder(output)
    if !resume, !overwrite {
      do { try run.requireUnused() } catch { throw UsedFolder(error) }
    }
    let checkpoint = try resume ? run.loadCheckpoint() : nil
    var settings = try settings(from: checkpoint)
    var loading = loading
    loading.onBad = settings.skipsBadPictures ? .skip : .error
    let trainer = trainer(settings, loading.options)
    try trainer.validate(epochs: settings.epochs)
    let source = try DatasetCatalog.source(settings.dataPath, root: settings.dataRootPath)
    let holdout = holdout(of: source, &settings)
    let (training, validation) = try parts(of: source, holdout, settings)
    if let holdout, let validation {
      shared.note(
        "\(plural(training.count, "picture")) to train on; \(validation.count), "
          + "\(HumanReadable.percent(holdout.share, digits: 0)) of each class, held out to validate on"
          + (data.split == nil && !resume ? " (--split chooses the share)" : ""))
    }
    if validation == nil {
      shared.note(
        "\(plural(training.count, "picture")) to train on, all that there are: without validation the learning "
          + "rate goes by the training loss, and nothing tells how well other pictures are told apart"
      )
    }
    noteGaps(in: training, shared)
    if source.hasTestPart, let validation { noteGaps(in: validation, shared) }
    if training.count < 4 * settings.batchSize, settings.batchSize > 8 {
      shared.note(
        "\(plural(training.count, "picture")) make few steps of \(settings.batchSize) an epoch; with a "
          + "smaller --batch-size there are more")
    }
    var model = try makeModel(for: training, settings, from: checkpoint)
    if let checkpoint {
      try checkpoint.requireFit(for: trainer, model)
      model.trainingSummary = settings.summary
      shared.note("resuming after epoch \(checkpoint.history.count)")
      if checkpoint.history.count >= settings.epochs {
        shared.note("nothing is left of \(plural(settings.epochs, "epoch")); --epochs has it go on")
      }
    } else {
      model.trainingSummary = TrainingSummary(
        heldOutShare: holdout?.share,
        pictures: TrainingPictures(
          training: training, heldOut: holdout == nil ? nil : validation, holdout: holdout,
          threads: shared.threadCount), notes: model.trainingSummary?.notes ?? [:])
    }
    Interruption.deferSignals()
    try createOutputFolder(output)
    if overwrite {
      do { try run.clear() } catch {
        throw UnwritableOutput(path: error.path, reason: error.problem.description)
      }
    }
    var unwritten: [any Error] = []
    var progress = progressOfNextEpoch(run.history, training, of: settings.epochs)
    func fit() throws {
      try trainer.fit(
        &model, on: training, validating: validation, epochs: settings.epochs,
        resuming: checkpoint
      ) { state in
        progress?.update(
          state.samples, notes: notes(state.metrics) + waiting(state.dataWaitShare))
      } until: {
        Interruption.signal != nil
      } sampleSkipped: { skipped in
        shared.note("skipped: \(skipped.reason)")
      } epochEnded: { report, checkpoint in
        progress?.finish(notes: notes(report.training) + outcome(report, settings))
        progress = progressOfNextEpoch(checkpoint.history, training, of: settings.epochs)
        var checkpoint = checkpoint
        try settings.remember(in: &checkpoint)
        unwritten = run.record(checkpoint)
        // No reason to lose the training: there may be room again before it ends. Of the last epoch it is the command's error.
        for error in unwritten where run.history.count < settings.epochs {
          Console.tell("\(error); the training goes on, and the next epoch tries again\n")
        }
      }
    }
    do {
      try fit()
    } catch TrainingError.stopped {
      Console.leaveLine()
      let beginning = model
      throw stopped(&model, settings, &run) {
        try Checkpoint(beginning: beginning, on: training, validating: validation, trainer: trainer)
      }
    } catch {
      Console.leaveLine()
      // The model has the values of the last finished epoch: worth keeping, whatever came after.
      if case TrainingError.nonFinite = error {
        for loss in save(&model, settings, run) { Console.tell("\(loss)\n") }
      }
      throw error
    }
    try finish(&model, settings, run, unwritten)
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
  private func outcome(_ report: EpochReport, _ settings: TrainingSettings) -> [String] {
    var notes: [String] = []
    if let validation = report.validation {
      notes.append("validation \(HumanReadable.percent(validation.top1))")
      if validation.skippedCount > 0 {
        notes.append("left out of validation \(validation.skippedCount)")
      }
      if validation.nonFiniteCount > 0 {
        notes.append("without an answer in validation \(validation.nonFiniteCount)")
      }
    }
    notes += waiting(report.dataWaitShare)
    if report.skippedCount > 0 { notes.append("skipped \(report.skippedCount)") }
    if report.learningRate != settings.learningRate {
      notes.append("rate \(HumanReadable.quantity(Double(report.learningRate)))")
    }
    return notes
  }

  /// The clock of an epoch begins before its first step.
  private func progressOfNextEpoch(
    _ history: [EpochReport], _ training: any Dataset, of epochs: Int
  ) -> Progress? {
    guard history.count < epochs else { return nil }
    return Progress("epoch \(history.count + 1)/\(epochs)", total: training.count, shared)
  }

  /// Those that a training goes on with, or those of the command.
  private func settings(from checkpoint: Checkpoint?) throws -> TrainingSettings {
    guard let checkpoint else {
      return try TrainingSettings(self, model: model ?? "", data: data.data ?? "")
    }
    var settings = try TrainingSettings(of: checkpoint, in: output)
    try settings.go(on: self, from: checkpoint, tell: shared.note)
    return settings
  }

  private func trainer(_ settings: TrainingSettings, _ loading: LoadingOptions) -> Trainer {
    var options = compute.options(shared, recomputing: memory.recompute)
    options.tuning = settings.tuning
    options.isExact = settings.isExact
    return Trainer(
      optimizer: .sgd(momentum: settings.momentum, weightDecay: settings.weightDecay),
      schedule: .plateau(from: settings.learningRate), augmentation: settings.augmentation,
      batchSize: settings.batchSize, seed: settings.seed, compute: options, loading: loading)
  }

  /// Training must be judged by pictures that it does not see.
  private func holdout(
    of source: DatasetSource, _ settings: inout TrainingSettings
  ) -> Holdout? {
    // Other data than the checkpoint's is refused by what it holds.
    if resume, source.hasTestPart || settings.split == nil { return nil }
    if settings.split == 0 { return nil }
    let holdout = source.trainingHoldout(share: settings.split, seed: settings.seed)
    settings.split = holdout?.share
    return holdout
  }

  /// What to train on and what to validate on; `nil` where all is to be trained on.
  private func parts(
    of source: DatasetSource, _ holdout: Holdout?, _ settings: TrainingSettings
  ) throws -> (training: any Dataset, validation: (any Dataset)?) {
    if settings.split == 0 { return (try source.loadWhole(), nil) }
    let parts = try source.loadParts(holdout: holdout)
    return (parts.train, parts.test)
  }

  private func makeModel(
    for training: any Dataset, _ settings: TrainingSettings, from checkpoint: Checkpoint?
  ) throws -> Model {
    if let checkpoint { return try resumedModel(checkpoint, settings) }
    let source = try ModelSource(settings.model)
    var model = try network.model(
      from: source, imageShape: training.imageShape, classNames: training.classNames,
      for: `init`, seed: settings.seed)
    var brought: BroughtDescription?
    if case .file(_, let path) = source { brought = try BroughtDescription(WeightFile(path)) }
    var preparation: [BroughtDescription.Note] = []
    if let `init` {
      let namings =
        if case .zoo(let entry) = source { entry.weightNamings } else { [WeightNaming]() }
      let taken = try model.takeParameters(
        from: `init`, namings: namings, minimumShare: partly ? 0 : 0.5, asNamed: asNamed.isOn)
      let isWhole = taken.left.isEmpty && taken.framework == nil
      if !isWhole {
        shared.note(
          "\(`init`): \(taken)\(taken.left.isEmpty ? "" : "; what is not taken is freshly initialized")"
        )
      }
      brought = try BroughtDescription(WeightFile(`init`))
      tellNonFinite(model.nonFiniteParameters, in: `init`)
      if let brought {
        noteClasses(of: brought, training)
        preparation = brought.lendPreparation(to: &model)
      }
    }
    if let given = augmentation.normalize {
      try normalize(&model, given, training, settings)
    } else {
      for note in preparation { shared.note("\(note)\(remedy(of: note))") }
      if let `init`, brought == nil, let preprocessing = model.preprocessing {
        shared.note(
          "\(`init`) does not say how pictures were prepared; here they are \(preprocessing): "
            + "--normalize chooses")
      }
    }
    if let brought, let other = brought.augmentation, other != settings.augmentation {
      shared.note(
        "\(brought.path) was trained with augmentation \(other); this training has "
          + "\(settings.augmentation.steps.isEmpty ? "none" : "\(settings.augmentation)")")
    }
    return model
  }

  /// What option has it otherwise.
  private func remedy(of note: BroughtDescription.Note) -> String {
    if case .unfitMeanPicture = note { "; --normalize measures another" } else { "" }
  }

  /// The checkpoint's, or the one that was named, which must be it.
  private func resumedModel(
    _ checkpoint: Checkpoint, _ settings: TrainingSettings
  ) throws -> Model {
    let kept = try checkpoint.model()
    guard let name = model else { return kept }
    var model = try network.model(
      from: name, imageShape: kept.preprocessing.map { [$0.height, $0.width, $0.channels] },
      classNames: kept.classNames, seed: settings.seed)
    model.preprocessing = kept.preprocessing
    return model
  }

  private func normalize(
    _ model: inout Model, _ normalization: Normalization, _ training: any Dataset,
    _ settings: TrainingSettings
  ) throws {
    guard let own = model.preprocessing else { return }
    let preprocessing = try normalization.applied(
      to: own, on: training, options: loading.options, threads: shared.threadCount)
    model.preprocessing = preprocessing
    if !own.isPlain, preprocessing != own {
      shared.note(
        "--normalize \(normalization.rawValue) replaces the preparation that "
          + "\(`init` ?? settings.model) says (\(own)): pictures are \(preprocessing)")
    }
  }

  /// A last layer for other classes is no mistake, but one that was not meant.
  private func noteClasses(of brought: BroughtDescription, _ training: any Dataset) {
    let names = brought.classNames
    guard !names.isEmpty, names != training.classNames, names.count == training.classNames.count
    else { return }
    shared.note(
      "the last layer of \(brought.path) was trained for \(classList(names)); it begins here as it is, for "
        + classList(training.classNames))
  }

  /// Writes the model and the report of the last finished epoch.
  ///
  /// - Returns: what could not be written.
  private func save(
    _ model: inout Model, _ settings: TrainingSettings, _ run: RunFolder
  ) -> [any Error] {
    guard !run.history.isEmpty else { return [] }
    // As it was named.
    model.trainingSummary?.data = settings.data
    let report = RunReport(
      of: model, history: run.history, facts: [("Threads", "\(settings.threads)")])
    return [failure { try run.save(model) }, failure { try run.write(report) }]
      .compactMap(\.self)
  }

  /// Keeps what a training has when a signal ends it.
  ///
  /// - Returns: what to say of it.
  private func stopped(
    _ model: inout Model, _ settings: TrainingSettings, _ run: inout RunFolder,
    beginning: () throws -> Checkpoint
  ) -> Interrupted {
    var lost = save(&model, settings, run)
    if run.history.isEmpty, run.savedEpoch == nil {
      let error = failure {
        var checkpoint = try beginning()
        try settings.remember(in: &checkpoint)
        try run.save(checkpoint)
      }
      if let error { lost.append(error) }
    }
    for error in lost { Console.tell("\(error)\n") }
    var kept: [String] = []
    if !run.history.isEmpty, lost.isEmpty {
      kept.append("\(run.modelPath) is of epoch \(run.history.count)")
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
    _ model: inout Model, _ settings: TrainingSettings, _ run: RunFolder,
    _ unwritten: [any Error]
  ) throws {
    let history = run.history
    guard let last = history.last else { return }
    let measured = last.validation ?? last.training
    let lost = save(&model, settings, run) + unwritten
    let seconds = history.reduce(0) { $0 + $1.seconds }
    let samples = history.reduce(0) { $0 + $1.training.samples }
    let result = Result(
      epochs: history.count, top1: measured.top1, top5: measured.top5, loss: measured.loss,
      seconds: seconds, imagesPerSecond: Double(samples) / max(seconds, 1e-9),
      dataWaitShare: history.reduce(0) { $0 + $1.dataWaitSeconds } / max(seconds, 1e-9),
      skipped: last.skippedCount + (last.validation?.skippedCount ?? 0),
      augmentation: model.augmentation.flatMap { $0.steps.isEmpty ? nil : $0 },
      measuredOn: last.validation == nil ? "training" : nil)
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
    try Console.write(
      wrapping: """
        \(result.measuredOn ?? "validation") accuracy \(HumanReadable.percent(measured.top1, digits: 2)) after \(plural(result.epochs, "epoch")), \
        \(HumanReadable.duration(result.seconds)) of training at \
        \(HumanReadable.quantity(result.imagesPerSecond)) images/s, \
        \(HumanReadable.percent(result.dataWaitShare)) of it waiting for data
        """)
  }
}
