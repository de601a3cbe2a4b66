import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite struct DeadValueRemovalTests {
  @Test("what no output depends on goes, with its parameters; inputs stay")
  func removal() throws {
    var sample = GraphSample()
    let x = sample.input()
    _ = sample.input("unread")
    let unused = try sample.convolution(x, "unused")
    _ = try sample.activation(unused, "unused relu")
    sample.output(try sample.convolution(x, "conv"))
    let graph = try sample.graph.after(.deadValueRemoval)
    #expect(graph.names == ["conv"])
    #expect(graph.values.map(\.name) == ["x", "unread", "conv.weight", "conv"])
    #expect(graph.outputs.map { graph[$0.value].name } == ["conv"])
  }

  @Test("an operation with one live output stays whole")
  func partlyLive() throws {
    var sample = GraphSample()
    let logits = sample.input("logits", [2, 5])
    let labels = sample.graph.addInput("labels", ValueType([2], .int32))
    let outputs = try sample.graph.append(
      Operation.CrossEntropy(), to: [logits, labels], name: "loss")
    sample.output(outputs[1], "probabilities")
    let graph = try sample.graph.after(.deadValueRemoval)
    #expect(graph == sample.graph)
  }

  @Test("updates of parameters are results, and keep what they need")
  func updates() throws {
    var sample = GraphSample()
    let x = try sample.normalization(sample.input(), "norm")
    sample.output(x)
    let training = try sample.graph.specialized(for: .training)
    let graph = try training.after(.deadValueRemoval)
    #expect(graph == training)
    var withoutUpdates = training
    withoutUpdates.parameterUpdates = []
    #expect(try withoutUpdates.after(.deadValueRemoval).names == ["norm"])
  }

  @Test("a graph without outputs becomes empty but for its inputs")
  func everything() throws {
    var sample = GraphSample()
    _ = try sample.convolution(sample.input(), "conv")
    let graph = try sample.graph.after(.deadValueRemoval)
    #expect(graph.operations.isEmpty)
    #expect(graph.values.map(\.name) == ["x"])
  }
}
