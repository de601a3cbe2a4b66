import ConvNetCompiler
import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite struct PassPipelineTests {
  private func sample() throws -> GraphSample {
    var sample = GraphSample()
    let x = try sample.activation(
      sample.normalization(sample.convolution(sample.input(), "conv"), "norm"), "relu")
    sample.output(try sample.graph.append(Operation.Dropout(rate: 0.5, index: 0), to: x, name: "d"))
    return sample
  }

  @Test("the passes of each mode, each with a purpose")
  func passes() {
    #expect(
      PassPipeline(mode: .inference).passes.map(\.name) == [
        "specialization", "dead-value-removal", "batch-normalization-folding", "addition-fusion",
        "activation-fusion", "pooling-simplification", "shared-input-fusion", "constant-folding",
      ])
    #expect(
      PassPipeline(mode: .training).passes.map(\.name) == [
        "specialization", "dead-value-removal", "normalization-fusion", "addition-fusion",
        "activation-fusion", "recomputation", "constant-folding",
      ])
    for mode in Mode.allCases {
      #expect(PassPipeline(mode: mode).passes.allSatisfy { !$0.purpose.isEmpty })
    }
  }

  @Test("an observer is given the graph after each pass, the last being the result")
  func observer() throws {
    var seen: [(String, Graph)] = []
    let graph = try PassPipeline(mode: .inference).run(on: sample().graph) {
      seen.append(($0.name, $1))
    }
    #expect(seen.map(\.0) == PassPipeline(mode: .inference).passes.map(\.name))
    #expect(seen.last?.1 == graph)
    #expect(graph.names == ["conv/fold", "conv"])
    #expect(try graph.fused("conv") == [.activation(.relu)])
  }

  @Test("a graph that is not well formed is refused before any pass")
  func malformedInput() throws {
    var graph = try sample().graph
    graph.operations.removeFirst()
    var passes = 0
    #expect(throws: GraphError.self) {
      try PassPipeline(mode: .inference).run(on: graph) { _, _ in passes += 1 }
    }
    #expect(passes == 0)
  }

  @Test("a pass that breaks the graph is named")
  func brokenPass() throws {
    let broken: [(Pass, String)] = [
      (
        Pass(name: "forgetful", purpose: "drops the first operation") { graph in
          graph.operations.removeFirst()
        }, "after the pass forgetful: reads conv before it is made"
      ),
      (
        Pass(name: "hasty", purpose: "reverses the operations") { graph in
          graph.operations.reverse()
        }, "after the pass hasty: reads relu before it is made"
      ),
      (
        Pass(name: "doubling", purpose: "repeats the last operation") { graph in
          graph.operations += graph.operations.suffix(1)
        }, "after the pass doubling: makes d, which exists already"
      ),
      (
        Pass(name: "stretching", purpose: "changes a shape") { graph in
          graph[graph.outputs[0].value].type.shape = [1]
        }, "after the pass stretching: records [1], infers [2x4x6x6]"
      ),
    ]
    for (pass, description) in broken {
      let graph = try sample().graph
      let error = #expect(throws: GraphError.self) {
        try PassPipeline([.deadValueRemoval, pass, .activationFusion]).run(on: graph)
      }
      #expect(error.map { "\($0.problem)" } == description)
    }
  }

  @Test("running the passes again changes nothing", arguments: Mode.allCases)
  func idempotence(_ mode: Mode) throws {
    let once = try PassPipeline(mode: mode).run(on: sample().graph)
    #expect(try PassPipeline(mode: mode).run(on: once) == once)
  }
}
