import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// The reference that every other test trusts, against PyTorch.
@Suite struct ReferenceTests {
  @Test("the reference's outputs and gradients equal PyTorch's")
  func agreesWithPyTorch() throws {
    let fixtures = try OperationFixture.load()
    #expect(fixtures.count > 80)
    for fixture in fixtures {
      let (graph, outputs, loss) = try fixture.graph()
      try graph.verify()
      let given = fixture.given(in: graph).mapValues { ReferenceValue($0) }
      let evaluator = ReferenceEvaluator()
      let values = try evaluator.evaluate(graph, given: given)
      for (id, expected) in zip(outputs, fixture.outputs) {
        let difference = try relativeDifference(#require(values[id]), expected)
        #expect(difference < 1e-6, "\(fixture)")
      }
      guard let loss else { continue }
      for (id, expected) in zip(graph.valueIDs, fixture.gradients) {
        guard let expected else { continue }
        let gradient = try evaluator.numericalGradient(
          of: graph, loss: loss, by: id, given: given)
        let difference = relativeDifference(gradient, expected)
        #expect(difference < 1e-5, "\(fixture), by \(graph[id].name)")
      }
    }
  }

  @Test("dropout takes its mask from outside and divides what it keeps")
  func dropoutMask() throws {
    let evaluator = ReferenceEvaluator { dropout, element in dropout.index == 4 && element % 2 == 0
    }
    let input = ReferenceValue([1, 2, 3, 4], shape: [1, 4])
    let kept = try evaluator.evaluate(
      Operation.Dropout(rate: 0.75, index: 4).kind, [input], outputs: [[1, 4]])
    #expect(kept == [ReferenceValue([4, 0, 12, 0], shape: [1, 4])])
  }

  @Test("the relative difference sees what is not a number, and a missing element")
  func relativeDifferences() {
    #expect(relativeDifference([1, 2.5], [1, 2]) == 0.25)
    #expect(relativeDifference([Double.nan, 2], [1, 2]) == .infinity)
    #expect(relativeDifference([1.0], [1, 2]) == .infinity)
  }
}
