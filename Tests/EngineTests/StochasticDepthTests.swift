import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Which examples are kept is a function of seed, step, layer and place in the batch. That engine and reference agree, on any
/// number of threads and in any layout, ``OperationTests`` and ``ShardTests`` say.
@Suite struct StochasticDepthTests {
  private static let examples = 4000

  /// Examples of four ones.
  private func run(
    rate: Float, index: Int = 0, step: Int = 0, seed: UInt64 = 7, mode: Mode = .training
  ) throws -> [Float] {
    var graph = Graph(name: "stochastic depth")
    let shape: Shape = [Self.examples, 4]
    let x = graph.addInput("x", ValueType(shape))
    let y = try graph.append(
      Operation.StochasticDepth(rate: rate, index: index), to: x, name: "depth")
    graph.addOutput("y", y)
    return try #require(
      try runOnEngine(
        graph, given: [x: Tensor(repeating: Float(1), shape: shape)], mode: mode, step: step,
        seed: seed)["y"]
    ).elements
  }

  @Test(
    "an example is kept as a whole, divided so that the mean stays",
    arguments: [Float(0.2), 0.5, 0.9])
  func rows(rate: Float) throws {
    let output = try run(rate: rate)
    var kept = 0
    for example in 0..<Self.examples {
      let row = Array(output[example * 4..<(example + 1) * 4])
      #expect(row.allSatisfy { $0 == row[0] })
      // torchvision divides the mask by the share that survives.
      #expect(row[0] == 0 || row[0] == 1 / (1 - rate))
      kept += row[0] == 0 ? 0 : 1
    }
    // Four standard deviations of a binomial share.
    let deviation = (Double(rate * (1 - rate)) / Double(Self.examples)).squareRoot()
    #expect(abs(Double(kept) / Double(Self.examples) - Double(1 - rate)) < 4 * deviation)
  }

  @Test("another step, seed or layer keeps other examples, and inference keeps all")
  func keys() throws {
    let mask = try run(rate: 0.5)
    #expect(try run(rate: 0.5) == mask)
    for other in try [
      run(rate: 0.5, index: 1), run(rate: 0.5, step: 1), run(rate: 0.5, seed: 8),
    ] {
      let agreeing = zip(mask, other).count { $0 == $1 }
      #expect(abs(Double(agreeing) / Double(mask.count) - 0.5) < 0.04)
    }
    #expect(try run(rate: 0.5, mode: .inference).allSatisfy { $0 == 1 })
  }
}
