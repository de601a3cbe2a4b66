import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite struct GradientTests {
  /// The backward operations are evaluated from their definitions, so this shows that the gradient
  /// asks for the right ones, with the right attributes and inputs.
  @Test(
    "the appended backward operations compute the numerical gradient",
    arguments: OperationCase.differentiable)
  func numericalGradient(_ operation: OperationCase) throws {
    let training = try operation.training()
    let (graph, gradients) = try training.graph.differentiated(
      loss: training.loss,
      byInputs: training.variables.filter { training.graph[$0].source == .input })
    try graph.verify()
    let given = operation.given(in: training.graph).mapValues { ReferenceValue($0) }
    let evaluator = ReferenceEvaluator { _, element in element % 3 != 0 }
    let values = try evaluator.evaluate(graph, given: given)
    #expect(gradients.count == training.variables.count)
    for variable in training.variables {
      let actual = try #require(gradients[variable].flatMap { values[$0] })
      let expected = try evaluator.numericalGradient(
        of: training.graph, loss: training.loss, by: variable, given: given)
      let difference = relativeDifference(actual, expected)
      #expect(difference < 1e-6, "by \(graph[variable].name)")
    }
  }

  @Test("the contributions of two uses of a value are added")
  func accumulation() throws {
    var graph = Graph(name: "square plus twice")
    let x = graph.addInput("x", ValueType([2, 3]))
    let target = graph.addInput("target", ValueType([2, 3]))
    let square = try graph.append(Operation.Multiply(), to: x, x, name: "square")
    let twice = try graph.append(Operation.Add(coefficients: [1, 2]), to: square, x, name: "sum")
    let loss = try graph.append(Operation.MeanSquaredError(), to: twice, target, name: "loss")
    let (longer, gradients) = try graph.differentiated(loss: loss, byInputs: [x])
    let gradient = try #require(gradients[x])
    let sum = try #require(longer.operations.last)
    #expect(sum.kind == Operation.Add().kind)
    #expect(sum.inputs.count == 3)
    #expect(sum.outputs == [gradient])

    let point: [Double] = [1, -2, 3, 0, 0.5, 2]
    let given = [
      x: ReferenceValue(point, shape: [2, 3]), target: ReferenceValue(zeros: [2, 3]),
    ]
    let values = try ReferenceEvaluator().evaluate(longer, given: given)
    // d/dx of (x^2 + 2x)^2 / 6
    let expected = point.map { (x: Double) -> Double in (x * x + 2 * x) * (2 * x + 2) / 3 }
    #expect(try relativeDifference(#require(values[gradient]).elements, expected) < 1e-8)
  }

  @Test("nothing is appended for what needs no gradient")
  func onlyWhatIsNeeded() throws {
    var graph = Graph(name: "two layers")
    let x = graph.addInput("x", ValueType([2, 4]))
    let labels = graph.addInput("labels", ValueType([2], .int32))
    let first = graph.addParameter("first", [5, 4], .kernel)
    let second = graph.addParameter("second", [3, 5], .kernel)
    let dense = Operation.Dense(hasBias: false)
    let hidden = try graph.append(dense, to: x, first, name: "hidden")
    let active = try graph.append(Operation.Activation(.relu), to: hidden, name: "active")
    let logits = try graph.append(dense, to: active, second, name: "logits")
    let unread = try graph.append(Operation.Activation(.tanh), to: hidden, name: "unread")
    graph.addOutput("unread", unread)
    let loss = try graph.append(Operation.CrossEntropy(), to: [logits, labels], name: "loss")[0]
    let (longer, gradients) = try graph.differentiated(loss: loss)
    let appended = longer.operations.dropFirst(graph.operations.count).map(\.name)
    #expect(
      appended == [
        "loss/gradient", "loss/gradient", "logits/parameter gradient", "logits/input gradient",
        "active/gradient", "hidden/parameter gradient",
      ])
    #expect(Set(gradients.keys) == [first, second])
    #expect(longer.operations.prefix(graph.operations.count) == graph.operations[...])
  }

  @Test("running statistics are no variables, and a parameter apart from the loss has no gradient")
  func nonVariables() throws {
    var graph = Graph(name: "normalized")
    let x = graph.addInput("x", ValueType([4, 3]))
    let parameters: [ParameterKind] = [.scale, .shift, .runningMean, .runningVariance]
    let ids = parameters.map { graph.addParameter($0.rawValue, [3], $0) }
    let apart = graph.addParameter("apart", [3], .bias)
    let y = try graph.append(
      Operation.BatchNormalization(form: .training), to: [x] + ids, name: "normalization")[0]
    let loss = try graph.append(Operation.MeanSquaredError(), to: y, x, name: "loss")
    let (_, gradients) = try graph.differentiated(loss: loss)
    #expect(Set(gradients.keys) == Set(ids.prefix(2)))
    #expect(gradients[apart] == nil)
  }

  @Test("max pooling records its places, response normalization keeps its workspace")
  func extendedForward() throws {
    var graph = Graph(name: "pooled")
    let x = graph.addInput("x", ValueType([1, 4, 6, 6]))
    let normalized = try graph.append(
      Operation.LocalResponseNormalization(size: 3), to: x, name: "normalized")
    let pooled = try graph.append(
      Operation.MaxPooling(window: [2, 2], strides: [2, 2]), to: normalized, name: "pooled")
    let large = try graph.append(Operation.GlobalPooling(kind: .max), to: pooled, name: "global")
    let target = graph.addInput("target", ValueType([1, 4, 1, 1]))
    let loss = try graph.append(Operation.MeanSquaredError(), to: large, target, name: "loss")
    let (longer, _) = try graph.differentiated(loss: loss, byInputs: [x])
    try longer.verify()
    let kept = longer.operations.prefix(3).map { longer[$0.outputs[1]].type }
    #expect(
      kept == [
        ValueType([1, 4, 6, 6]), ValueType([1, 4, 3, 3], .uint8), ValueType([1, 4, 1, 1], .uint8),
      ])
    var window = Operation.MaxPooling(window: [3, 3], strides: [3, 3])
    window.recordsIndices = true
    #expect(longer.operations[2].kind == window.kind)
  }

  @Test("places in large windows need more than a byte")
  func largeWindow() throws {
    var pooling = Operation.MaxPooling(window: [16, 16], strides: [16, 16])
    pooling.recordsIndices = true
    let types = try pooling.outputTypes(for: [ValueType([1, 1, 16, 32])])
    #expect(types == [ValueType([1, 1, 1, 2]), ValueType([1, 1, 1, 2], .int32)])
  }

  @Test("a gradient survives another batch")
  func batched() throws {
    for operation in OperationCase.differentiable
    where operation.inputs.allSatisfy({ $0.parameter != nil || $0.type.shape.rank > 1 })
      && operation.inputs.filter({ $0.parameter == nil }).count == 1
      && operation.attributes.traits.batch != .together
      && ![Operation.Transpose.name, Operation.Slice.name].contains(operation.attributes.kind.name)
    {
      let training = try operation.training()
      let (graph, gradients) = try training.graph.differentiated(
        loss: training.loss, byInputs: [ValueID(0)])
      let larger = try graph.batched(5)
      try larger.verify()
      let gradient = try #require(gradients[ValueID(0)])
      #expect(larger[gradient].shape == larger[ValueID(0)].shape, "\(operation)")
    }
  }

  @Test("what has no gradient is refused by name")
  func refusals() throws {
    var graph = Graph(name: "refused")
    let x = graph.addInput("x", ValueType([2, 3]))
    let kernel = graph.addParameter("kernel", [3, 3], .kernel)
    let fused = try graph.append(
      Operation.Dense(hasBias: false, fused: [.activation(.relu)]), to: x, kernel, name: "fused")
    let target = graph.addInput("target", ValueType([2, 3]))
    let loss = try graph.append(Operation.MeanSquaredError(), to: fused, target, name: "loss")
    var error = #expect(throws: GraphError.self) { try graph.differentiated(loss: loss) }
    #expect(error?.subject == "fused")
    error = #expect(throws: GraphError.self) { try graph.differentiated(loss: fused) }
    #expect(error?.description.contains("not a scalar: 2x3") == true)

    var probable = Graph(name: "probable")
    let logits = probable.addInput("logits", ValueType([2, 3]))
    let labels = probable.addInput("labels", ValueType([2, 3]))
    let outputs = try probable.append(
      Operation.CrossEntropy(), to: [logits, labels], name: "entropy")
    let squared = try probable.append(
      Operation.MeanSquaredError(), to: outputs[1], labels, name: "loss")
    error = #expect(throws: GraphError.self) {
      try probable.differentiated(loss: squared, byInputs: [logits])
    }
    #expect(error?.subject == "entropy")
    error = #expect(throws: GraphError.self) {
      try probable.differentiated(loss: outputs[0], byInputs: [labels])
    }
    #expect(error?.description == "entropy: has no gradient by its labels")
  }
}
