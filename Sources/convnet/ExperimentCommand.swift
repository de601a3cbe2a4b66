import ArgumentParser
import ConvNet
import Foundation

/// `convnet experiment`.
struct ExperimentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment",
    abstract: "Show by trainings what the lecture claims, or list the experiments.",
    discussion: """
      An experiment trains several networks or recipes with the same data and seeds,
      and compares them. It writes into the output folder, anew after every training:
        results.json        all trainings and their epochs, for --resume to go on
        epochs.csv          a line an epoch, for plots of one's own
        NAME-*.svg          the figures
        report.html         table and figures, for a browser
        section.md          the same for a document
        models/             the models

      Ctrl-C, SIGTERM and SIGHUP stop it after the current step; finished trainings
      are kept, and --resume does the others.

      EXAMPLES
        convnet experiment
        convnet experiment degradation --quick --output runs/degradation
        convnet experiment degradation --data cifar10 --seeds 1..3 \\
          --output runs/cifar
        convnet experiment vgg --row A --row A-LRN --epochs 3 --pictures 2000 \\
          --output runs/vgg
        convnet experiment degradation --quick --seeds 1..3 --resume \\
          --output runs/degradation
      """)

  @Argument(help: "None for the list.") var name: String?
  @Option(
    help: ArgumentHelp(
      "Train with each of these seeds: 1..7, or 1,2,5. With several, the mean of their probabilities is measured too. Default: --seed.",
      valueName: "seeds"))
  var seeds: SeedList?
  @Flag(help: "The short form, which takes minutes.") var quick = false
  @Option(help: "Times to go through the pictures.") var epochs: Int?
  @Option(help: "Pictures to train on, the same share of each class.") var pictures: Int?
  @Option(help: "Pictures to test on, likewise.") var testPictures: Int?
  @Option(
    help: ArgumentHelp(
      "As many epochs as fit into so many minutes of training, instead.", valueName: "minutes"))
  var minutes: Double?
  @Option(
    name: .customLong("row"),
    help: ArgumentHelp("Only this training, or these if given again.", valueName: "name"))
  var rows: [String] = []
  @Option(
    help: ArgumentHelp("A data set by name or path. Default: the experiment's.", valueName: "data"))
  var data: String?
  @Option(help: DataOptions.rootHelp) var dataRoot: String?
  @Option(help: ArgumentHelp("Where to write the results.", valueName: "folder"))
  var output: String?
  @Flag(help: "Go on with the experiment in the output folder.") var resume = false
  @Flag(help: "Replace the experiment that the output folder holds.") var overwrite = false
  @OptionGroup var compute: ComputeArguments
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    guard name != nil else { return }
    guard let output else { throw ValidationError("Missing expected argument '--output'") }
    let folder = ExperimentFolder(output)
    try OutputFiles.require(
      [folder.resultsPath, folder.csvPath, folder.reportPath, folder.sectionPath]
        .map { NamedFile("--output", $0) }, apartFrom: NamedFile.data(data))
    if resume, overwrite {
      throw ValidationError(
        "--resume goes on with an experiment, --overwrite removes it; choose one")
    }
    for (value, option) in [
      (epochs, "--epochs"), (pictures, "--pictures"), (testPictures, "--test-pictures"),
    ] {
      if let value { try requirePositive(value, option) }
    }
    if let minutes, !(minutes > 0 && minutes <= 100_000) {
      throw ValidationError("--minutes is \(minutes), must be above 0, at most 100000")
    }
    if epochs != nil, minutes != nil {
      throw ValidationError("--epochs and --minutes both say how long; choose one")
    }
  }

  func run() throws {
    guard let name, let output else { return try list() }
    guard var experiment = Experiment.builtIn.first(where: { $0.name == name }) else {
      throw UnknownName(
        kind: "experiment", name: name, known: Experiment.builtIn.map(\.name),
        advice: "`convnet experiment` lists the names")
    }
    let folder = ExperimentFolder(output)
    // Both write a report.
    do {
      try RunFolder(output).requireUnused(sharesReport: true)
    } catch let error as UsedFolderError {
      throw UsedFolder(folder: output, found: error.found, remedies: [])
    }
    var results = ExperimentResults(of: experiment, data: data, scale: scale(of: experiment))
    if resume {
      let saved = try ExperimentResults(loading: folder.resultsPath)
      try saved.requireFit(for: results)
      results = saved
    } else if !overwrite, FileSystem.exists(folder.resultsPath) {
      throw UsedFolder(
        folder: output, found: ["results.json"],
        remedies: ["go on with --resume", "replace it with --overwrite"])
    }
    if !rows.isEmpty { experiment = try experiment.selecting(rows: rows) }
    let source = try DatasetCatalog.source(results.data, root: dataRoot)
    let parts = try source.loadParts(holdout: source.trainingHoldout())
    Interruption.deferSignals()
    try createOutputFolder(output)
    try folder.create()
    let options = compute.options(shared)
    let seeds = seeds?.values ?? [shared.seed]
    do {
      try experiment.run(
        &results, on: parts.train, testing: parts.test, seeds: seeds, compute: options,
        loggers: { [ExperimentLogger($0, shared)] }
      ) { results, model in
        if let run = results.runs.last {
          try model.save(to: folder.modelPath(run.row, seed: run.seed))
          if let failure = run.failure { shared.note("\(run.row): \(failure)") }
        }
        try folder.write(results, of: experiment, facts: Self.facts)
      }
    } catch TrainingError.stopped {
      Console.leaveLine()
      let count = experiment.rows.count * seeds.count
      throw Interrupted(
        signal: Interruption.signal ?? SIGINT,
        outcome: "\(results.runs.count) of \(plural(count, "training")) are kept in \(output); "
          + "the same command with --resume does the others")
    }
    try experiment.measureEnsembles(&results, on: parts.test, compute: options) { row, seed in
      let path = folder.modelPath(row.name, seed: seed)
      return FileSystem.exists(path) ? try Model(loading: path) : nil
    }
    try folder.write(results, of: experiment, facts: Self.facts)
    if shared.json { return try printJSON(results) }
    try Console.write(results.table(of: experiment))
    try print("saved \(folder.reportPath)")
  }

  private func list() throws {
    if shared.json { return try printJSON(Experiment.builtIn.map(ExperimentRow.init)) }
    var table = Table([
      .init("name"), .init("question", leastWidth: 24), .init("rows", .right, dispensability: 1),
    ])
    for experiment in Experiment.builtIn {
      table.append([experiment.name, experiment.question, "\(experiment.rows.count)"])
    }
    try Console.write(table)
  }

  private func scale(of experiment: Experiment) -> Experiment.Scale {
    var scale = quick ? experiment.quick : experiment.full
    if let epochs { (scale.epochs, scale.seconds) = (epochs, nil) }
    if let pictures { scale.pictures = pictures }
    if let testPictures { scale.testPictures = testPictures }
    if let minutes { scale.seconds = 60 * minutes }
    return scale
  }

  /// What the results depend on beside the settings.
  private static var facts: [(name: String, value: String)] {
    [
      (
        "Machine",
        "\(Threads.processorName), \(plural(Threads.available, "processor"))"
      )
    ]
  }
}

/// An experiment as `--json` lists it.
private struct ExperimentRow: Encodable {
  var name: String
  var question: String
  var source: String
  var data: String
  var rows: [String]
  var full: Experiment.Scale
  var quick: Experiment.Scale

  init(_ experiment: Experiment) {
    name = experiment.name
    question = experiment.question
    source = experiment.source
    data = experiment.data
    rows = experiment.rows.map(\.name)
    full = experiment.full
    quick = experiment.quick
  }
}

/// `1..7`, `1,2,5` or `3` on the command line.
struct SeedList: ExpressibleByArgument {
  var values: [UInt64]

  init?(argument: String) {
    let ends = argument.split(separator: "..", omittingEmptySubsequences: false)
    if ends.count == 2, let first = UInt64(ends[0]), let last = UInt64(ends[1]) {
      guard first <= last, last - first < 1000 else { return nil }
      values = Array(first...last)
      return
    }
    values = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let seed = UInt64(part), !values.contains(seed) else { return nil }
      values.append(seed)
    }
  }
}

/// Shows a training of an experiment, and stops it where a signal asks for it.
private final class ExperimentLogger: TrainingLogger {
  private let label: String
  private let shared: SharedOptions
  private var progress: Progress?

  init(_ training: Experiment.Training, _ shared: SharedOptions) {
    label = "\(training.row.name), seed \(training.seed)"
    self.shared = shared
  }

  var asksToStop: Bool { Interruption.signal != nil }

  func trainingBegan(_ training: TrainingInProgress) {
    progress = Progress(label, total: training.epochs * training.sampleCount, shared)
  }

  func stepEnded(_ step: StepReport, of training: TrainingInProgress) {
    progress?.update((step.epoch - 1) * step.totalSamples + step.samples) {
      Progress.Words(notes: [
        "epoch \(step.epoch)/\(step.epochs)",
        "loss \(HumanReadable.fixed(step.metrics.loss, digits: 3))",
      ])
    }
  }

  func trainingEnded(_ training: TrainingInProgress, by error: (any Error)?) {
    guard error == nil, let last = training.history.last else { return Console.leaveLine() }
    progress?.finish(
      notes: [
        "training error \(HumanReadable.percent(1 - last.training.top1))",
        last.validation.map { "test error \(HumanReadable.percent(1 - $0.top1))" },
      ].compactMap(\.self))
  }
}
