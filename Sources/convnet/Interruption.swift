import ConvNet
import Foundation
import Synchronization

/// Signals that ask the command to end: SIGINT (Ctrl-C), SIGTERM, SIGHUP (the terminal is gone).
///
/// They end it at once, with a status of 128 and the signal's number, and files that were being written leave nothing behind. A
/// training keeps what it has first; a second signal does not wait for that.
enum Interruption {
  /// The signal that came while they were deferred; 0 for none.
  private static let noted = Atomic<Int32>(0)
  private static let areDeferred = Atomic<Bool>(false)

  /// Before any other thread is there: a thread of its own waits for the signals, which are blocked in all others.
  static func prepare() {
    var signals = sigset_t()
    sigemptyset(&signals)
    // Who ignores one for the command, as nohup and shells with jobs in the background do, wants it ignored.
    for number in [SIGINT, SIGTERM, SIGHUP] where !Console.isIgnored(number) {
      sigaddset(&signals, number)
    }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    do throws(ThreadError) {
      try Threads.start(for: "signals") { [signals] in
        var signals = signals
        while true {
          var number: Int32 = 0
          if sigwait(&signals, &number) == 0 { receive(number) }
        }
      }
    } catch {
      // They then end the process as they end any.
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
  }

  /// From now on a first signal is only noted: the work looks at ``signal`` where it can stop.
  static func deferSignals() { areDeferred.store(true, ordering: .sequentiallyConsistent) }

  /// What takes signals instead; `nil` for nobody.
  private static let taker = Mutex<(@Sendable (_ number: Int32) -> Bool)?>(nil)

  /// From now on signals are for who serves.
  ///
  /// - Parameter taker: is called on the thread of the signals; one that it does not take ends the command at once.
  static func take(_ taker: @escaping @Sendable (_ number: Int32) -> Bool) {
    Self.taker.withLock { $0 = taker }
  }

  static var signal: Int32? {
    let number = noted.load(ordering: .sequentiallyConsistent)
    return number == 0 ? nil : number
  }

  private static func receive(_ number: Int32) {
    if let taker = taker.withLock({ $0 }), taker(number) { return }
    let isFirst = noted.exchange(number, ordering: .sequentiallyConsistent) == 0
    // The line of a progress, with what the terminal echoes of the keys, ends here.
    Console.leaveLine(echoes: true)
    if isFirst, areDeferred.load(ordering: .sequentiallyConsistent) {
      Console.tell(
        "\(name(of: number)): stopping after this step; once more ends at once\n")
      return
    }
    AtomicFile.abandonAll { _exit(128 + number) }
  }

  static func name(of number: Int32) -> String {
    switch number {
    case SIGINT: "SIGINT"
    case SIGTERM: "SIGTERM"
    case SIGHUP: "SIGHUP"
    default: "signal \(number)"
    }
  }
}

/// A command was asked to end, and has kept what it had.
struct Interrupted: ReadableError {
  var signal: Int32
  /// What was kept, and how to go on.
  var outcome: String
  var description: String { "stopped by \(Interruption.name(of: signal)): \(outcome)" }
}
