import ConvNetCompiler
import ConvNetEngine
import ConvNetFiles
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// Profiles and traces: of times by hand, and of real runs, of which nothing is said but how they hang together.
@Suite("Profiles") struct ProfileTests {
  private let peaks = MachinePeaks(
    threads: 2, flopsPerSecond: 1e9, readBytesPerSecond: 1e8, copyBytesPerSecond: 5e7)

  /// Three steps: activation, dense layer, activation, of two examples.
  private func executable(threads: Int) throws -> Executable {
    var graph = Graph(name: "three steps")
    let x = graph.addInput("x", ValueType([2, 8]))
    let kernel = graph.addParameter("weight", [4, 8], .kernel)
    var y = try graph.append(Operation.Activation(.tanh), to: x, name: "first")
    y = try graph.append(Operation.Dense(hasBias: false), to: y, kernel, name: "dense")
    // Whoever wants both results keeps them from being fused.
    graph.addOutput("z", y)
    y = try graph.append(Operation.Activation(.sigmoid), to: y, name: "last")
    graph.addOutput("y", y)
    return try Executable(
      graph, parameters: ["weight": .random([4, 8], seed: 1)],
      options: CompilationOptions(threads: threads))
  }

  @Test("the roofline: the longer of arithmetic and bytes, at the better of the memory's rates")
  func roofline() {
    #expect(peaks.bytesPerSecond == 1e8)
    #expect(peaks.leastSeconds(multiplyAdds: 500, byteCount: 10) == 1e-6)
    #expect(peaks.leastSeconds(multiplyAdds: 1, byteCount: 1000) == 1e-5)
    let work = MeasuredWork(seconds: 0.5, multiplyAdds: 10, byteCount: 30, leastSeconds: 0.25)
    #expect(work.flopsPerSecond == 40 && work.bytesPerSecond == 60 && work.shareOfPeak == 0.5)
    let sum = work + work
    #expect(
      sum == MeasuredWork(seconds: 1, multiplyAdds: 20, byteCount: 60, leastSeconds: 0.5))
    // A clock may not see a short step.
    let none = MeasuredWork(seconds: 0, multiplyAdds: 1, byteCount: 1, leastSeconds: 1)
    #expect(none.flopsPerSecond == 0 && none.shareOfPeak == 0)
  }

  @Test("peaks are measured, and are numbers", arguments: [1, 2])
  func measuredPeaks(threads: Int) throws {
    let peaks = try MachinePeaks.measured(threads: threads)
    #expect(peaks.threads == threads)
    for rate in [peaks.flopsPerSecond, peaks.readBytesPerSecond, peaks.copyBytesPerSecond] {
      #expect(rate.isFinite && rate > 0)
    }
  }

  @Test("a step's time is the median over runs of the mean over shards")
  func medians() throws {
    let steps = try executable(threads: 2).steps
    #expect(steps.map(\.kind) == [.activation, .dense, .activation])
    let times = [
      [[0, 10, 30, 100], [0, 20, 60, 100]],
      [[200, 290, 300, 400], [210, 300, 330, 420]],
      [[500, 520, 540, 560], [500, 520, 540, 560]],
    ]
    try #require(steps.count == 3)
    let profile = ExecutionProfile(steps, times: times, threads: 1, peaks: peaks)
    let nanoseconds = profile.steps.map { Int(($0.work.seconds * 1e9).rounded()) }
    #expect(nanoseconds == [20, 20, 55])
    #expect(profile.steps.map(\.step) == steps)
    for entry in profile.steps {
      #expect(entry.work.multiplyAdds == entry.step.multiplyAdds)
      #expect(entry.work.byteCount == entry.step.byteCount)
      let least = peaks.leastSeconds(
        multiplyAdds: entry.step.performedMultiplyAdds, byteCount: entry.step.byteCount)
      #expect(entry.work.leastSeconds == least)
    }
    try #require(profile.kinds.map(\.kind) == [.activation, .dense])
    #expect(profile.kinds.map(\.stepCount) == [2, 1])
    #expect(profile.kinds[0].work == profile.steps[0].work + profile.steps[2].work)
    #expect(profile.total.multiplyAdds == 2 * 8 * 4)
    // Each shard: two vectors of 8, weights and both vectors, two vectors of 4.
    #expect(profile.total.byteCount == 2 * 4 * (8 + 8 + 32 + 8 + 4 + 4 + 4))
  }

  @Test("shards that follow each other take their times together, and share a lane of the trace")
  func turns() throws {
    let steps = try executable(threads: 2).steps
    let times = [[[0, 10, 30, 100], [100, 120, 160, 200]]]
    let profile = ExecutionProfile(steps, times: times, lanes: 1, threads: 1, peaks: peaks)
    #expect(profile.steps.map { Int(($0.work.seconds * 1e9).rounded()) } == [30, 60, 110])
    let events = profile.trace(named: "two in turn").traceEvents
    #expect(
      events.filter { $0.ph == "M" }.map(\.args.name) == ["two in turn", "shards 1 to 2 of 2"])
    #expect(events.allSatisfy { $0.tid == 0 })
    #expect(events.filter { $0.name == "dense" }.map(\.ts) == [0.01, 0.12])
  }

  @Test("a trace has the last runs, a lane a shard, and in it the steps one after the other")
  func traceOfGivenTimes() throws {
    let steps = try executable(threads: 2).steps
    let times = [
      [[0, 10, 30, 100], [0, 20, 60, 100]],
      [[1210, 1290, 1300, 1400], [1200, 1300, 1330, 2420]],
    ]
    let profile = ExecutionProfile(steps, times: times, threads: 1, peaks: peaks)
    let directory = try TemporaryDirectory()
    try profile.trace(named: "three steps", runs: 1).write(to: directory.file("trace.json"))
    #expect(try directory.contents() == ["trace.json"])
    let file = try Data(contentsOf: URL(fileURLWithPath: directory.file("trace.json")))
    let trace = try #require(try JSONSerialization.jsonObject(with: file) as? [String: Any])
    let events = try #require(trace["traceEvents"] as? [[String: Any]])

    let names = events.filter { $0["ph"] as? String == "M" }
    #expect(
      names.map { $0["name"] as? String } == ["process_name", "thread_name", "thread_name"])
    #expect(
      names.map { ($0["args"] as? [String: String])?["name"] } == [
        "three steps", "shard 1 of 2", "shard 2 of 2",
      ])
    #expect(names.map { $0["tid"] as? Int } == [0, 0, 1])

    let slices = events.filter { $0["ph"] as? String == "X" }
    #expect(slices.count == events.count - names.count)
    let lane = slices.filter { $0["tid"] as? Int == 1 }
    #expect(lane.map { $0["name"] as? String } == ["run 1", "first", "dense", "last"])
    #expect(lane.map { $0["cat"] as? String } == ["run", "activation", "dense", "activation"])
    #expect(lane.map { $0["ts"] as? Double } == [0, 0, 0.1, 0.13])
    #expect(lane.map { $0["dur"] as? Double } == [1.22, 0.1, 0.03, 1.09])
    #expect(slices.filter { $0["tid"] as? Int == 0 }.map { $0["ts"] as? Double }.first == 0.01)
    let arguments = try #require(lane[2]["args"] as? [String: Any])
    #expect(arguments["implementation"] as? String == steps[1].implementation)
    #expect(arguments["bytes"] as? Int == 4 * (8 + 32 + 4))
    let rate = try #require(arguments["GFLOP/s"] as? Double)
    #expect(abs(rate - 2 * 32 / 30.0) < 1e-12)
    #expect((lane[1]["args"] as? [String: Any])?["GFLOP/s"] == nil)
  }

  @Test("runs that are timed compute the same, whole and in shards", arguments: [1, 2])
  func realRuns(threads: Int) throws {
    var executable = try executable(threads: threads)
    #expect(executable.shardCount == threads)
    let input = Tensor.random([2, 8], seed: 3)
    let expected = try executable.run(["x": input])
    let profile = try executable.profile(runs: 4, peaks: peaks)
    #expect(try executable.output("y") == expected["y"])
    #expect(try executable.run(["x": input]) == expected)
    #expect(profile.steps.map(\.step) == executable.steps)
    #expect(profile.peaks == peaks)

    let trace = profile.trace(named: "runs")
    let slices = trace.traceEvents.filter { $0.ph == "X" }
    #expect(slices.count == 3 * threads * 4)
    for lane in 0..<threads {
      let lane = slices.filter { $0.tid == lane }
      let steps = lane.filter { $0.cat != "run" }
      for (earlier, later) in zip(steps, steps.dropFirst()) {
        let end = try #require(earlier.ts) + #require(earlier.dur)
        #expect(try end <= #require(later.ts) + 1e-6)
      }
    }
    #expect(
      profile.trace(named: "runs", runs: 9).traceEvents.count { $0.cat == "run" } == 4 * threads)
    // At least one run, whatever is asked for.
    #expect(try executable.profile(runs: 0, peaks: peaks).steps.count == 3)
  }

  @Test("a trace that cannot be written is an error with the path")
  func unwritable() throws {
    let directory = try TemporaryDirectory()
    var executable = try executable(threads: 1)
    let trace = try executable.profile(runs: 1, peaks: peaks).trace(named: "x")
    #expect(throws: FileError.self) { try trace.write(to: directory.file("absent/trace.json")) }
    #expect(try directory.contents().isEmpty)
  }
}
