import ConvNetFiles
import Synchronization
import Testing

@Suite("Threads") struct ThreadsTests {
  private final class Counter: Sendable {
    let count = Atomic<Int>(0)
  }

  private struct Refusal: Error, Equatable { var index: Int }

  @Test("There is a processor")
  func processors() { #expect(Threads.available >= 1) }

  @Test(
    "OpenMP's setting says how many threads compute",
    arguments: [
      ("3", 3), (" 4 ", 4), ("2,1", 2), ("16, 4, 2", 16), ("0", nil), ("-1", nil), ("", nil),
      ("many", nil), ("99999999999999999999", nil), ("1025", nil), (nil, nil),
    ] as [(String?, Int?)])
  func setting(text: String?, expected: Int?) { #expect(Threads.number(of: text) == expected) }

  @Test("Threads run what they are given, and the error says what one was for")
  func starting() throws {
    let done = Counter()
    let started = try Threads.start(8, for: "a test") {
      done.count.add(1, ordering: .sequentiallyConsistent)
    }
    #expect(started == 8)
    while done.count.load(ordering: .sequentiallyConsistent) < 8 {}
    let text = ThreadError(code: 11, purpose: "a test").description
    #expect(text.hasPrefix("cannot start a thread for a test: "))
  }

  @Test(
    "Every index is called for once, each thread with a state of its own",
    arguments: [0, 1, 3, 2000])
  func sharing(count: Int) {
    for threads in [0, 1, 4] {
      var told: [Int] = []
      let states = Threads.share(
        count, among: threads, for: "a test", initial: [-1], progress: { told.append($0) }
      ) { index, state in
        state.append(index)
      }
      #expect(states.count == max(1, min(threads, count)))
      #expect(states.allSatisfy { $0.first == -1 })
      #expect(states.flatMap { $0.dropFirst() }.sorted() == Array(0..<count))
      #expect(told.first == 0 && told.last == count)
    }
  }

  @Test(
    "The error is that of the least index that fails, whatever the number of threads",
    arguments: [1, 2, 7])
  func failing(threads: Int) {
    let error = #expect(throws: Refusal.self) {
      try Threads.share(3000, among: threads, for: "a test", initial: 0) {
        index, _ throws(Refusal) in
        // The least comes late.
        if index == 500 { for _ in 0..<100_000 where Threads.available == 0 {} }
        if index >= 500, index % 7 == 500 % 7 { throw Refusal(index: index) }
      }
    }
    #expect(error == Refusal(index: 500))
  }
}
