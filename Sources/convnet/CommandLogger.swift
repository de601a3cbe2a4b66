import ConvNet

/// Shows a training, writes its folder, and stops it where a signal asks for it.
final class CommandLogger: TrainingLogger {
  private(set) var run: RunFolder
  private let command: TrainCommand
  private let settings: TrainingSettings
  private let samples: Int
  private var progress: Progress?
  /// What could not be written at the last attempt.
  private(set) var unwritten: [any Error] = []
  /// Where the checkpoint in the folder goes on, in words.
  private(set) var savedPlace: String?

  init(_ run: RunFolder, _ command: TrainCommand, _ settings: TrainingSettings, samples: Int) {
    self.run = run
    self.command = command
    self.settings = settings
    self.samples = samples
  }

  var asksToStop: Bool { Interruption.signal != nil }

  func trainingBegan(_ training: TrainingInProgress) { beginEpoch(training) }

  /// The clock of an epoch begins before its first step.
  private func beginEpoch(_ training: TrainingInProgress) {
    guard training.history.count < training.epochs else { return progress = nil }
    progress = Progress(
      "epoch \(training.epoch)/\(training.epochs)", total: samples, command.shared)
  }

  func stepEnded(_ step: StepReport, of training: TrainingInProgress) {
    progress?.update(
      step.samples, notes: command.notes(step.metrics) + command.waiting(step.dataWaitShare))
  }

  func sampleSkipped(_ sample: SkippedSample, of training: TrainingInProgress) {
    command.shared.note("skipped: \(sample.reason)")
  }

  func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) throws {
    progress?.finish(notes: command.notes(epoch.training) + command.outcome(epoch, settings))
    beginEpoch(training)
    var checkpoint = try training.checkpoint()
    try settings.remember(in: &checkpoint)
    unwritten = run.record(checkpoint)
    if run.savedEpoch == epoch.epoch { savedPlace = checkpoint.placeInWords }
    // No reason to lose the training: there may be room again before it ends. Of the last epoch it is the command's error.
    for error in unwritten where epoch.epoch < training.epochs {
      Console.tell("\(error); the training goes on, and the next epoch tries again\n")
    }
  }

  func trainingEnded(_ training: TrainingInProgress, by error: (any Error)?) throws {
    guard case TrainingError.stopped? = error else { return }
    let failure = failure {
      var checkpoint = try training.checkpoint()
      try settings.remember(in: &checkpoint)
      try run.save(checkpoint)
      savedPlace = checkpoint.placeInWords
    }
    unwritten = failure.map { [$0] } ?? []
  }
}

extension Checkpoint {
  /// What has been trained before it.
  var placeInWords: String {
    if samplesOfEpoch > 0 {
      return "within epoch \(history.count + 1), after step \(step)"
    }
    return history.isEmpty ? "from the beginning" : "after epoch \(history.count)"
  }
}
