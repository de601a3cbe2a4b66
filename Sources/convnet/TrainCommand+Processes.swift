import ConvNet

/// A training of several processes, which `mpirun` started.
extension TrainCommand {
  /// Trains with the others: the first process says and writes what there is to say and to write.
  func run(with processes: MPIProcesses) throws {
    var command = self
    command.recipe.batchSize = recipe.batchSize.map { $0 * processes.count }
    if !processes.isFirst { command.shared.quiet = true }
    try processes.together {
      if sweep.findLearningRate { throw SweepOfSeveral() }
      try command.train(with: processes)
    }
  }

  /// Says how the work is shared.
  func noteProcesses(
    _ processes: MPIProcesses?, _ trainer: Trainer, _ checkpoint: Checkpoint?
  ) {
    let count = processes?.count ?? 1
    if let processes {
      shared.note(
        "\(count) processes by \(processes.library): batches of \(trainer.batchSize), "
          + "\(HumanReadable.quantity(Double(trainer.batchSize) / Double(count))) for each")
    }
    if let kept = checkpoint?.processCount, kept != count {
      shared.note(
        "\(plural(kept, "process", "processes")) came so far, \(count) \(count == 1 ? "goes" : "go") on with the same batches of "
          + "\(trainer.batchSize): sums in another order may change last digits")
    }
  }
}

/// Looks after the signals of a process that says nothing.
struct StopOnSignal: TrainingLogger {
  var asksToStop: Bool { Interruption.signal != nil }
}

/// A search for the rate, of several processes.
struct SweepOfSeveral: ReadableError {
  var description: String {
    "--find-learning-rate is for one process; find the rate alone, then train with several"
  }
}
