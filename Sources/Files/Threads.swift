import CKernels
import Dispatch
import Foundation
import Synchronization

/// The processors that computations use, and the one way to have work done beside the calling thread.
///
/// The threads of computations themselves are the kernel library's, and stay in the engine.
public enum Threads {
  /// Processors that this process may use: the affinity mask and the quotas of its control groups, whichever allows least.
  public static let available = min(
    Int(ck_affine_processors()), ControlGroup().processors ?? .max)

  /// The processor's name, as the system gives it; `processor` where it gives none.
  public static let processorName: String = {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let name = lines.split(separator: "\n").first { $0.hasPrefix("model name") }
    return name?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
      ?? "processor"
  }()

  /// Threads of a computation that is not told how many: the first number of `OMP_NUM_THREADS` in the environment, as in other
  /// programs that compute by OpenMP; without it one for each processor, ``available``.
  public static let preferred =
    number(of: ProcessInfo.processInfo.environment["OMP_NUM_THREADS"]) ?? available

  /// The first of a list of numbers, one for each level of nested regions; `nil` where it is no number of threads.
  package static func number(of setting: String?) -> Int? {
    let first = setting?.split(separator: ",").first?.trimmingCharacters(in: .whitespaces)
    return first.flatMap(Int.init).flatMap { 1...mostThreads ~= $0 ? $0 : nil }
  }

  /// More than any machine has: thousands of threads would exhaust the stack space instead.
  package static let mostThreads = 1024

  /// Starts threads that nobody waits for. Where the system has fewer, those that can be had do the work.
  ///
  /// - Parameter purpose: what they are for, for the error.
  /// - Returns: how many were started, at least one.
  /// - Throws: ``ThreadError`` where there is none to be had; Foundation's `Thread` would not tell.
  @discardableResult
  package static func start(
    _ count: Int = 1, for purpose: String, _ body: @escaping @Sendable () -> Void
  ) throws(ThreadError) -> Int {
    for index in 0..<count {
      let work = Unmanaged.passRetained(Work(body)).toOpaque()
      let code = ck_start_thread(
        { work in
          guard let work else { return }
          Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body()
        }, work)
      guard code != 0 else { continue }
      Unmanaged<Work>.fromOpaque(work).release()
      if index > 0 { return index }
      throw ThreadError(code: code, purpose: purpose)
    }
    return count
  }

  private final class Work {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Calls `body` for each of `count` indices on several threads, which take the next index in turn. Where no thread can be had,
  /// the calling one does all of it.
  ///
  /// - Parameters:
  ///   - initial: what each thread begins with.
  ///   - progress: told on the calling thread, at the start and now and then, how many are done.
  /// - Returns: what each thread has made of its state.
  /// - Throws: what `body` throws at the least index, whatever the number of threads. Greater ones may then not be called for.
  package static func share<State: Sendable, Failure: Error>(
    _ count: Int, among threads: Int, for purpose: String, initial: State,
    progress: (Int) -> Void = { _ in },
    _ body: @escaping @Sendable (Int, inout State) throws(Failure) -> Void
  ) throws(Failure) -> [State] {
    let work = SharedWork<State, Failure>(count: count)
    let run: @Sendable () -> Void = {
      var state = initial
      while let index = work.take() {
        do throws(Failure) {
          try body(index, &state)
        } catch {
          work.fail(index, error)
        }
        work.finish()
      }
      work.put(state)
    }
    progress(0)
    // Those that could not be had are not waited for.
    let started = (try? start(max(1, min(threads, count)), for: purpose, run)) ?? 0
    if started == 0 { run() }
    for _ in 0..<max(1, started) {
      while work.ended.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
        progress(work.finished)
      }
    }
    if let failure = work.failure { throw failure }
    progress(count)
    return work.states
  }
}

private final class SharedWork<State: Sendable, Failure: Error>: Sendable {
  /// Counts threads that have nothing left to do.
  let ended = DispatchSemaphore(value: 0)
  private let count: Int
  private let next = Atomic<Int>(0)
  private let done = Atomic<Int>(0)
  /// No index from here on is worth calling for.
  private let end: Atomic<Int>
  private let results = Mutex<[State]>([])
  private let failed = Mutex<(index: Int, error: Failure)?>(nil)

  init(count: Int) {
    self.count = count
    end = Atomic(count)
  }

  func take() -> Int? {
    let index = next.add(1, ordering: .relaxed).oldValue
    return index < end.load(ordering: .relaxed) ? index : nil
  }

  func finish() { done.add(1, ordering: .relaxed) }

  var finished: Int { done.load(ordering: .relaxed) }

  /// Indices are taken in order: those below have been, and each may still turn out to be the first that fails.
  func fail(_ index: Int, _ error: Failure) {
    failed.withLock { first in
      if first.map({ index < $0.index }) ?? true { first = (index, error) }
    }
    end.min(index, ordering: .relaxed)
  }

  var failure: Failure? { failed.withLock { $0?.error } }

  func put(_ state: State) {
    results.withLock { $0.append(state) }
    ended.signal()
  }

  var states: [State] { results.withLock { $0 } }
}

/// The system has no thread for the process.
public struct ThreadError: ReadableError, Hashable, Sendable {
  /// The system's error number.
  public var code: Int32
  /// What it was for.
  public var purpose: String

  package init(code: Int32, purpose: String) {
    self.code = code
    self.purpose = purpose
  }

  public var description: String {
    "cannot start a thread for \(purpose): \(String(cString: strerror(code))); let the process have more threads or memory"
  }
}
