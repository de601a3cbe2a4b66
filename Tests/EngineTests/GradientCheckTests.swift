import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Gradient check") struct GradientCheckTests {
  @Test(
    "right gradients of an operation differ by little",
    arguments: [[5, 4], [2, 3, 3, 2]] as [Shape])
  func right(shape: Shape) throws {
    let inputs: [Tensor] = [.random(shape, seed: 1, in: -2..<2), .random([shape[1]], seed: 2)]
    let errors = try GradientCheck(of: Swish(), inputs: inputs).relativeErrors()
    #expect(Set(errors.keys) == ["input0", "input1"])
    #expect(try #require(errors.values.max()) < 1e-3)
  }

  @Test("gradients of the package's operations differ by little")
  func builtIn() throws {
    let x = Tensor.random([2, 2, 4, 4], seed: 3)
    let checks = [
      try GradientCheck(
        of: Operation.Convolution(strides: [1, 1], padding: .same),
        inputs: [x, .random([3, 2, 3, 3], seed: 4), .random([3], seed: 5)]),
      try GradientCheck(of: Operation.Activation(.gelu), inputs: [x]),
      try GradientCheck(
        of: Operation.CrossEntropy(),
        inputs: [.random([4, 3], seed: 6), .randomClasses(3, examples: 4, seed: 7)], by: [0]),
    ]
    for check in checks { #expect(try check.largestRelativeError() < 1e-3) }
  }

  @Test("a wrong gradient differs by much, and one that is not a number by everything")
  func wrong() throws {
    let x = Tensor.random([2, 3], seed: 1, in: 0.5..<1)
    for (factor, expected) in [(Float(2), 0.01), (3, 0)] {
      let error = try GradientCheck(of: Cube(factor: factor), inputs: [x]).largestRelativeError()
      #expect(expected == 0 ? error < 1e-3 : error > expected)
    }
    #expect(
      try GradientCheck(of: Cube(factor: .nan), inputs: [x]).largestRelativeError() == .infinity)
  }

  @Test("a whole graph is checked by its parameters and by inputs of given names")
  func graph() throws {
    var graph = Graph(name: "network")
    let x = graph.addInput("x", ValueType([3, 4]))
    let kernel = graph.addParameter("kernel", [2, 4], .kernel)
    let slope = graph.addParameter("slope", [2], .scale)
    let target = graph.addInput("target", ValueType([3, 2]))
    let dense = try graph.append(Operation.Dense(hasBias: false), to: x, kernel, name: "dense")
    let swish = try graph.append(Swish(), to: dense, slope, name: "swish")
    let loss = try graph.append(Operation.MeanSquaredError(), to: swish, target, name: "loss")
    let given: [String: Tensor] = [
      "x": .random([3, 4], seed: 1), "kernel": .random([2, 4], seed: 2),
      "slope": .random([2], seed: 3), "target": .random([3, 2], seed: 4),
    ]
    let parameters = try GradientCheck(of: graph, loss: loss, given: given).relativeErrors()
    #expect(Set(parameters.keys) == ["kernel", "slope"])
    let input = try GradientCheck(of: graph, loss: loss, given: given, by: ["x"]).relativeErrors()
    #expect(Set(input.keys) == ["x"])
    for error in Array(parameters.values) + input.values { #expect(error < 1e-3) }
  }

  @Test("names of nothing, missing tensors and operations without a gradient are refused")
  func refusals() throws {
    var graph = Graph(name: "network")
    let x = graph.addInput("x", ValueType([3, 4]))
    let target = graph.addInput("target", ValueType([3, 4]))
    let loss = try graph.append(Operation.MeanSquaredError(), to: x, target, name: "loss")
    #expect(throws: GraphError.self) {
      try GradientCheck(of: graph, loss: loss, given: [:], by: ["y"])
    }
    #expect(throws: EngineError.self) {
      try GradientCheck(of: graph, loss: loss, given: [:], by: ["x"]).relativeErrors()
    }
    #expect(throws: GraphError.self) {
      try GradientCheck(of: SwishGradient(), inputs: [Tensor([1], shape: [1, 1])])
        .largestRelativeError()
    }
  }
}

/// x^3 whose gradient is `factor` x^2 dy: right for 3.
private struct Cube: CustomOperation {
  static let name = "test.cube"
  var factor: Float

  var traits: OperationTraits {
    OperationTraits(
      batch: .separately(linear: .inNone), recomputable: .all, overwritesInput: false,
      isRandom: false, isGradient: false, isIdentityInInference: false)
  }

  func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] { inputs }

  func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

  func appendGradient(
    of operation: Operation, outputGradients: [ValueID?], to builder: inout GradientBuilder
  ) throws(GraphError) -> [ValueID?] {
    guard let gradient = outputGradients[0] else { return [nil] }
    let square = try builder.append(
      Operation.Multiply(), to: [operation.inputs[0], operation.inputs[0]], of: operation,
      role: "square")[0]
    let product = try builder.append(
      Operation.Multiply(), to: [square, gradient], of: operation, role: "product")
    return try builder.append(Operation.Add(coefficients: [factor]), to: product, of: operation)
  }

  func compute(
    output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>
  ) {
    inputs.withSpan(of: 0) { x in
      for index in x.indices { result[index] = x[index] * x[index] * x[index] }
    }
  }
}
