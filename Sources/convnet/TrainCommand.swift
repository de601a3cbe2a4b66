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
        metrics.jsonl       a line of JSON every tenth step and every epoch
        events.out.*        the same for TensorBoard
        report.html         the curves, for a browser, after every epoch
        best.safetensors, checkpoint-STEP   what --keep keeps

      Ctrl-C, SIGTERM and SIGHUP stop it after the current step, which is kept:
      --resume goes on from there. Twice ends it at once.

      EXAMPLES
        convnet train --model lenet5 --data fashion-mnist --output runs/first
        convnet train --model lenet5 --data pictures --split 0.2 --output runs/second
        convnet train --model resnet18 --data pictures --output runs/third \\
          --augment inception --normalize imagenet --cache-memory 4G --on-bad skip
        convnet train --model resnet18 --init resnet18.safetensors --data pictures \\
          --freeze "conv1.*" --freeze "bn1.*" --freeze "layer*" --output runs/fourth
        convnet train --model resnet20 --data pictures --output runs/sweep \\
          --find-learning-rate
        convnet train --recipe resnet-cifar --data cifar10 --output runs/fifth
        convnet train --model resnet18 --data pictures --output runs/sixth \\
          --optimizer adamw --learning-rate 0.001 --schedule cosine --warm-up 2 \\
          --epochs 30 --label-smoothing 0.1 --clip-norm 1 --average-weights 0.999
        convnet train --resume --output runs/first --epochs 10
        convnet train --resume --output runs/first --learning-rate 0.001
        convnet train --model resnet50 --data pictures --output runs/long \\
          --epochs 90 --checkpoint-every 30m --keep 3 --early-stopping 8

      Several processes train together where `mpirun -n 4 convnet train ...` starts
      them, of a build with MPI (`make mpi`): each reads its part of every batch, of
      --batch-size times as many samples as there are processes. Batch normalization
      goes by each one's own samples, or, with --sync-batchnorm, by all. The first
      process writes the folder. A training of four may go on with two, or one.

      A folder that holds a training is not written over: --resume goes on with it,
      --overwrite replaces it. --resume takes every option that is left out from
      the checkpoint. What is given and was another is told, old beside new, with the
      rate of the next step; data may have grown. The network, its classes, how
      pictures are prepared, the seed, the share held out and what is frozen stay.
      """)

  // First, so that `--augment list` is answered without the rest.
  @OptionGroup(title: "Augmentation") var augmentation: AugmentationOptions
  @Option(help: "A model's name, or a model file. Default: the recipe's.") var model: String?
  @OptionGroup var data: TrainingDataOptions
  @Option(help: ArgumentHelp("Where to write the results.", valueName: "folder"))
  var output: String
  @Option(
    help: "Times to go through the training data. Default: \(TrainingSettings.defaultEpochs).")
  var epochs: Int?
  @OptionGroup var recipe: RecipeOptions
  @OptionGroup var start: StartOptions
  @OptionGroup(title: "Preparation of pictures") var preparation: PreparationOptions
  @OptionGroup(title: "Fine-tuning") var fineTuning: FineTuningOptions
  @OptionGroup(title: "Uneven data") var balance: BalanceOptions
  @OptionGroup(title: "Search") var sweep: SweepOptions
  @OptionGroup var keeping: KeepingOptions
  @Flag(help: "Go on from the checkpoint in the output folder.") var resume = false
  @Flag(help: "Replace the training that the output folder holds.") var overwrite = false
  @Flag(help: "Of several processes: normalize by the samples of all of them.")
  var syncBatchnorm = false
  @Option(
    help: ArgumentHelp(
      "Write when each step of three updates ran, and sums over processes, for chrome://tracing.",
      valueName: "file"))
  var trace: String?
  @Flag(
    help:
      "Learn the same weights, byte for byte, on any number of threads: sums in a fixed order, algorithms by rule."
  )
  var deterministic = false
  @OptionGroup var network: NetworkOptions
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var memory: MemoryArguments
  @OptionGroup(title: "Loading") var loading: LoadingArguments
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    if resume, overwrite {
      throw ValidationError("--resume goes on with a training, --overwrite removes it; choose one")
    }
    if deterministic, let tuning = compute.givenTuning, tuning != .off {
      throw ValidationError(
        "--tune \(tuning.rawValue) goes by what was fastest on a number of threads, --deterministic by rule; choose one"
      )
    }
    // A recipe names its network.
    let named = model ?? recipe.name
    for (value, option) in [(named, "--model"), (data.data, "--data")] where value == nil {
      guard resume else { throw ValidationError("Missing expected argument '\(option)'") }
    }
    let run = RunFolder(output)
    let results = [
      run.modelPath, run.checkpointPath, run.metricsPath, run.reportPath, run.eventsPath,
      run.bestModelPath,
    ]
    let read = [NamedFile.model(model, "--model"), NamedFile("--init", start.`init`)]
    try OutputFiles.require(
      [NamedFile("--trace", trace)],
      apartFrom: read + NamedFile.data(data.data) + results.map { NamedFile("--output", $0) })
  }

  func run() throws {
    guard let processes = try MPIProcesses.joined() else { return try train(with: nil) }
    try run(with: processes)
  }

  /// - Parameter processes: those that train together with this one; `nil` where it trains alone.
  func train(with processes: MPIProcesses?) throws {
    let run = RunFolder(output)
    guard resume, processes?.isFirst ?? true else { return try train(in: run, with: processes) }
    guard FileSystem.exists(run.checkpointPath) else { throw NoTraining(folder: output) }
    // From here on no other process moves what is gone on from.
    try run.withExclusiveUse { try train(in: run, with: processes) }
  }

  private func train(in run: RunFolder, with processes: MPIProcesses?) throws {
    // The first process has the folder, and the others nothing of it but the checkpoint to go on from.
    let isFirst = processes?.isFirst ?? true
    if isFirst, !resume, !overwrite {
      try requireUnused(run)
      if sweep.findLearningRate, FileSystem.exists(sweepPath) {
        throw UsedFolder(
          folder: output, found: ["learning-rate.html"], remedies: ["replace it with --overwrite"])
      }
    }
    // An experiment writes a report, too.
    if isFirst, FileSystem.exists(ExperimentFolder(output).resultsPath) {
      throw UsedFolder(folder: output, found: ["results.json"], remedies: [])
    }
    if resume, !FileSystem.exists(run.checkpointPath) { throw NoTraining(folder: output) }
    var checkpoint = try resume ? run.loadCheckpoint() : nil
    var settings = try settings(from: checkpoint)
    var loading = loading
    loading.onBad = settings.skipsBadPictures ? .skip : .error
    var trainer = trainer(settings, loading.options)
    if let trace { try requireFolder(of: trace, "--trace") }
    trainer.tracePath = trace
    try trainer.validate(epochs: settings.epochs)
    let source = try DatasetCatalog.source(
      settings.dataPath, root: settings.dataRootPath,
      targets: settings.targets ?? TargetSelection())
    let holdout = holdout(of: source, &settings)
    let (training, validation) = try parts(of: source, holdout, &settings)
    // What the columns looked like, they are from here on.
    if training.targetKind != .classes { settings.targets?.kind = training.targetKind }
    noteParts(of: source, training, validation, holdout, settings)
    var model = try makeModel(for: training, settings, from: checkpoint)
    // What a training goes on with was looked at when it began.
    if checkpoint == nil {
      try recipe.requirePlaces(in: model.graph, isFixed: ModelRegistry[settings.model] == nil)
    }
    if checkpoint == nil || recipe.name != nil {
      fitRecipe(&settings, to: model)
      trainer = self.trainer(settings, loading.options)
    }
    try tune(&trainer, &settings, model, training, resuming: checkpoint)
    trainer.processes = processes
    trainer.normalizesJointly = settings.normalizesJointly ?? false
    noteProcesses(processes, trainer, checkpoint)
    if sweep.findLearningRate { return try findLearningRate(trainer, model, training, settings) }
    if checkpoint != nil {
      try adopt(settings, trainer, model, training, validation, in: &checkpoint)
      model.trainingSummary = settings.summary
    } else {
      model.trainingSummary = TrainingSummary(
        heldOutShare: holdout?.share,
        pictures: TrainingPictures(
          training: training, heldOut: holdout == nil ? nil : validation,
          holdout: settings.holdout,
          threads: shared.threadCount), notes: model.trainingSummary?.notes ?? [:])
      model.trainingSummary?.notes["recipe"] = settings.recipeInWords
    }
    Interruption.deferSignals()
    guard isFirst else {
      return try trainer.fit(
        &model, on: training, validating: validation, epochs: settings.epochs,
        resuming: checkpoint, loggers: [StopOnSignal()])
    }
    try withOutputFolder(output) {
      func train() throws {
        try self.train(
          trainer, &model, on: training, validation, settings, from: checkpoint, into: run)
      }
      if resume { return try train() }
      try run.withExclusiveUse {
        // Another process may have trained there while this one read its data.
        if !overwrite { try requireUnused(run) }
        try train()
      }
    }
  }

  private func requireUnused(_ run: RunFolder) throws {
    do { try run.requireUnused() } catch let error as UsedFolderError { throw UsedFolder(error) }
  }

  private func train(
    _ trainer: Trainer, _ model: inout Model, on training: any Dataset,
    _ validation: (any Dataset)?, _ settings: TrainingSettings, from checkpoint: Checkpoint?,
    into run: RunFolder
  ) throws {
    if overwrite {
      do { try run.clear() } catch {
        throw UnwritableOutput(path: error.path, reason: error.problem.description)
      }
    }
    let log = RunLog(run, try logOptions(settings)) { Console.tell("\($0)\n") }
    let logger = CommandLogger(self, settings)
    do {
      try trainer.fit(
        &model, on: training, validating: validation, epochs: settings.epochs,
        resuming: checkpoint, loggers: [logger, log])
    } catch {
      Console.leaveLine()
      if case TrainingError.stopped = error { throw stopped(model, logger, run, log) }
      throw error
    }
    try finish(model, logger.history, run, log, changes: checkpoint?.changes ?? [])
  }

  /// Those that a training goes on with, or those of the command.
  private func settings(from checkpoint: Checkpoint?) throws -> TrainingSettings {
    guard let checkpoint else {
      let model = try model ?? recipe.name.map { try RecipeOptions.recipe(named: $0).network }
      return try TrainingSettings(self, model: model ?? "", data: data.data ?? "")
    }
    var settings = try TrainingSettings(of: checkpoint, in: output)
    try settings.go(on: self, from: checkpoint, tell: shared.note)
    return settings
  }
}
