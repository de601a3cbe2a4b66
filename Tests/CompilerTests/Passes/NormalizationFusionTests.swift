import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite struct NormalizationFusionTests {
  /// The graph after the pass, with the gradients of a loss of its output.
  private func fuse(_ sample: GraphSample, by variables: [ValueID] = []) throws -> Graph {
    var graph = try sample.graph.after(.specialization(for: .training))
    if !variables.isEmpty {
      let output = graph.outputs[0].value
      let target = graph.addInput("target", graph[output].type)
      let loss = try graph.append(
        Operation.MeanSquaredError(), to: output, target, name: "loss")
      var (longer, gradients) = try graph.differentiated(loss: loss, byInputs: variables)
      for variable in variables {
        longer.addOutput("gradient", try #require(gradients[variable]))
      }
      graph = longer
    }
    return try graph.after(.normalizationFusion)
  }

  private func form(_ name: String, in graph: Graph) throws -> Operation.BatchNormalization.Form? {
    let operation = try #require(graph.operations.first { $0.name == name })
    return (operation.attributes as? Operation.BatchNormalization)?.form
  }

  @Test(
    "a ReLU goes into the normalization before it, and its gradient into the gradient",
    arguments: [(.relu, 0), (.leakyReLU(slope: 0.2), 0.2)] as [(ActivationFunction, Float)])
  func granted(function: ActivationFunction, slope: Float) throws {
    var sample = GraphSample()
    let x = sample.input()
    sample.output(try sample.activation(sample.normalization(x, "norm"), "relu", function))
    let graph = try fuse(sample, by: [x])
    #expect(try form("norm", in: graph) == .rectifiedTraining)
    let normalization = try #require(graph.operations.first { $0.name == "norm" })
    #expect(
      (normalization.attributes as? Operation.BatchNormalization)?.negativeSlope == slope)
    #expect(
      !graph.operations.contains { ["activation", "activationGradient"].contains($0.kind.name) })
    let gradient = try #require(
      graph.operations.first { $0.kind.name == "batchNormalizationGradient" })
    #expect(gradient.inputs.count == 6)
    #expect(
      (gradient.attributes as? Operation.BatchNormalizationGradient)?.negativeSlope == slope)
  }

  @Test("without a backward pass the ReLU goes in as well")
  func forward() throws {
    var sample = GraphSample()
    sample.output(try sample.activation(sample.normalization(sample.input(), "norm")))
    let graph = try fuse(sample)
    #expect(graph.names.filter { $0 == "norm" || $0 == "relu" } == ["norm"])
  }

  @Test("refused for other activations, and where the normalized value is read elsewhere")
  func refused() throws {
    var sample = GraphSample()
    let x = sample.input()
    sample.output(try sample.activation(sample.normalization(x, "norm"), "tanh", .tanh))
    #expect(try form("norm", in: fuse(sample, by: [x])) == .training)

    sample = GraphSample()
    let y = sample.input()
    let normalized = try sample.normalization(y, "norm")
    sample.output(try sample.add(normalized, sample.activation(normalized)))
    #expect(try form("norm", in: fuse(sample, by: [y])) == .training)

    sample = GraphSample()
    let z = try sample.normalization(sample.input(), "norm")
    sample.output(try sample.activation(z))
    sample.output(z, "normalized")
    #expect(try form("norm", in: fuse(sample)) == .training)
  }

  @Test("refused in inference, where the statistics are fixed")
  func inference() throws {
    var sample = GraphSample()
    sample.output(try sample.activation(sample.normalization(sample.input(), "norm")))
    #expect(try sample.graph.after(.normalizationFusion) == sample.graph)
  }
}
