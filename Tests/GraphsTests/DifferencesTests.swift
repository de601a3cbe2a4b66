import ConvNetGraphs
import ConvNetTensors
import Testing

@Suite("Differences of graphs") struct DifferencesTests {
  /// Two convolutions and an activation after each, perhaps with a sum at the end.
  private func graph(
    strides: [Int] = [1, 1], function: ActivationFunction = .relu, isResidual: Bool = false
  ) throws -> Graph {
    var graph = Graph(name: "g")
    let input = graph.addInput("x", ValueType([1, 2, 4, 4]))
    var value = input
    for (name, strides) in [("a", strides), ("b", [1, 1])] {
      let kernel = graph.addParameter("\(name).weight", [2, 2, 1, 1], .kernel)
      value = try graph.append(
        Operation.Convolution(strides: strides, hasBias: false), to: value, kernel, name: name)
      value = try graph.append(
        Operation.Activation(function), to: value, name: "\(function)\(name)")
    }
    if isResidual { value = try graph.append(Operation.Add(), to: value, value, name: "sum") }
    graph.addOutput("y", value)
    return graph
  }

  @Test("a graph does not differ from itself, nor from one with another name")
  func same() throws {
    var other = try graph()
    other.name = "other"
    #expect(try graph().differences(from: other).isEmpty)
  }

  @Test("an attribute is named with both values and the operations that have it")
  func attribute() throws {
    let differences = try graph(strides: [2, 2]).differences(from: graph())
    #expect(differences.map(\.description) == ["strides [2, 2] instead of [1, 1] in a"])
    #expect(differences.first?.operations == ["a"] && differences.first?.isGeneral == false)
    let back = try graph().differences(from: graph(strides: [2, 2]))
    #expect(back.map(\.description) == ["strides [1, 1] instead of [2, 2] in a"])
  }

  @Test("operations of other names are compared in their order, those of one side counted")
  func operations() throws {
    let functions = try graph(function: .tanh).differences(from: graph())
    #expect(
      functions.map(\.description) == ["function tanh instead of relu in every activation"])
    let sums = try graph().differences(from: graph(isResidual: true))
    #expect(sums.map(\.description) == ["0 instead of 1 adds"])
  }

  @Test("a sentence names a place once")
  func sentence() throws {
    func difference(_ attribute: String, _ kind: String = "pooling") -> GraphDifference {
      GraphDifference(
        kind: kind, attribute: attribute, own: "1", other: "2", operations: ["p", "q"],
        isGeneral: true)
    }
    #expect(
      [difference("a"), difference("bC"), difference("d", "add")].summary
        == "a 1 instead of 2, b c 1 instead of 2 in every pooling, d 1 instead of 2 in every add")
  }
}
