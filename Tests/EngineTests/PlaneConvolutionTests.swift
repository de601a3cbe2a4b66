import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

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
  ]

  @Test(
    "the result, with and without an activation, is the reference's", arguments: geometries)
  func outputs(_ geometry: Geometry) throws {
    for function in [nil, ActivationFunction.tanh] {
      let (graph, given, _) = try makeGraph(geometry, activation: function)
      try expectReferenceOutputs(of: graph, given: given, mode: .inference)
    }
  }

  @Test("the gradients by input, kernel and bias are the reference's", arguments: geometries)
  func gradients(_ geometry: Geometry) throws {
    var (graph, given, output) = try makeGraph(geometry, activation: .sigmoid)
    let variables = graph.valueIDs.filter { graph[$0].source != .operation }
    let target = graph.addInput("target", graph[output].type)
    given[target] = .random(graph[target].shape, seed: 7, in: -1..<1)
    let loss = try graph.append(
      Operation.MeanSquaredError(), to: output, target, name: "loss")
    try expectReferenceGradients(
      of: graph, loss: loss, by: variables, given: given, mode: .training)
  }

  @Test("few channels run on our kernels, more on the library's", arguments: [1, 15, 17])
  func choice(_ channels: Int) throws {
    let (graph, given, _) = try makeGraph(
      Geometry(input: [1, channels, 8, 8], channels: 8, kernel: [3, 3], padding: .same),
      activation: nil)
    let parameters = Dictionary(
      uniqueKeysWithValues: given.filter { graph[$0.key].parameterKind != nil }
        .map { (graph[$0.key].name, $0.value) })
    let executable = try Executable(
      graph, parameters: parameters, options: CompilationOptions(threads: 1))
    let isOurs = executable.steps.contains { $0.implementation.hasPrefix("planes") }
    #expect(isOurs == (channels <= 16))
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
