import ArgumentParser
import ConvNet

/// The search for a learning rate before a training.
struct SweepOptions: ParsableArguments {
  @Flag(
    help: """
      Train nothing: raise the learning rate from step to step, and say which the loss falls \
      fastest at. Writes learning-rate.html into the output folder.
      """)
  var findLearningRate = false
  @Option(help: ArgumentHelp("Steps of --find-learning-rate. Default: 100.", valueName: "count"))
  var sweepSteps: Int?

  func validate() throws {
    if sweepSteps != nil, !findLearningRate {
      throw ValidationError("--sweep-steps is of --find-learning-rate")
    }
    if let sweepSteps, !(10...1_000_000 ~= sweepSteps) {
      throw ValidationError("--sweep-steps must be from 10 to 1000000")
    }
  }
}

extension TrainCommand {
  /// What a sweep writes.
  var sweepPath: String { output + "/learning-rate.html" }

  func findLearningRate(
    _ trainer: Trainer, _ model: Model, _ training: any Dataset, _ settings: TrainingSettings
  ) throws {
    Interruption.deferSignals()
    try withOutputFolder(output) { try sweep(trainer, model, training, settings) }
  }

  private func sweep(
    _ trainer: Trainer, _ model: Model, _ training: any Dataset, _ settings: TrainingSettings
  ) throws {
    let steps = sweep.sweepSteps ?? 100
    var progress: Progress? = Progress("learning rate", total: steps, shared)
    var count = 0
    let found = try trainer.findLearningRate(for: model, on: training, steps: steps) { point in
      count += 1
      progress?.update(
        count,
        notes: [
          "rate \(HumanReadable.quantity(Double(point.rate)))",
          "loss \(HumanReadable.fixed(point.smoothedLoss, digits: 3))",
        ])
      if let signal = Interruption.signal {
        throw Interrupted(
          signal: signal, outcome: "the sweep is not finished, and nothing is written")
      }
    }
    progress?.finish(notes: [])
    progress = nil
    let outcome =
      found.proposalText.map {
        "the loss falls fastest at learning rate \($0); begin there with --learning-rate \($0)"
      }
      ?? "the loss does not fall at any of the rates: a longer sweep (--sweep-steps) may tell more"
    let page = ReportPage(
      "\(model.graph.name) on \(settings.data)", summary: outcome,
      sections: [.init("Sweep of the learning rate", [.figure(found.plot)])])
    try page.write(to: sweepPath)
    if shared.json {
      try printJSON(found)
    } else {
      try Console.write(wrapping: outcome)
      try print("saved \(sweepPath)")
    }
  }
}
