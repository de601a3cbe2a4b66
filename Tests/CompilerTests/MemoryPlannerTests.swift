import ConvNetCompiler
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite struct MemoryPlannerTests {
  private typealias Request = MemoryPlanner.Request

  private func expect(
    _ plan: MemoryPlanner.Placement, offsets: [Int], byteCount: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(plan.offsets == offsets, sourceLocation: sourceLocation)
    #expect(plan.byteCount == byteCount, sourceLocation: sourceLocation)
  }

  @Test("nothing needs nothing")
  func empty() {
    expect(MemoryPlanner.plan([]), offsets: [], byteCount: 0)
    expect(
      MemoryPlanner.plan([Request(byteCount: 0, lifetime: 0...5)]), offsets: [0], byteCount: 0)
  }

  @Test("sizes are rounded up to cache lines")
  func alignment() {
    let plan = MemoryPlanner.plan([
      Request(byteCount: 1, lifetime: 0...1), Request(byteCount: 65, lifetime: 0...1),
      Request(byteCount: 64, lifetime: 0...1),
    ])
    expect(plan, offsets: [192, 0, 128], byteCount: 256)
  }

  @Test("buffers that are alive in turn share memory; both ends of a life count")
  func turns() {
    let inTurn = MemoryPlanner.plan([
      Request(byteCount: 128, lifetime: 0...1), Request(byteCount: 64, lifetime: 2...3),
    ])
    expect(inTurn, offsets: [0, 0], byteCount: 128)
    let touching = MemoryPlanner.plan([
      Request(byteCount: 128, lifetime: 0...1), Request(byteCount: 64, lifetime: 1...2),
    ])
    expect(touching, offsets: [0, 128], byteCount: 192)
  }

  @Test("a chain of layers alternates between two places")
  func chain() {
    let plan = MemoryPlanner.plan(
      (0..<6).map { Request(byteCount: 640, lifetime: $0...$0 + 1) })
    expect(plan, offsets: [0, 640, 0, 640, 0, 640], byteCount: 1280)
  }

  /// The input lives through the run; the convolution's result is overwritten by its activation;
  /// the scratch memory of one step and the pooled result fit beside it.
  @Test("convolution, activation in place, pooling")
  func convolutionActivationPooling() {
    let plan = MemoryPlanner.plan([
      Request(byteCount: 3072, lifetime: 0...3),  // input
      Request(byteCount: 512, lifetime: 0...0),  // scratch of the convolution
      Request(byteCount: 8192, lifetime: 0...2),  // convolution and activation
      Request(byteCount: 2048, lifetime: 2...3),  // pooled, an output
    ])
    expect(plan, offsets: [8192, 11264, 0, 11264], byteCount: 13312)
  }

  @Test("a gap between two buffers is used where it is large enough")
  func gaps() {
    // The middle one ends first, and leaves a gap of 256 bytes.
    let requests = [
      Request(byteCount: 320, lifetime: 0...9), Request(byteCount: 256, lifetime: 0...4),
      Request(byteCount: 192, lifetime: 0...9), Request(byteCount: 128, lifetime: 5...9),
      Request(byteCount: 128, lifetime: 6...9), Request(byteCount: 64, lifetime: 7...9),
    ]
    let plan = MemoryPlanner.plan(requests)
    expect(plan, offsets: [0, 320, 576, 320, 448, 768], byteCount: 832)
  }

  /// What is alive at some moment must be in the arena at once.
  private func lowerBound(_ requests: [Request]) -> Int {
    let end = requests.map(\.lifetime.upperBound).max() ?? 0
    return (0...end).map { step in
      requests.filter { $0.lifetime.contains(step) }
        .reduce(0) { $0 + ($1.byteCount + 63) / 64 * 64 }
    }.max() ?? 0
  }

  private func expectValid(_ requests: [Request], _ plan: MemoryPlanner.Placement) {
    #expect(plan.offsets.count == requests.count)
    for (index, request) in requests.enumerated() where request.byteCount > 0 {
      let range = plan.offsets[index]..<plan.offsets[index] + request.byteCount
      #expect(range.lowerBound % MemoryPlanner.alignment == 0)
      #expect(range.upperBound <= plan.byteCount)
      for other in requests.indices.dropFirst(index + 1)
      where requests[other].byteCount > 0 && requests[other].lifetime.overlaps(request.lifetime) {
        let second = plan.offsets[other]..<plan.offsets[other] + requests[other].byteCount
        #expect(!range.overlaps(second), "\(request) at \(range), \(requests[other]) at \(second)")
      }
    }
  }

  @Test("random buffers never overlap, and the arena is near the least that is possible")
  func randomRequests() {
    var numbers = RandomNumbers(RandomKey(seed: 1, purpose: .input))
    var planned = 0
    var needed = 0
    for _ in 0..<200 {
      let requests = (0..<Int.random(in: 1...60, using: &numbers)).map { _ in
        let start = Int.random(in: 0...40, using: &numbers)
        return Request(
          byteCount: Int.random(in: 0...4096, using: &numbers),
          lifetime: start...start + Int.random(in: 0...10, using: &numbers))
      }
      let plan = MemoryPlanner.plan(requests)
      expectValid(requests, plan)
      let bound = lowerBound(requests)
      #expect(plan.byteCount >= bound)
      #expect(Double(plan.byteCount) <= 1.5 * Double(bound))
      planned += plan.byteCount
      needed += bound
    }
    #expect(Double(planned) <= 1.1 * Double(needed))
  }

  @Test("a training step, whose values live from forward to backward, needs no more than it must")
  func trainingStep() {
    let layers = 20
    let end = 2 * layers
    let requests = (0..<layers).flatMap { layer -> [Request] in
      let byteCount = 4096 >> (layer / 5)
      let backward = end - layer
      // A value kept from its making to the backward operation that reads it, and its gradient.
      return [
        Request(byteCount: byteCount, lifetime: layer...backward),
        Request(byteCount: byteCount, lifetime: backward...min(end, backward + 1)),
      ]
    }
    let plan = MemoryPlanner.plan(requests)
    expectValid(requests, plan)
    #expect(Double(plan.byteCount) <= 1.05 * Double(lowerBound(requests)))
  }
}
