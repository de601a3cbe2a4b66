import CKernels
import ConvNetEngine
import ConvNetFiles
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Synchronization
import Testing

/// Threads that wait for each other spin where processors are free, and sleep where others want them.
@Suite struct WaitTests {
  /// What is decided after looks that found such shares of the time spent waiting for a processor.
  private func decisions(_ shares: [Double], _ judge: inout ck_wait_judge) -> [Bool] {
    shares.map { ck_judge_waits(&judge, $0) }
  }

  @Test("waits are short while threads wait for processors, and for a while after")
  func judgement() {
    var judge = ck_wait_judge()
    // A moment is no other program.
    #expect(decisions([0, 0.02, 0.3, 0, 0.1, 0, 0.01], &judge).allSatisfy { !$0 })
    #expect(decisions([0.5, 0.5, 0.5], &judge).last == true)
    // Neither much nor little.
    #expect(decisions([Double](repeating: 0.1, count: 100), &judge).allSatisfy { $0 })
    let quiet = decisions([Double](repeating: 0.005, count: 60), &judge)
    #expect(quiet.prefix(40).allSatisfy { $0 } && quiet.last == false)
    #expect(decisions([Double](repeating: 0.1, count: 100), &judge).allSatisfy { !$0 })
  }

  @Test("short waits last while something wants the processors now and then")
  func nowAndThen() {
    var judge = ck_wait_judge()
    _ = decisions([0.5, 0.5, 0.5], &judge)
    for _ in 0..<10 {
      let shares = [0.4] + [Double](repeating: 0, count: 30)
      #expect(decisions(shares, &judge).allSatisfy { $0 })
    }
  }

  #if os(Linux)
    private final class Flag: Sendable {
      let value = Atomic(true)
    }

    private static let isToldHow = ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME"].contains {
      ProcessInfo.processInfo.environment[$0] != nil
    }

    @Test(
      "runs beside threads that want every processor come to have short waits",
      .disabled(if: isToldHow, "the environment says how threads wait"))
    func busyMachine() throws {
      let goesOn = Flag()
      for _ in 0...Threads.available {
        Thread.detachNewThread { while goesOn.value.load(ordering: .relaxed) {} }
      }
      defer { goesOn.value.store(false, ordering: .relaxed) }
      let network = try SmallNetwork(batch: 3, extent: 32)
      var executable = try Executable(
        network.graph, parameters: network.parameters,
        options: CompilationOptions(inputFormat: .channelsFirst, threads: 2))
      let images = Tensor.random([3, 3, 32, 32], seed: 1, in: -1..<1)
      let expected = try executable.run(["images": images])
      let deadline = ContinuousClock.now + .seconds(60)
      while !ck_waits_are_short(), ContinuousClock.now < deadline {
        #expect(try executable.run(["images": images]) == expected)
      }
      #expect(ck_waits_are_short())
      #expect(try executable.run(["images": images]) == expected)
    }
  #endif
}
