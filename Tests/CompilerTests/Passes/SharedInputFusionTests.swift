import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite struct SharedInputFusionTests {
  /// Convolutions of one value by 1x1 kernels, each followed by a reader of its own.
  private func sample(
    _ channels: [Int], extents: [Int] = [1, 1], isJoined: Bool = false
  ) throws -> Graph {
    var sample = GraphSample()
    let x = sample.input("x", [2, 16, 6, 6])
    var results: [ValueID] = []
    for (index, (count, extent)) in zip(channels, extents).enumerated() {
      let kernel = sample.graph.addParameter(
        "\(index).weight", [count, 16, extent, extent], .kernel)
      let bias = sample.graph.addParameter("\(index).bias", [count], .bias)
      let attributes = Operation.Convolution(strides: [1, 1], padding: .same)
      results.append(
        try sample.graph.append(attributes, to: [x, kernel, bias], name: "\(index)")[0])
    }
    if isJoined {
      sample.output(
        try sample.graph.append(Operation.Concatenate(), to: results, name: "joined")[0])
    } else {
      for (index, result) in results.enumerated() {
        sample.output(try sample.activation(result, "relu \(index)"), "y\(index)")
      }
    }
    return sample.graph
  }

  @Test("kernels and biases are joined in order, and each branch reads its slice")
  func granted() throws {
    let graph = try sample([16, 48]).after(.sharedInputFusion)
    #expect(
      graph.names == [
        "0+1/joined kernel", "0+1/joined bias", "0+1", "0", "1", "relu 0", "relu 1",
      ])
    #expect(graph[graph.operations[2].outputs[0]].shape == [2, 64, 6, 6])
    #expect(graph.operations[0].inputs.map { graph[$0].name } == ["0.weight", "1.weight"])
    let slices = graph.operations[3...4].map(\.kind)
    #expect(
      slices == [
        Operation.Slice(axis: 1, start: 0, count: 16).kind,
        Operation.Slice(axis: 1, start: 16, count: 48).kind,
      ])
  }

  @Test("kernels that a normalization was folded into are computed before")
  func folded() throws {
    var sample = GraphSample()
    let x = sample.input("x", [2, 16, 6, 6])
    for name in ["a", "b"] {
      let kernel = sample.graph.addParameter("\(name).weight", [16, 16, 1, 1], .kernel)
      let sum = try sample.graph.append(
        Operation.Convolution(strides: [1, 1], hasBias: false), to: [x, kernel], name: name)[0]
      let normalized = try sample.normalization(sum, "\(name).bn")
      sample.output(
        try sample.activation(try sample.activation(normalized), "tanh", .tanh), "\(name).y")
    }
    let graph = try PassPipeline(mode: .inference).run(on: sample.graph)
    #expect(
      graph.names.filter { $0.contains("+") } == [
        "a+b/joined kernel", "a+b/joined bias", "a+b",
      ])
    #expect(graph.operations.filter { $0.phase == .preparation }.count == 4)
    #expect(try graph.fused("a+b") == [.activation(.relu)])
  }

  @Test(
    "refused for other windows, for parts of blocks, and before a concatenation",
    arguments: [
      ([16, 16], [1, 3], false), ([16, 24], [1, 1], false), ([16, 16], [1, 1], true),
    ])
  func refused(channels: [Int], extents: [Int], isJoined: Bool) throws {
    let graph = try sample(channels, extents: extents, isJoined: isJoined)
    #expect(try graph.after(.sharedInputFusion) == graph)
  }
}
