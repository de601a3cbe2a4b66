import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite struct ActivationFusionTests {
  private func fuse(_ sample: GraphSample) throws -> Graph {
    try sample.graph.after(.activationFusion)
  }

  @Test(
    "into the layer before it",
    arguments: [ActivationFunction.relu, .tanh, .leakyReLU(slope: 0.1), .gelu])
  func granted(_ function: ActivationFunction) throws {
    var sample = GraphSample()
    let x = try sample.activation(
      sample.convolution(sample.input(), "conv"), "activation", function)
    sample.output(x)
    let graph = try fuse(sample)
    #expect(graph.names == ["conv"])
    #expect(try graph.fused("conv") == [.activation(function)])
    #expect(graph.outputs.map { graph[$0.value].name } == ["activation"])
  }

  @Test("into a dense layer")
  func dense() throws {
    var sample = GraphSample()
    sample.output(try sample.activation(sample.dense(sample.input("x", [2, 6]), "dense")))
    let graph = try fuse(sample)
    #expect(graph.names == ["dense"])
    #expect(try graph.fused("dense") == [.activation(.relu)])
  }

  @Test("refused where the sum before the activation is read elsewhere, or is a result")
  func readElsewhere() throws {
    var sample = GraphSample()
    let x = try sample.convolution(sample.input(), "conv")
    sample.output(try sample.add(x, sample.activation(x)))
    #expect(try fuse(sample) == sample.graph)

    sample = GraphSample()
    let y = try sample.convolution(sample.input(), "conv")
    sample.output(try sample.activation(y))
    sample.output(y, "y before")
    #expect(try fuse(sample) == sample.graph)
  }

  @Test("a second activation is refused")
  func second() throws {
    var sample = GraphSample()
    let x = try sample.convolution(sample.input(), "conv")
    sample.output(try sample.activation(sample.activation(x, "first"), "second", .tanh))
    let graph = try fuse(sample)
    #expect(graph.names == ["conv", "second"])
    #expect(try graph.fused("conv") == [.activation(.relu)])
  }

  @Test("refused after what is no layer")
  func afterOthers() throws {
    var sample = GraphSample()
    let pool = Operation.MaxPooling(window: [2, 2], strides: [2, 2])
    let x = try sample.graph.append(pool, to: sample.input(), name: "pool")
    sample.output(try sample.activation(x))
    #expect(try fuse(sample) == sample.graph)
  }

  /// GELU's derivative needs its input, ReLU's only its result.
  @Test("in training, refused where the gradient keeps the sum before the activation")
  func training() throws {
    for (function, isFused) in [(ActivationFunction.relu, true), (.tanh, true), (.gelu, false)] {
      var sample = GraphSample()
      let x = try sample.activation(
        sample.convolution(sample.input(), "conv"), "activation", function)
      let target = sample.input("target", sample.graph[x].shape)
      let loss = try sample.graph.append(
        Operation.MeanSquaredError(), to: x, target, name: "loss")
      sample.output(loss, "loss")
      var (graph, gradients) = try sample.graph.differentiated(loss: loss)
      for (parameter, gradient) in gradients {
        graph.addOutput(graph[parameter].name, gradient)
      }
      let fused = try graph.after(.activationFusion)
      #expect(fused.names.contains("activation") == !isFused, "\(function)")
      #expect(try fused.fused("conv").isEmpty == !isFused, "\(function)")
    }
  }
}
