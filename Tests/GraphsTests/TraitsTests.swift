import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// What operations say of themselves, against what the reference makes of them.
@Suite("Traits of operations") struct TraitsTests {
  /// The operation, and where it has a gradient also a loss and the whole backward pass.
  private func graph(_ operation: OperationCase) throws -> Graph {
    guard operation.hasGradient else { return try operation.graph() }
    let training = try operation.training()
    return try training.graph.differentiated(
      loss: training.loss,
      byInputs: training.variables.filter { training.graph[$0].source == .input }
    ).graph
  }

  @Test(
    "every value of a batch comes from those of single examples as its role says",
    arguments: OperationCase.all)
  func batchRoles(_ operation: OperationCase) throws {
    let graph = try graph(operation)
    let batches = Set(graph.inputs.map { graph[$0].shape.dimensions.first ?? 0 })
    // Operations on parameters alone, and examples that do not stay together.
    guard batches.count == 1, let batch = batches.first, batch > 1,
      let single = try? graph.batched(1)
    else { return }
    let given = operation.given(in: graph).mapValues { ReferenceValue($0) }
    let evaluator = ReferenceEvaluator()
    let whole = try evaluator.evaluate(graph, given: given)
    let parts = try (0..<batch).map { example in
      let part = given.map { id, value in
        (id, graph[id].source == .input ? value.example(example) : value)
      }
      return try evaluator.evaluate(single, given: Dictionary(uniqueKeysWithValues: part))
    }
    // Places of maxima, bytes or integers, the reference counts through the whole batch.
    for (id, role) in graph.batchRoles
    where graph[id].source == .operation && graph[id].type.elementType == .float32 {
      let expected = try #require(whole[id])
      let values = try parts.map { try #require($0[id]).elements }
      let joined = values.flatMap { $0 }
      let actual: [Double]
      switch role {
      case .fixed: actual = values[0]
      case .example: actual = joined
      case .share: actual = joined.map { $0 / Double(batch) }
      case .mean:
        actual = values[0].indices.map { place in
          values.reduce(0) { $0 + $1[place] } / Double(batch)
        }
      }
      // Gradients of the reference are differences.
      let difference = relativeDifference(actual, expected.elements)
      #expect(difference < 1e-6, "\(graph[id].name): \(role)")
    }
  }

  /// Twice an input is twice the result: bit for bit, but for the differences that the reference takes gradients by.
  @Test("operations are linear in the inputs that they say", arguments: OperationCase.all)
  func linearity(_ operation: OperationCase) throws {
    let graph = try graph(operation)
    let values = try ReferenceEvaluator().evaluate(
      graph, given: operation.given(in: graph).mapValues { ReferenceValue($0) })
    for operation in graph.operations {
      guard case .separately(let linear) = operation.attributes.traits.batch else { continue }
      let inputs = try operation.inputs.map { try #require(values[$0]) }
      let places: [[Int]] =
        switch linear {
        case .inNone: []
        case .inEach(let places): places.map { [$0] }
        case .inAll: [Array(inputs.indices)]
        }
      for doubled in places {
        let changed = inputs.indices.map { index in
          doubled.contains(index)
            ? ReferenceValue(inputs[index].elements.map { 2 * $0 }, shape: inputs[index].shape)
            : inputs[index]
        }
        let result = try ReferenceEvaluator().evaluate(
          operation.kind, changed, outputs: operation.outputs.map { graph[$0].shape })[0]
        let expected = try #require(values[operation.outputs[0]]).elements.map { 2 * $0 }
        #expect(relativeDifference(result.elements, expected) < 1e-6, "\(operation.name)")
      }
    }
  }

  @Test("operations of the backward pass alone are those that say so", arguments: OperationCase.all)
  func gradients(_ operation: OperationCase) throws {
    for operation in try graph(operation).operations {
      #expect(operation.attributes.traits.isGradient == operation.kind.name.hasSuffix("Gradient"))
    }
  }

  @Test("roles are refused to what needs the whole batch")
  func refusedRoles() throws {
    var graph = Graph(name: "refused")
    let x = graph.addInput("x", ValueType([4, 3]))
    let turned = try graph.append(Operation.Transpose(permutation: [1, 0]), to: x, name: "turned")
    let cut = try graph.append(Operation.Slice(axis: 0, start: 0, count: 2), to: x, name: "cut")
    let after = try graph.append(Operation.Activation(.relu), to: cut, name: "after")
    let constant = try graph.append(Operation.Constant(1, shape: [4, 3]), to: [], name: "ones")[0]
    let square = try graph.append(Operation.Multiply(), to: x, x, name: "square")
    let roles = graph.batchRoles
    #expect([turned, cut, after, constant].allSatisfy { roles[$0] == nil })
    #expect(roles[square] == .example && roles[x] == .example)
  }
}
