import ConvNetEngine
import ConvNetEvaluation
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTraining
import Foundation
import Synchronization
import Testing

@Suite("Gradients are summed while the backward pass goes on") struct GradientBucketTests {
  /// A group of one, which notes what is asked of it; sums take so many looks at them.
  private final class Recorder: ProcessGroup {
    let (rank, count, sumsBesideWork) = (0, 1, true)
    let looks: Int
    let counts = Mutex<[Int]>([])

    init(looks: Int = 0) { self.looks = looks }

    func sum(_ values: UnsafeMutableBufferPointer<Float>) {}
    func sum(_ values: UnsafeMutableBufferPointer<Double>) {}
    func gather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }

    func startSum(_ values: UnsafeMutableBufferPointer<Float>) -> any SumInProgress {
      counts.withLock { $0.append(values.count) }
      return Looked(looks)
    }

    private final class Looked: SumInProgress {
      private var left: Int
      init(_ left: Int) { self.left = left }
      func advance() -> Bool {
        left -= 1
        return left < 0
      }
      func wait() {}
    }

    var all: [Int] { counts.withLock { $0 } }
  }

  private static func withMemory(
    _ counts: [Int], _ body: ([UnsafeMutableBufferPointer<Float>]) throws -> Void
  ) rethrows {
    let memory = counts.map { UnsafeMutableBufferPointer<Float>.allocate(capacity: $0) }
    defer { for memory in memory { memory.deallocate() } }
    for values in memory { values.initialize(repeating: 3) }
    try body(memory)
  }

  private static let counts = [10, 70_000, 20, 80_000, 90_000]

  @Test(
    "a bucket begins when its last gradient is there, in an order that does not depend on when that is"
  )
  func beginnings() throws {
    let group = Recorder()
    let buckets = GradientBuckets(group, counts: Self.counts)
    try Self.withMemory(Self.counts) { memory in
      buckets.begin(memory, share: 0.5, endings: [9, 6, 5, 3, 4])
      var begun: [Int] = []
      for step in 0..<9 {
        buckets.stepEnded(step)
        begun.append(group.all.count)
      }
      // That of step 3 waits for the one before it, which ends with step 4.
      #expect(begun == [0, 0, 0, 0, 2, 2, 3, 3, 3])
      buckets.stepEnded(9)
      #expect(group.all == [90_000, 80_000, 70_000, 30])
      try buckets.finish()
      for values in memory { #expect(values.allSatisfy { $0 == 1.5 }) }
    }
  }

  @Test("what is not known to be there waits for the end", arguments: [0, 1, 5])
  func ends(looks: Int) throws {
    let group = Recorder(looks: looks)
    let buckets = GradientBuckets(group, counts: Self.counts)
    for endings in [[], [nil, nil, nil, nil, nil], [1, 1, 1, 1, nil]] as [[Int?]] {
      try Self.withMemory(Self.counts) { memory in
        buckets.begin(memory, share: 0.5, endings: endings)
        let before = group.all.count
        for step in 0..<5 { buckets.stepEnded(step) }
        #expect(group.all.count == before)
        try buckets.finish()
        #expect(group.all.suffix(4) == [90_000, 80_000, 70_000, 30])
        for values in memory { #expect(values.allSatisfy { $0 == 1.5 }) }
      }
    }
    try Self.withMemory(Self.counts) { memory in
      buckets.begin(memory, share: 0.5, endings: [1, nil, 1, 1, 1])
      let before = group.all.count
      buckets.stepEnded(1)
      #expect(group.all.count == before + 2)
      try buckets.finish()
      for values in memory { #expect(values.allSatisfy { $0 == 1.5 }) }
    }
  }

  @Test("after the step that a network names, no later one touches a gradient", arguments: [1, 2])
  func endings(threads: Int) throws {
    let network = Network("residual", input: .image(height: 16, width: 16, channels: 3)) {
      Conv2D(16, kernel: 3, padding: .same)
      BatchNorm()
      ReLU()
      Residual {
        Conv2D(16, kernel: 3, padding: .same)
        BatchNorm()
        ReLU()
        Conv2D(16, kernel: 3, padding: .same)
      }
      GlobalPool.average
      Dense(3)
    }
    let trainer = Trainer(
      optimizer: .sgd(momentum: 0.9), schedule: .constant(0.1),
      compute: ComputeOptions(threads: threads))
    let step = try TrainingSession(Model(network, seed: 3), trainer: trainer).step(batch: 6)
    let names = step.executable.outputNames.filter { $0.contains("weight") || $0.contains("bias") }
    #expect(names.count > 6)
    let endings = try names.map { try step.executable.lastStep(using: $0) }
    guard step.executable.shardCount == 1 else {
      #expect(endings.allSatisfy { $0 == nil } && threads > 1)
      return
    }
    let last = step.executable.steps.count - 1
    #expect(endings.compactMap(\.self).count == names.count)
    #expect(endings.compactMap(\.self).filter { $0 < last * 3 / 4 }.count > 1)
    let memory = try names.map { try step.executable.withUnsafeOutput($0) { $0 } }
    var copies = [[Float]](repeating: [], count: names.count)
    var ended: [Int] = []
    try step.run(step: 0, seed: 1) { number in
      ended.append(number)
      for (place, ending) in endings.enumerated() where ending == number {
        copies[place] = Array(memory[place])
      }
    }
    #expect(ended == Array(0...last))
    for (place, name) in names.enumerated() {
      #expect(copies[place] == Array(memory[place]) && !copies[place].isEmpty, "\(name)")
    }
  }
}
