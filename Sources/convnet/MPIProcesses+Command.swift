import ConvNet

extension MPIProcesses {
  /// The one that says and writes what there is to say and to write.
  var isFirst: Bool { rank == 0 }

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
      EvaluationError.nothingReadable, EvaluationError.otherProgress:
      true
    default: false
    }
  }
}
