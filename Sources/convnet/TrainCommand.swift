import ArgumentParser
import ConvNet
import Foundation

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a network on a data set.",
    discussion: """
      Writes into the output folder: model.safetensors (the model, ready to use), checkpoint (to go on from),
      metrics.jsonl (a line an epoch), report.html.

      EXAMPLES
        convnet train --model lenet5 --data fashion-mnist --output runs/first
        convnet train --model lenet5 --data pictures --epochs 20 --output runs/second
        convnet train --model lenet5 --data fashion-mnist --epochs 10 --output runs/first --resume
      """)

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
  @OptionGroup var shared: SharedOptions

  private struct Result: Encodable {
    var epochs: Int
    var top1: Double
    var top5: Double
    var loss: Double
    var seconds: Double
    var imagesPerSecond: Double
  }

  func run() throws {
    guard learningRate.isFinite, learningRate > 0 else {
      throw TrainingError.invalidSetting(
        name: "--learning-rate", value: "\(learningRate)", requirement: "a finite number above zero")
    }
    let training = try data.load(.train)
    let validation = try data.load(.test)
    var model = try makeModel(for: training)
    let trainer = Trainer(
      optimizer: .sgd(momentum: momentum, weightDecay: weightDecay),
      schedule: .plateau(from: learningRate), batchSize: batchSize, seed: shared.seed,
      threads: shared.threadCount)
    let run = try TrainingRun(folder: output)
    var checkpoint: Checkpoint?
    if resume {
      let loaded = try run.loadCheckpoint()
      try loaded.requireRecipe(of: trainer)
      checkpoint = loaded
      shared.note("resuming after epoch \(loaded.history.count)")
    }
    var progress: Progress?
    try trainer.fit(
      &model, on: training, validating: validation, epochs: epochs, resuming: checkpoint
    ) { state in
      if progress == nil {
        progress = Progress(
          "epoch \(state.epoch)/\(state.epochs)", total: state.totalSamples, shared)
      }
      progress?.update(state.samples, notes: notes(state.metrics))
    } epochEnded: { report, checkpoint in
      progress?.finish(notes: notes(report.training))
      progress = nil
      shared.note("\(report)")
      try run.record(report, checkpoint)
    }
    let history = try checkpointHistory(run, fallback: checkpoint)
    try finish(model, history, run)
  }

  private func notes(_ metrics: ClassificationMetrics) -> [String] {
    [
      "loss \(HumanReadable.fixed(metrics.loss, digits: 3))",
      "accuracy \(HumanReadable.percent(metrics.top1))",
    ]
  }

  private func makeModel(for training: any Dataset) throws -> Model {
    let shape = training.imageShape
    var model = try ModelSource(self.model).model(
      height: network.input?.height ?? shape?[0], width: network.input?.width ?? shape?[1],
      channels: shape?[2], classes: network.classes ?? training.classNames.count,
      classNames: training.classNames, seed: shared.seed)
    if let `init` {
      for name in try model.takeParameters(from: Model(loading: `init`)) {
        shared.note("\(name) has another shape in \(`init`): freshly initialized")
      }
    }
    return model
  }

  private func checkpointHistory(_ run: TrainingRun, fallback: Checkpoint?) throws -> [EpochReport] {
    try run.hasCheckpoint ? run.loadCheckpoint().history : fallback?.history ?? []
  }

  private func finish(_ trained: Model, _ history: [EpochReport], _ run: TrainingRun) throws {
    guard let last = history.last else { return }
    var model = trained
    let measured = last.validation ?? last.training
    model.trainingSummary = [
      "data": data.data, "epochs": "\(history.count)", "top1": "\(measured.top1)",
      "batchSize": "\(batchSize)", "seed": "\(shared.seed)",
    ]
    try run.save(model)
    try run.writeReport(title: "\(model.graph.name) on \(data.data)", history: history)
    let seconds = history.reduce(0) { $0 + $1.seconds }
    let samples = history.reduce(0) { $0 + $1.training.samples }
    let result = Result(
      epochs: history.count, top1: measured.top1, top5: measured.top5, loss: measured.loss,
      seconds: seconds, imagesPerSecond: Double(samples) / max(seconds, 1e-9))
    if shared.json { return try printJSON(result) }
    print(
      """
      test accuracy \(HumanReadable.percent(measured.top1, digits: 2)) after \(history.count) epochs, \
      \(HumanReadable.duration(seconds)) of training at \
      \(HumanReadable.quantity(result.imagesPerSecond)) images/s
      saved \(run.modelPath)
      """)
  }
}

/// The folder that a training writes into.
struct TrainingRun {
  let folder: String
  var modelPath: String { folder + "/model.safetensors" }
  private var checkpointPath: String { folder + "/checkpoint" }
  private var metricsPath: String { folder + "/metrics.jsonl" }

  init(folder: String) throws {
    self.folder = folder
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw UnwritableOutput(path: folder, reason: error.localizedDescription)
    }
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw UnwritableOutput(path: folder, reason: "the folder is not writable")
    }
  }

  var hasCheckpoint: Bool { FileManager.default.fileExists(atPath: checkpointPath) }

  func loadCheckpoint() throws -> Checkpoint { try Checkpoint(loading: checkpointPath) }

  /// Keeps the state after an epoch, and the history as a line of JSON an epoch.
  func record(_ report: EpochReport, _ checkpoint: Checkpoint) throws {
    try checkpoint.save(to: checkpointPath)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let lines = try checkpoint.history.map {
      String(decoding: try encoder.encode(MetricsLine($0)), as: UTF8.self)
    }
    try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: metricsPath)
  }

  func save(_ model: Model) throws { try model.save(to: modelPath) }

  func writeReport(title: String, history: [EpochReport]) throws {
    var table = Table([
      .init("epoch", .right), .init("learning rate", .right), .init("training loss", .right),
      .init("training accuracy", .right), .init("validation accuracy", .right),
      .init("images/s", .right),
    ])
    for report in history {
      table.append([
        "\(report.epoch)", "\(report.learningRate)",
        HumanReadable.fixed(report.training.loss, digits: 4),
        HumanReadable.percent(report.training.top1),
        report.validation.map { HumanReadable.percent($0.top1) } ?? "",
        HumanReadable.quantity(report.imagesPerSecond),
      ])
    }
    var losses = [LinePlot.Series("training", values: history.map(\.training.loss))]
    var errors = [LinePlot.Series("training", values: history.map { 100 * (1 - $0.training.top1) })]
    if history.allSatisfy({ $0.validation != nil }) {
      losses.append(.init("validation", values: history.compactMap(\.validation?.loss)))
      errors.append(
        .init("validation", values: history.compactMap { $0.validation.map { 100 * (1 - $0.top1) } })
      )
    }
    let page = ReportPage(
      title,
      sections: [
        .init(
          "Curves",
          [
            .figure(
              LinePlot(
                "Loss", horizontal: Axis("epoch"), vertical: Axis("cross-entropy"), series: losses)),
            .figure(
              LinePlot(
                "Error", horizontal: Axis("epoch"), vertical: Axis("top-1 error, %"), series: errors)
            ),
          ]),
        .init("Epochs", [.table(table)]),
      ])
    try page.write(to: folder + "/report.html")
  }
}

/// A line of metrics.jsonl.
private struct MetricsLine: Encodable {
  var epoch: Int
  var learningRate: Float
  var trainingLoss: Double
  var trainingTop1: Double
  var validationLoss: Double?
  var validationTop1: Double?
  var validationTop5: Double?
  var seconds: Double
  var imagesPerSecond: Double

  init(_ report: EpochReport) {
    epoch = report.epoch
    learningRate = report.learningRate
    trainingLoss = report.training.loss
    trainingTop1 = report.training.top1
    validationLoss = report.validation?.loss
    validationTop1 = report.validation?.top1
    validationTop5 = report.validation?.top5
    seconds = report.seconds
    imagesPerSecond = report.imagesPerSecond
  }
}

/// A place that cannot be written to.
struct UnwritableOutput: Error, CustomStringConvertible {
  var path: String
  var reason: String
  var description: String { "cannot write to \(path): \(reason); name another folder with --output" }
}
