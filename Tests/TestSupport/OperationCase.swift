package import ConvNetGraphs
package import ConvNetTensors

/// One operation at one awkward shape: what the tests of the reference, of the gradients and of the
/// engine are parameterised over.
package struct OperationCase: Sendable, CustomStringConvertible {
  /// How an input is made.
  package enum Content: Sendable {
    case uniform(Range<Float>)
    /// `int32` in 0..<count.
    case classes(Int)
    /// `float32` rows with sum one.
    case distributions
  }

  package struct Input: Sendable {
    package var type: ValueType
    package var content: Content
    /// Absent for an input of the graph.
    package var parameter: ParameterKind?
    /// Whether the operation has a gradient by it.
    package var isDifferentiable: Bool

    package init(
      _ shape: Shape, _ content: Content = .uniform(-1..<1), parameter: ParameterKind? = nil,
      isDifferentiable: Bool = true
    ) {
      if case .classes = content {
        type = ValueType(shape, .int32)
      } else {
        type = ValueType(shape)
      }
      self.content = content
      self.parameter = parameter
      self.isDifferentiable = isDifferentiable
    }

    package static func kernel(_ shape: Shape) -> Input { Input(shape, parameter: .kernel) }
    package static func bias(_ count: Int) -> Input { Input([count], parameter: .bias) }
  }

  package var name: String
  package var attributes: any OperationAttributes
  package var inputs: [Input]
  /// Whether it appears in forward graphs of training and so has a gradient.
  package var hasGradient: Bool

  package init(
    _ name: String, _ attributes: any OperationAttributes, _ inputs: [Input],
    hasGradient: Bool = true
  ) {
    self.name = name
    self.attributes = attributes
    self.inputs = inputs
    self.hasGradient = hasGradient
  }

  package var description: String { "\(attributes.kind.name): \(name)" }

  package static let all: [OperationCase] =
    convolutions + transposedConvolutions + dense + poolings + normalizations + elementwise
    + movements + losses + general

  /// The cases that have a gradient.
  package static var differentiable: [OperationCase] { all.filter(\.hasGradient) }
}

extension OperationCase {
  /// The graph of the operation alone. Its values begin with the operation's inputs, in order; its
  /// outputs are the operation's.
  package func graph() throws -> Graph {
    var graph = Graph(name: description)
    let outputs = try append(to: &graph)
    for (index, output) in outputs.enumerated() { graph.addOutput("output\(index)", output) }
    return graph
  }

  private func append(to graph: inout Graph) throws -> [ValueID] {
    let ids = inputs.enumerated().map { index, input in
      input.parameter.map { graph.addParameter("parameter\(index)", input.type.shape, $0) }
        ?? graph.addInput("input\(index)", input.type)
    }
    return try graph.append(attributes, to: ids, name: "operation")
  }

  /// A graph whose scalar loss depends on every element of the operation's first output: its mean
  /// squared difference from a target, which is one more input after the operation's.
  package struct Training {
    package var graph: Graph
    package var loss: ValueID
    package var target: ValueID
    /// The operation's inputs that it has a gradient by.
    package var variables: [ValueID]
  }

  package func training() throws -> Training {
    var graph = Graph(name: description)
    let output = try append(to: &graph)[0]
    let target = graph.addInput("target", graph[output].type)
    let loss = try graph.append(Operation.MeanSquaredError(), to: output, target, name: "loss")
    graph.addOutput("loss", loss)
    let variables = zip(graph.valueIDs, inputs).filter(\.1.isDifferentiable).map(\.0)
    return Training(graph: graph, loss: loss, target: target, variables: variables)
  }

  /// The operation's inputs, in order: a function of the seed.
  package func tensors(seed: UInt64 = 1) -> [Tensor] {
    inputs.enumerated().map { index, input in
      let seed = seed &* 1000 &+ UInt64(index)
      let shape = input.type.shape
      switch input.content {
      case .uniform(let range): return .random(shape, seed: seed, in: range)
      case .classes(let count): return .randomClasses(count, examples: shape.count, seed: seed)
      case .distributions: return .randomDistributions(shape, seed: seed)
      }
    }
  }

  /// The tensors by the values of ``graph()`` or of ``training()``, the target included.
  package func given(in graph: Graph, seed: UInt64 = 1) -> [ValueID: Tensor] {
    var given = Dictionary(uniqueKeysWithValues: zip(graph.valueIDs, tensors(seed: seed)))
    if let target = graph.value(named: "target") {
      given[target] = .random(graph[target].shape, seed: seed &* 1000 &+ 999)
    }
    return given
  }
}
