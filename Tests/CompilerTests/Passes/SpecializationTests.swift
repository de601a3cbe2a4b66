import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite struct SpecializationTests {
  private func network(
    _ variance: Operation.BatchNormalization.VarianceEstimate = .population
  ) throws -> GraphSample {
    var sample = GraphSample()
    let x = try sample.convolution(sample.input(), "conv")
    let normalized = try sample.normalization(x, "norm", runningVariance: variance)
    let dropped = try sample.graph.append(
      Operation.Dropout(rate: 0.5, index: 0), to: normalized, name: "dropout")
    sample.graph.addOutput("side", normalized, auxiliaryWeight: 0.3)
    sample.output(try sample.activation(dropped))
    return sample
  }

  @Test("inference has no dropout, auxiliary outputs or updates")
  func inference() throws {
    let graph = try network().graph.after(.specialization(for: .inference))
    #expect(graph.outputs.map(\.name) == ["y"])
    #expect(graph.parameterUpdates.isEmpty)
    let relu = try #require(graph.operations.last)
    let norm = try #require(graph.operations.first { $0.name == "norm" })
    #expect(relu.inputs == norm.outputs)
    #expect(try graph.after(.deadValueRemoval).names == ["conv", "norm", "relu"])
  }

  @Test("dropout of an output itself leaves the output")
  func outputDropout() throws {
    var sample = GraphSample()
    let x = try sample.activation(sample.input())
    sample.output(
      try sample.graph.append(Operation.Dropout(rate: 0.1, index: 0), to: x, name: "dropout"))
    let graph = try sample.graph.after(.specialization(for: .inference))
    #expect(graph.outputs.map(\.value) == [x])
  }

  @Test("training has batch statistics, and moving averages that take them")
  func training() throws {
    let graph = try network().graph.after(.specialization(for: .training))
    #expect(graph.outputs.map(\.name) == ["side", "y"])
    #expect(graph.names.contains("dropout"))
    let norm = try #require(graph.operations.first { $0.name == "norm" })
    guard let attributes = norm.attributes as? Operation.BatchNormalization else {
      Issue.record("norm is \(norm.kind.name)")
      return
    }
    #expect(attributes.form == .training)
    #expect(norm.outputs.count == 3)
    #expect(
      graph.parameterUpdates.map { graph[$0.parameter].name }
        == ["norm.runningMean", "norm.runningVariance"])
    for (update, statistic) in zip(graph.parameterUpdates, norm.outputs.dropFirst()) {
      let average = try #require(graph.operations.first { $0.outputs == [update.value] })
      #expect(average.kind == Operation.MovingAverage(momentum: 0.9, correction: 1).kind)
      #expect(average.inputs == [update.parameter, statistic])
    }
  }

  @Test("a sample variance is corrected by m / (m - 1), the mean is not")
  func sampleVariance() throws {
    let graph = try network(.sample).graph.after(.specialization(for: .training))
    let corrections = graph.operations.compactMap { operation -> Float? in
      guard let average = operation.attributes as? Operation.MovingAverage else { return nil }
      return average.correction
    }
    // Two pictures of six by six.
    #expect(corrections == [1, 72.0 / 71])
  }

  @Test("one sample has no sample variance: its average is not corrected")
  func oneSample() throws {
    var sample = GraphSample()
    let x = sample.input("x", [1, 3])
    sample.output(try sample.normalization(x, "norm", runningVariance: .sample))
    let graph = try sample.graph.after(.specialization(for: .training))
    #expect(
      graph.operations.filter { $0.kind.name == Operation.MovingAverage.name }.map(\.kind)
        == [Operation.MovingAverage(momentum: 0.9, correction: 1).kind].flatMap { [$0, $0] })
  }

  @Test("a graph in its form stays as it is", arguments: Mode.allCases)
  func idempotence(_ mode: Mode) throws {
    let once = try network().graph.specialized(for: mode)
    #expect(try once.specialized(for: mode) == once)
  }
}
