import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite struct ConstantFoldingTests {
  private func prepared(_ graph: Graph, for mode: Mode) throws -> [String] {
    try graph.after(.constantFolding(for: mode)).operations
      .filter { $0.phase == .preparation }.map(\.name)
  }

  /// Of parameters: a scaled kernel. Of constants: a square. Of both, and of an input.
  private func network() throws -> GraphSample {
    var sample = GraphSample()
    let x = sample.input("x", [2, 8])
    let kernel = sample.graph.addParameter("kernel", [8, 8], .kernel)
    let scaled = try sample.graph.append(
      Operation.Add(coefficients: [2]), to: kernel, name: "scaled")
    let two = try sample.graph.append(
      Operation.Constant(2, shape: [8, 8]), to: [], name: "two")[0]
    let four = try sample.graph.append(Operation.Multiply(), to: two, two, name: "four")
    let both = try sample.add(scaled, four, "both")
    sample.output(
      try sample.graph.append(Operation.Dense(hasBias: false), to: x, both, name: "dense"))
    return sample
  }

  @Test("in inference, what depends on parameters and constants only is computed once")
  func inference() throws {
    #expect(
      try prepared(network().graph, for: .inference) == ["scaled", "two", "four", "both"])
  }

  @Test("in training, what depends on constants only")
  func training() throws {
    #expect(try prepared(network().graph, for: .training) == ["two", "four"])
  }

  @Test("refused for results, and for what depends on them")
  func results() throws {
    var sample = try network()
    let scaled = try #require(sample.graph.value(named: "scaled"))
    sample.output(scaled, "scaled")
    #expect(try prepared(sample.graph, for: .inference) == ["two", "four"])
  }

  @Test("refused for what is random, and for what depends on it")
  func random() throws {
    var sample = GraphSample()
    let two = try sample.graph.append(
      Operation.Constant(2, shape: [2, 8]), to: [], name: "two")[0]
    let dropped = try sample.graph.append(
      Operation.Dropout(rate: 0.5, index: 0), to: two, name: "dropped")
    let rectified = try sample.activation(dropped)
    sample.output(try sample.add(rectified, sample.input("x", [2, 8])))
    #expect(try prepared(sample.graph, for: .training) == ["two"])
  }

  @Test("the rewriting of batch normalization is computed once")
  func foldedNormalization() throws {
    var sample = GraphSample()
    sample.output(
      try sample.normalization(sample.convolution(sample.input(), "conv"), "norm"))
    let graph = try PassPipeline(mode: .inference).run(on: sample.graph)
    #expect(graph.names == ["conv/fold", "conv"])
    #expect(graph.operations.map(\.phase) == [.preparation, .run])
  }
}
