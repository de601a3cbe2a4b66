import ConvNetFiles
import Synchronization
import Testing

@Suite("Worker threads")
struct WorkerThreadTests {
  private final class Counter: Sendable {
    let count = Atomic<Int>(0)
  }

  @Test("Threads run what they are given, and the error says what one was for")
  func threads() throws {
    let done = Counter()
    for _ in 0..<8 {
      try WorkerThread.start(for: "a test") { done.count.add(1, ordering: .sequentiallyConsistent) }
    }
    while done.count.load(ordering: .sequentiallyConsistent) < 8 {}
    let text = ThreadError(code: 11, purpose: "a test").description
    #expect(text.hasPrefix("cannot start a thread for a test: "))
  }
}
