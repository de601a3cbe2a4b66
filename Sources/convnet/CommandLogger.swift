import ConvNet

/// Shows a training, and stops it where a signal asks for it.
final class CommandLogger: TrainingLogger {
  private let command: TrainCommand
  private let settings: TrainingSettings
  private var progress: Progress?
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
    guard training.history.count < training.epochs else { return progress = nil }
    progress = Progress(
      "epoch \(training.epoch)/\(training.epochs)", total: training.sampleCount, command.shared)
  }

  func stepEnded(_ step: StepReport, of training: TrainingInProgress) {
    progress?.update(step.samples) {
      command.notes(step.metrics)
        + ["rate \(HumanReadable.quantity(Double(step.learningRate)))", "step \(step.step)"]
        + command.waiting(step.dataWaitShare)
    }
  }

  func sampleSkipped(_ sample: SkippedSample, of training: TrainingInProgress) {
    command.shared.note("skipped: \(sample.reason)")
  }

  func epochEnded(_ epoch: EpochReport, of training: TrainingInProgress) {
    history.append(epoch)
    hasFinishedEpoch = true
    progress?.finish(notes: command.notes(epoch.training) + command.outcome(epoch, settings))
    beginEpoch(training)
  }
}
