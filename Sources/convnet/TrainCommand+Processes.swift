import ConvNet

/// A training of several processes, which `mpirun` started.
extension TrainCommand {
  /// Trains with the others: the first process says and writes what there is to say and to write.
  func run(with processes: MPIProcesses) throws {
    var command = self
    command.recipe.batchSize = recipe.batchSize.map { $0 * processes.count }
    if !processes.isFirst { command.shared.quiet = true }
    do {
      if sweep.findLearningRate { throw SweepOfSeveral() }
      try command.train(with: processes)
    } catch TrainingError.stopped where !processes.isFirst {
      // The first one tells.
    } catch let error as TrainingError where error.isOfAllProcesses {
      processes.finish()
      if processes.isFirst { throw error }
      return
    } catch let error as Interrupted {
      processes.finish()
      throw error
    } catch {
      Console.leaveLine()
      Console.tell(
        "error: process \(processes.rank) of \(processes.count) on \(processes.machine): \(error)\n"
      )
      // The others wait for this one.
      processes.abort(status: 1)
      throw error
    }
    processes.finish()
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

extension MPIProcesses {
  /// The one that writes.
  var isFirst: Bool { rank == 0 }
}

extension TrainingError {
  /// Whether every process has the same error.
  fileprivate var isOfAllProcesses: Bool {
    if case .processes = self { true } else { false }
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
