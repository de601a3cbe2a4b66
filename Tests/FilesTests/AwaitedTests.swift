import ConvNetFiles
import Synchronization
import Testing

@Suite("Outcomes that somebody waits for") struct AwaitedTests {
  private struct Failure: Error {}

  @Test("Whoever waits is told once, before or after there is an outcome; the first one stays")
  func outcomes() throws {
    let early = Awaited<Int>()
    let told = Mutex<[Int]>([])
    early.whenDone { outcome in told.withLock { $0.append((try? outcome.get()) ?? -1) } }
    #expect(!early.isFinished && early.outcome == nil)
    early.finish(.success(3))
    early.finish(.failure(Failure()))
    #expect(early.isFinished && told.withLock { $0 } == [3])
    early.whenDone { outcome in told.withLock { $0.append((try? outcome.get()) ?? -1) } }
    #expect(try early.outcome?.get() == 3 && told.withLock { $0 } == [3, 3])
    let failed = Awaited<Int>()
    failed.finish(.failure(Failure()))
    #expect(throws: Failure.self) { try failed.outcome?.get() }
  }

  @Test("Durations in nanoseconds and in seconds, up to the longest")
  func durations() {
    #expect(Duration.milliseconds(1500).nanoseconds == 1_500_000_000)
    #expect(Duration.milliseconds(1500).seconds == 1.5)
    #expect((Duration.seconds(-2) + .nanoseconds(5)).nanoseconds == -1_999_999_995)
    #expect(Duration.seconds(Int64.max / 2).nanoseconds == .max)
    #expect(Duration.seconds(Int64.min / 2).nanoseconds == .min)
  }
}
