import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite struct BatchNormalizationFoldingTests {
  private func fold(_ sample: GraphSample) throws -> Graph {
    try sample.graph.after(.batchNormalizationFolding)
  }

  @Test("after a convolution, with and without bias", arguments: [false, true])
  func convolution(_ hasBias: Bool) throws {
    var sample = GraphSample()
    let x = try sample.convolution(sample.input(), "conv", hasBias: hasBias)
    sample.output(try sample.normalization(x, "norm"))
    let graph = try fold(sample)
    #expect(graph.names == ["conv/fold", "conv"])
    #expect(
      graph.operations[0].kind
        == Operation.FoldedBatchNormalization(epsilon: 0.001, hasBias: hasBias).kind)
    #expect(graph.operations[1].inputs.dropFirst() == graph.operations[0].outputs[...])
    try expectEqualResults(sample.graph, graph)
  }

  @Test("after a dense layer")
  func dense() throws {
    var sample = GraphSample()
    let x = try sample.dense(sample.input("x", [3, 6]), "dense")
    sample.output(try sample.normalization(x, "norm"))
    let graph = try fold(sample)
    #expect(graph.names == ["dense/fold", "dense"])
    try expectEqualResults(sample.graph, graph)
  }

  @Test("with a scale that is a constant, which the folding then reads in time")
  func constantScale() throws {
    var sample = GraphSample()
    let x = try sample.convolution(sample.input(), "conv")
    let one = try sample.graph.append(Operation.Constant(1, shape: [4]), to: [], name: "one")[0]
    let shape: Shape = [4]
    let others = [.shift, .runningMean, .runningVariance].map { (kind: ParameterKind) in
      sample.graph.addParameter("norm.\(kind)", shape, kind)
    }
    sample.output(
      try sample.graph.append(
        Operation.BatchNormalization(), to: [x, one] + others, name: "norm")[0])
    let graph = try fold(sample)
    #expect(graph.names == ["one", "conv/fold", "conv"])
    try expectEqualResults(sample.graph, graph)
  }

  @Test("twice in a row: the second finds a layer as good as the first did")
  func twice() throws {
    var sample = GraphSample()
    let x = try sample.convolution(sample.input(), "conv")
    sample.output(try sample.normalization(sample.normalization(x, "first"), "second"))
    let graph = try fold(sample)
    #expect(graph.operations.count == 3)
    #expect(graph.operations.last?.name == "conv")
    try expectEqualResults(sample.graph, graph)
  }

  @Test("refused where the layer's result is read twice")
  func readTwice() throws {
    var sample = GraphSample()
    let x = try sample.convolution(sample.input(), "conv")
    let y = try sample.normalization(x, "norm")
    sample.output(try sample.add(x, y))
    #expect(try fold(sample) == sample.graph)
  }

  @Test("refused where the layer's result is a result of the graph")
  func isResult() throws {
    var sample = GraphSample()
    let x = try sample.convolution(sample.input(), "conv")
    sample.output(try sample.normalization(x, "norm"))
    sample.output(x, "x")
    #expect(try fold(sample) == sample.graph)
  }

  @Test("refused where the statistics are those of the batch")
  func trainingForm() throws {
    var sample = GraphSample()
    let x = try sample.convolution(sample.input(), "conv")
    sample.output(try sample.normalization(x, "norm", form: .training))
    #expect(try fold(sample) == sample.graph)
  }

  @Test("refused where the layer already applies an activation")
  func afterActivation() throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.convolution(sample.input(), "conv"))
    sample.output(try sample.normalization(x, "norm"))
    #expect(try fold(sample) == sample.graph)
    let fused = try sample.graph.after(.activationFusion)
    #expect(try fused.after(.batchNormalizationFolding) == fused)
  }

  @Test("refused after what is no layer, and at the beginning")
  func afterOthers() throws {
    var sample = GraphSample()
    let x = try sample.normalization(sample.input(), "first")
    let pool = Operation.MaxPooling(window: [2, 2], strides: [2, 2])
    let y = try sample.graph.append(pool, to: x, name: "pool")
    sample.output(try sample.normalization(y, "second"))
    #expect(try fold(sample) == sample.graph)
  }

  /// The graphs have the same inputs and parameters by name.
  private func expectEqualResults(_ first: Graph, _ second: Graph) throws {
    let results = try [first, second].map { graph in
      var given: [ValueID: ReferenceValue] = [:]
      for id in graph.inputs + graph.parameters {
        let seed = graph[id].name.utf8.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) }
        given[id] = ReferenceValue(.random(graph[id].shape, seed: seed, in: 0.1..<1))
      }
      let values = try ReferenceEvaluator().evaluate(graph, given: given)
      return try #require(values[graph.outputs[0].value])
    }
    #expect(relativeDifference(results[1], results[0]) < 1e-12)
  }
}
