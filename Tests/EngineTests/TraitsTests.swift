import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// What operations say of themselves, against what the engine makes of them.
@Suite("Traits of operations on the engine") struct EngineTraitsTests {
  @Test(
    "outputs that may be computed a second time are the same bits then",
    arguments: OperationCase.all)
  func recomputation(_ operation: OperationCase) throws {
    var graph = try operation.graph()
    let inputs = graph.operations[0].inputs
    let again = try graph.append(operation.attributes, to: inputs, name: "again")
    for (index, output) in again.enumerated() { graph.addOutput("again\(index)", output) }
    let given = operation.given(in: graph)
    for mode in operation.modes {
      let results = try runOnEngine(graph, given: given, mode: mode, step: 3, seed: 7)
      for index in again.indices
      where operation.attributes.traits.recomputable.contains(index) {
        let first = try #require(results["output\(index)"])
        #expect(
          first.elements.map(\.bitPattern) == results["again\(index)"]?.elements.map(\.bitPattern))
      }
    }
  }

  @Test(
    "results depend on the step where they are random, and only there", arguments: OperationCase.all
  )
  func randomness(_ operation: OperationCase) throws {
    let graph = try operation.graph()
    let given = operation.given(in: graph)
    for mode in operation.modes {
      let results = try [1, 2].map { step in
        try #require(runOnEngine(graph, given: given, mode: mode, step: step)["output0"]).elements
      }
      let isRandom = operation.attributes.traits.isRandom
      #expect((results[0].map(\.bitPattern) != results[1].map(\.bitPattern)) == isRandom)
    }
  }

  @Test("what inference takes out returns what it is given there", arguments: OperationCase.all)
  func identity(_ operation: OperationCase) throws {
    guard operation.attributes.traits.isIdentityInInference else { return }
    let graph = try operation.graph()
    let output = try runOnEngine(graph, given: operation.given(in: graph), mode: .inference)
    #expect(output["output0"]?.elements == operation.tensors()[0].elements)
  }

  /// In the first graph nobody reads the operands after the operation, in the second they are results.
  @Test(
    "a result that takes the memory of an input has the bits of one that does not",
    arguments: OperationCase.all)
  func overwriting(_ operation: OperationCase) throws {
    for mode in operation.modes {
      var results: [[UInt32]?] = []
      for keepsOperands in [false, true] {
        var graph = Graph(name: "\(operation)")
        var given: [ValueID: Tensor] = [:]
        var operands: [ValueID] = []
        for (index, (input, tensor)) in zip(operation.inputs, operation.tensors()).enumerated() {
          let id =
            input.parameter.map { graph.addParameter("parameter\(index)", input.type.shape, $0) }
            ?? graph.addInput("input\(index)", input.type)
          given[id] = tensor
          guard input.parameter == nil, input.type.elementType == .float32 else {
            operands.append(id)
            continue
          }
          let operand = try graph.append(
            Operation.Multiply(), to: id, id, name: "operand \(index)")
          operands.append(operand)
          if keepsOperands { graph.addOutput("operand\(index)", operand) }
        }
        let output = try graph.append(operation.attributes, to: operands, name: "operation")[0]
        graph.addOutput("result", output)
        let result = try runOnEngine(graph, given: given, mode: mode)["result"]
        results.append(result?.elements.map(\.bitPattern))
      }
      #expect(results[0] != nil && results[0] == results[1])
    }
  }
}
