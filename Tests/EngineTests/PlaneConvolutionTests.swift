import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

import func Foundation.exp2
import func Foundation.tanh

/// Convolutions of few channels, which run on kernels of our own: against the reference, forward and backward, at widths
/// around a vector's and at every way to leave a block of channels, columns or taps incomplete.
@Suite struct PlaneConvolutionTests {
  struct Geometry: Sendable, CustomTestStringConvertible {
    var input: Shape
    var channels: Int
    var kernel: [Int]
    var padding: Padding

    var testDescription: String { "\(input) to \(channels), \(Shape(kernel)), \(padding)" }
  }

  static let geometries = [
    Geometry(input: [3, 1, 28, 28], channels: 6, kernel: [5, 5], padding: .same),
    Geometry(input: [3, 6, 14, 14], channels: 16, kernel: [5, 5], padding: .valid),
    // By Winograd's algorithm, with every number of pairs left over, one kernel row and padding on one side alone.
    Geometry(input: [2, 3, 6, 28], channels: 16, kernel: [3, 5], padding: .same),
    Geometry(input: [3, 1, 5, 38], channels: 16, kernel: [1, 5], padding: .valid),
    Geometry(
      input: [1, 15, 4, 7], channels: 16, kernel: [6, 5],
      padding: .explicit([.init(before: 0, after: 4), .init(before: 3, after: 0)])),
    Geometry(input: [2, 3, 9, 16], channels: 16, kernel: [3, 3], padding: .symmetric(1)),
    Geometry(input: [1, 3, 7, 17], channels: 15, kernel: [3, 3], padding: .same),
    Geometry(input: [2, 16, 6, 33], channels: 3, kernel: [1, 1], padding: .valid),
    Geometry(input: [2, 5, 5, 40], channels: 7, kernel: [2, 6], padding: .symmetric(1)),
    Geometry(input: [2, 2, 8, 3], channels: 1, kernel: [7, 3], padding: .same),
    Geometry(input: [1, 1, 1, 1], channels: 1, kernel: [1, 1], padding: .valid),
    Geometry(
      input: [2, 4, 6, 11], channels: 16, kernel: [4, 2],
      padding: .explicit([.init(before: 3, after: 0), .init(before: 0, after: 1)])),
    Geometry(input: [5, 15, 4, 4], channels: 13, kernel: [3, 4], padding: .same),
    // More than one band of rows.
    Geometry(input: [2, 6, 47, 90], channels: 5, kernel: [3, 5], padding: .symmetric(1)),
    Geometry(input: [1, 12, 40, 75], channels: 9, kernel: [5, 7], padding: .same),
    // Windows of the shape that a block of channels and shifts leaves incomplete in every way.
    Geometry(input: [2, 7, 9, 12], channels: 11, kernel: [6, 9], padding: .same),
  ]

  @Test(
    "the result, with and without an activation, is the reference's", arguments: geometries)
  func outputs(_ geometry: Geometry) throws {
    for function in [nil, .tanh, .relu, .sigmoid] as [ActivationFunction?] {
      let (graph, given, _) = try makeGraph(geometry, activation: function)
      try expectReferenceOutputs(of: graph, given: given, mode: .inference)
    }
  }

  @Test(
    "the gradients by input, kernel and bias are the reference's", arguments: geometries,
    [.tanh, .sigmoid] as [ActivationFunction])
  func gradients(_ geometry: Geometry, _ activation: ActivationFunction) throws {
    var (graph, given, output) = try makeGraph(geometry, activation: activation)
    let variables = graph.valueIDs.filter { graph[$0].source != .operation }
    let target = graph.addInput("target", graph[output].type)
    given[target] = .random(graph[target].shape, seed: 7, in: -1..<1)
    let loss = try graph.append(
      Operation.MeanSquaredError(), to: output, target, name: "loss")
    try expectReferenceGradients(
      of: graph, loss: loss, by: variables, given: given, mode: .training)
  }

  /// A convolution of one pixel with weight one returns its input, activated.
  private func activated(
    _ function: ActivationFunction, _ inputs: [Float], threads: Int = 1
  ) throws -> [Float] {
    let shape: Shape = [2, 1, 1, inputs.count]
    var (graph, given, _) = try makeGraph(
      Geometry(input: shape, channels: 1, kernel: [1, 1], padding: .valid), activation: function)
    let ids = Array(graph.valueIDs)
    given[ids[0]] = Tensor(inputs + inputs, shape: shape)
    given[ids[1]] = Tensor([Float(1)], shape: [1, 1, 1, 1])
    given[ids[2]] = Tensor([Float(0)], shape: [1])
    let outputs = try runOnEngine(graph, given: given, mode: .inference, threads: threads)
    let result = try #require(outputs["result"]).elements
    #expect(
      Array(result[..<inputs.count]).elementsEqual(result[inputs.count...]) {
        $0.bitPattern == $1.bitPattern
      })
    return Array(result[..<inputs.count])
  }

  @Test("tanh is within 5 units in the last place over its whole range, and odd")
  func hyperbolicTangent() throws {
    let magnitudes = (0..<200_000).map { Float(exp2(Double($0) / 200_000 * 30 - 26)) }
    let results = try activated(.tanh, magnitudes)
    var worst = 0.0
    for (x, y) in zip(magnitudes, results) {
      let exact = tanh(Double(x))
      worst = max(worst, abs(Double(y) - exact) / Double(Float(exact).ulp))
    }
    #expect(worst < 5)
    #expect(try activated(.tanh, magnitudes.map { -$0 }) == results.map { -$0 })
  }

  @Test("tanh of infinities, zeros, the largest numbers and what is no number, in every lane")
  func limits() throws {
    for lane in 0..<17 {
      for (x, expected) in [
        (.infinity, 1), (-.infinity, -1), (.greatestFiniteMagnitude, 1), (20, 1), (-20, -1),
      ] as [(Float, Float)] {
        var inputs = [Float](repeating: 0.5, count: 17)
        inputs[lane] = x
        #expect(abs(try activated(.tanh, inputs)[lane] - expected) < 3e-7)
      }
      var inputs = [Float](repeating: 0, count: 17)
      inputs[lane] = .nan
      for function in [ActivationFunction.tanh, .relu] {
        let results = try activated(function, inputs)
        #expect(results[lane].isNaN && results.count(where: \.isNaN) == 1)
        #expect(results.enumerated().allSatisfy { $0.offset == lane || $0.element == 0 })
      }
    }
  }

  @Test(
    "means of two by two, and their gradients, of rows around a vector's width",
    arguments: [1, 2, 7, 14, 15, 16, 17, 33, 48])
  func means(_ width: Int) throws {
    for (channels, height) in [(1, 1), (3, 5)] {
      let operation = OperationCase(
        "of \(channels) x \(height) x \(width)",
        Operation.AveragePooling(window: [2, 2], strides: [2, 2]),
        [.init([2, channels, 2 * height, 2 * width])])
      let graph = try operation.graph()
      let training = try operation.training()
      for threads in [1, 2] {
        try expectReferenceOutputs(
          of: graph, given: operation.given(in: graph), mode: .inference, threads: threads)
        try expectReferenceGradients(
          of: training.graph, loss: training.loss, by: training.variables,
          given: operation.given(in: training.graph), mode: .training, threads: threads)
      }
    }
  }

  @Test("few channels run on our kernels, more on the library's", arguments: [1, 15, 17])
  func choice(_ channels: Int) throws {
    let (graph, given, _) = try makeGraph(
      Geometry(input: [1, channels, 8, 8], channels: 8, kernel: [3, 3], padding: .same),
      activation: nil)
    let parameters = parameters(of: graph, among: given)
    let executable = try Executable(
      graph, parameters: parameters, options: CompilationOptions(threads: 1))
    let isOurs = executable.steps.contains { $0.implementation.hasPrefix("planes") }
    #expect(isOurs == (channels <= 16))
  }

  @Test(
    "sixteen channels are filtered by Winograd's algorithm where five columns give an even number, and exactness forbids it",
    arguments: [
      (5, 14, false, true), (5, 14, true, false), (5, 15, false, false), (3, 14, false, false),
    ])
  func filtering(columns: Int, width: Int, isExact: Bool, isFiltered: Bool) throws {
    let (graph, given, _) = try makeGraph(
      Geometry(input: [2, 6, 14, width], channels: 16, kernel: [5, columns], padding: .valid),
      activation: nil)
    let parameters = parameters(of: graph, among: given)
    let executable = try Executable(
      graph, parameters: parameters,
      options: CompilationOptions(compute: ComputeOptions(threads: 1, isExact: isExact)))
    let step = try #require(executable.steps.first { $0.operation == "conv" })
    #expect(step.implementation == (isFiltered ? "channel lanes, Winograd" : "channel lanes"))
    #expect(step.performedMultiplyAdds * 10 == step.multiplyAdds * (isFiltered ? 6 : 10))
  }

  private func parameters(
    of graph: Graph, among given: [ValueID: Tensor]
  ) -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: given.filter { graph[$0.key].parameterKind != nil }
        .map { (graph[$0.key].name, $0.value) })
  }

  private func makeGraph(
    _ geometry: Geometry, activation: ActivationFunction?
  ) throws -> (graph: Graph, given: [ValueID: Tensor], output: ValueID) {
    var graph = Graph(name: "planes")
    let input = graph.addInput("image", ValueType(geometry.input))
    let kernel = graph.addParameter(
      "weight", Shape([geometry.channels, geometry.input[1]] + geometry.kernel), .kernel)
    let bias = graph.addParameter("bias", [geometry.channels], .bias)
    var output = try graph.append(
      Operation.Convolution(strides: [1, 1], padding: geometry.padding), to: input, kernel, bias,
      name: "conv")
    if let activation {
      output = try graph.append(Operation.Activation(activation), to: output, name: "activation")
    }
    graph.addOutput("result", output)
    var given: [ValueID: Tensor] = [:]
    for (seed, id) in [input, kernel, bias].enumerated() {
      given[id] = .random(graph[id].shape, seed: UInt64(seed), in: -1..<1)
    }
    return (graph, given, output)
  }
}
