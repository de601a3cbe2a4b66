import ConvNet

/// Shows a training, and stops it where a signal asks for it.
final class CommandLogger: TrainingLogger {
  private let command: TrainCommand
  private let settings: TrainingSettings
  private var progress: Progress?
  private let clock = ContinuousClock()
  private var epochBegin: ContinuousClock.Instant?
  /// Of an epoch with its validation, and of the validation alone, as the last were.
  private var lastSeconds: (epoch: Double, validation: Double)?
  /// Of all epochs, those before it went on included.
  private(set) var history: [EpochReport] = []
  /// Whether the model has the parameters of the last of them.
  private(set) var hasFinishedEpoch = false

  init(_ command: TrainCommand, _ settings: TrainingSettings) {
    self.command = command
    self.settings = settings
  }

  var asksToStop: Bool { Interruption.signal != nil }

  func trainingBegan(_ training: TrainingInProgress) {
    history = training.history
    beginEpoch(training)
  }

  /// The clock of an epoch begins before its first step.
  private func beginEpoch(_ training: TrainingInProgress) {
    epochBegin = clock.now
    guard training.history.count < training.epochs else { return progress = nil }
    progress = Progress(
      "epoch \(training.epoch)/\(training.epochs)", total: training.sampleCount, command.shared)
  }

  func stepEnded(_ step: StepReport, of training: TrainingInProgress) {
    progress?.update(step.samples) {
      Progress.Words(
        notes: command.notes(step.metrics, step.targets),
        details: ["rate \(HumanReadable.quantity(Double(step.learningRate)))", "step \(step.step)"]
          + command.waiting(step.dataWaitShare),
        secondsAfterwards: secondsAfterwards(step))
    }
  }

  /// From the end of this epoch's steps to that of the training, where all epochs take as long as the last, or as this one.
  private func secondsAfterwards(_ step: StepReport) -> Double? {
    let whole = Double(step.totalSamples) / max(1e-9, step.imagesPerSecond)
    let (epoch, validation) = lastSeconds ?? (whole, 0)
    let seconds = validation + Double(step.epochs - step.epoch) * epoch
    return seconds > 0 ? seconds : nil
  }

  func sampleSkipped(_ sample: SkippedSample, of training: TrainingInProgress) {
    command.shared.note("skipped: \(sample.reason)")
  }

  func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) {
    history.append(epoch)
    hasFinishedEpoch = true
    if let epochBegin {
      let seconds = (clock.now - epochBegin) / .seconds(1)
      // One that went on from its middle says nothing of a whole one.
      if epoch.seconds <= seconds { lastSeconds = (seconds, seconds - epoch.seconds) }
    }
    progress?.finish(
      notes: command.notes(epoch.training, epoch.trainingTargets)
        + command.outcome(epoch, settings))
    beginEpoch(training)
  }
}
