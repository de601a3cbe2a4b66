import ConvNet

extension MPIProcesses {
  /// The one that says and writes what there is to say and to write.
  var isFirst: Bool { rank == 0 }

  /// Runs a command: alone, or together with the others that `mpirun` started, of which the first one alone speaks.
  static func run<Command>(
    _ command: Command, _ shared: WritableKeyPath<Command, SharedOptions>,
    _ body: (_ command: Command, _ processes: MPIProcesses?) throws -> Void
  ) throws {
    guard let processes = try joined() else { return try body(command, nil) }
    var command = command
    if !processes.isFirst { command[keyPath: shared].quiet = true }
    try processes.together { try body(command, processes) }
  }

  /// Does something with the others, then leaves them. An error that all have is the first one's to tell; one that only this
  /// process has ends all.
  func together(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch TrainingError.stopped where !isFirst {
      // The first one tells.
    } catch let error where isOfAll(error) {
      finish()
      if isFirst { throw error }
      return
    } catch let error as Interrupted {
      finish()
      throw error
    } catch {
      Console.leaveLine()
      Console.tell("error: process \(rank) of \(count) on \(machine): \(error)\n")
      // The others wait for this one.
      abort(status: 1)
      throw error
    }
    finish()
  }

  /// A signal that one of the processes has been sent; `nil` where none has. All call it.
  func signal() throws -> Int32? {
    let own = Interruption.signal ?? 0
    return try gather(withUnsafeBytes(of: own) { Array($0) }).lazy
      .map { $0.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) } }.first { $0 != 0 }
  }

  /// Whether every process has the same error.
  private func isOfAll(_ error: any Error) -> Bool {
    switch error {
    case TrainingError.processes, EvaluationError.processes, EvaluationError.unreadable,
      EvaluationError.nothingReadable, EvaluationError.otherProgress, InsightError.processes,
      InsightError.noAnswer:
      true
    default: false
    }
  }
}
