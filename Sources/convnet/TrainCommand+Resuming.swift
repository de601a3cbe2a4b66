import ConvNet

/// A training that goes on, perhaps otherwise than it began.
extension TrainCommand {
  /// Has the checkpoint take what is otherwise now, and tells each setting with both values.
  func adopt(
    _ settings: TrainingSettings, _ trainer: Trainer, _ model: Model, _ training: any Dataset,
    _ validation: (any Dataset)?, in kept: inout Checkpoint?
  ) throws {
    guard var checkpoint = kept else { return }
    guard checkpoint.history.count < settings.epochs else {
      do {
        try checkpoint.requireFit(for: trainer, model)
      } catch {
        // What no training may change says it itself.
        let changes = try checkpoint.adopt(
          trainer, for: model, on: training, validating: validation, epochs: settings.epochs)
        throw FinishedTraining(epochs: checkpoint.history.count, changes: changes)
      }
      shared.note("resuming \(CheckpointPlace(checkpoint))")
      return shared.note(
        "nothing is left of \(plural(settings.epochs, "epoch")); --epochs has it go on")
    }
    let place = CheckpointPlace(checkpoint)
    let changes = try checkpoint.adopt(
      trainer, for: model, on: training, validating: validation, epochs: settings.epochs)
    kept = checkpoint
    guard !changes.isEmpty else { return shared.note("resuming \(place)") }
    // Also who wants no progress learns that the training is not the one that began.
    Console.tell("resuming \(place), otherwise than before:\n")
    Console.tell(
      Self.table(changes).plainText(width: TerminalDevice.standardError.width))
  }

  private static func table(_ changes: [TrainingChange]) -> Table {
    var table = Table([.init("setting", leastWidth: 12), .init("was"), .init("is")])
    for change in changes {
      let name = change.setting == "nextLearningRate" ? "rate of the next step" : change.setting
      table.append([name, change.old ?? "–", change.new ?? "–"])
    }
    return table
  }
}

/// A training that has no epoch left was told to go on otherwise.
struct FinishedTraining: ReadableError {
  var epochs: Int
  var changes: [TrainingChange]

  var description: String {
    "the training is done with its \(plural(epochs, "epoch")), which \(changes.map(\.description).joined(separator: ", ")) "
      + "would not change; give more --epochs to go on so, or leave it out"
  }
}
