import ConvNetFiles
import ConvNetTensors
import Dispatch
import Foundation
import Synchronization

/// Calls `body` for each of `count` indices on several threads, in no fixed order.
///
/// - Parameters:
///   - initial: what each thread begins with.
///   - progress: told on the calling thread, at the start and now and then, how many are done.
/// - Returns: what each thread has made of its state.
func scan<State: Sendable>(
  count: Int, threads: Int, initial: State, progress: (Int) -> Void,
  _ body: @escaping @Sendable (Int, inout State) -> Void
) -> [State] {
  let work = SharedWork<State>(count: count)
  let group = DispatchGroup()
  let run: @Sendable () -> Void = {
    var state = initial
    while let index = work.take() {
      body(index, &state)
      work.finish()
    }
    work.put(state)
    group.leave()
  }
  progress(0)
  for index in 0..<max(1, min(threads, count)) {
    group.enter()
    do throws(ThreadError) {
      try WorkerThread.start(for: "reading", run)
    } catch {
      // Where there are no more threads, those that could be had do the work, or this one does.
      if index == 0 { run() } else { group.leave() }
      break
    }
  }
  while group.wait(timeout: .now() + .milliseconds(100)) == .timedOut { progress(work.finished) }
  progress(count)
  return work.states
}

private final class SharedWork<State: Sendable>: Sendable {
  private let count: Int
  private let next = Atomic<Int>(0)
  private let done = Atomic<Int>(0)
  private let results = Mutex<[State]>([])

  init(count: Int) {
    self.count = count
  }

  func take() -> Int? {
    let index = next.add(1, ordering: .relaxed).oldValue
    return index < count ? index : nil
  }

  func finish() { done.add(1, ordering: .relaxed) }

  var finished: Int { done.load(ordering: .relaxed) }

  func put(_ state: State) { results.withLock { $0.append(state) } }

  var states: [State] { results.withLock { $0 } }
}
