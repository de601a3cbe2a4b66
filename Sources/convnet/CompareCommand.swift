import ArgumentParser
import ConvNet
import Foundation

/// `convnet compare`.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare trainings: settings, best epochs, curves.",
    discussion: """
      Of each folder that `convnet train` writes into, also while it runs: the
      settings in which not all are alike, the best epoch and its scores, and the
      curves over each other.

      EXAMPLES
        convnet compare runs/*
        convnet compare runs/first runs/second --output comparison.html
        convnet compare runs/* --json
      """)

  @Argument(help: ArgumentHelp("Folders of trainings.", valueName: "folder"))
  var folders: [String]
  @Option(
    help: ArgumentHelp(
      "Write a page with the curves and tables into this file.", valueName: "file"))
  var output: String?
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    guard !folders.isEmpty else { throw ValidationError("name the folder of a training") }
    try OutputFiles.require(
      [NamedFile("--output", output)],
      apartFrom: folders.flatMap { folder -> [NamedFile] in
        let run = RunFolder(folder)
        return [run.metricsPath, run.checkpointPath, run.modelPath, run.bestModelPath]
          .map { NamedFile("the training's", $0) }
      })
  }

  func run() throws {
    if let output { try requireFolder(of: output, "--output") }
    var failures: [any Error] = []
    let runs = folders.compactMap { folder -> RunRecord? in
      do { return try RunRecord(RunFolder(folder)) } catch {
        failures.append(error)
        return nil
      }
    }
    if !runs.isEmpty {
      let comparison = RunComparison(runs)
      if let output { try comparison.page.write(to: output) }
      if shared.json { try printJSON(result(comparison)) } else { try printText(comparison) }
    }
    for error in failures.dropLast() { Console.tell("\(describe(error))\n") }
    if let error = failures.last { throw error }
  }

  private func printText(_ comparison: RunComparison) throws {
    try Console.write(comparison.results)
    let width = TerminalDevice.standardOutput.width
    if !comparison.differences.isEmpty {
      try print("")
      try Console.write(comparison.settings(headings: comparison.letters))
    } else if comparison.runs.count > 1 {
      try print("\nno setting differs")
    }
    if let chart = comparison.chart {
      try print("")
      for line in chart.lines(width: min(width ?? 80, 120)) { try print(line) }
    }
    if let output { try print("\nsaved \(output)") }
  }

  private struct Result: Encodable {
    struct Run: Encodable {
      var run: String
      var folder: String
      var epochs: Int
      var plannedEpochs: Int?
      var bestEpoch: Int?
      var targets: TargetKind?
      /// Of the best epoch, 0 to 1; of its own steps where nothing is validated on.
      var top1: Double?
      var top5: Double?
      /// The same of labels and numbers, as `train` and `evaluate` call them.
      var figures: [String: Double]?
      var loss: Double?
      /// What they are of: `validation`, or `training` where nothing was held out.
      var measuredOn: String?
      var trainingLoss: Double?
      var seconds: Double
      var settings: [String: String]
      var changes: [TrainingChange]
      var history: [RunEpoch]
    }

    struct Difference: Encodable {
      var setting: String
      var values: [String?]
    }

    var runs: [Run]
    var differences: [Difference]
  }

  private func result(_ comparison: RunComparison) -> Result {
    Result(
      runs: zip(comparison.names, comparison.runs).map { name, run in
        let best = run.best
        return Result.Run(
          run: name, folder: run.folder.path, epochs: run.epochs.count,
          plannedEpochs: run.plannedEpochs, bestEpoch: best?.epoch, targets: best?.targetKind,
          top1: best.flatMap { $0.validationTop1 ?? $0.trainingTop1 }, top5: best?.validationTop5,
          figures: best.flatMap {
            $0.validationLoss == nil ? $0.trainingFigures : $0.validationFigures
          },
          loss: best.map { $0.validationLoss ?? $0.trainingLoss },
          measuredOn: best.map { $0.validationLoss == nil ? "training" : "validation" },
          trainingLoss: best?.trainingLoss, seconds: run.seconds,
          settings: Dictionary(run.settings.map { ($0.name, $0.value) }) { first, _ in first },
          changes: run.changes, history: run.epochs)
      },
      differences: comparison.differences.map {
        Result.Difference(setting: $0.setting, values: $0.values)
      })
  }
}
