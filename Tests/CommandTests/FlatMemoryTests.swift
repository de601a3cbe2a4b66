import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

#if os(Linux)
  @Suite("Memory of a long training") struct FlatMemoryTests {
    @Test("stays as it is over epochs, with all that a training writes")
    func flat() throws {
      let directory = try TemporaryDirectory()
      try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
      let running = try RunningInvocation(
        trainingArguments() + ["--epochs", "150", "--quiet", "--keep", "2", "--augment", "shift"],
        in: directory.path)
      let metrics = directory.file("out/metrics.jsonl")
      func epochs() -> Int {
        let text = (try? String(contentsOfFile: metrics, encoding: .utf8)) ?? ""
        return text.components(separatedBy: "\"kind\":\"epoch\"").count - 1
      }
      var (early, late): (Int?, Int?)
      while running.isRunning {
        let bytes = running.residentBytes
        if early == nil, epochs() >= 50 { early = bytes }
        if early != nil, let bytes, bytes > 0 { late = bytes }
        usleep(20_000)
      }
      #expect(try running.finished().status == 0)
      // A copy of the model that stays after each epoch would be 10 MB and more.
      let growth = try #require(late) - #require(early)
      #expect(growth < 4 << 20, "\(growth) bytes in a hundred epochs")
    }
  }
#endif
