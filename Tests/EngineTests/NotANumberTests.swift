import CKernels
import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// What is not a number and enters a layer comes out of it, whichever kernel computes the layer and its activation.
@Suite struct NotANumberTests {
  /// A convolution, or a dense layer where the input has two axes, that a kernel of its own computes.
  struct Layer: Sendable, CustomTestStringConvertible {
    var input: Shape
    var kernel: Shape
    var strides = 1
    var groups = 1
    var adds = false
    var compute = ComputeOptions(threads: 1)
    /// How the name of the kernel begins that applies ReLU; `nil` where the library has it.
    var implementation: String?

    var testDescription: String {
      "\(input) by \(kernel) / \(strides), \(implementation ?? "library")\(adds ? ", sum" : "")"
    }

    var outputs: Int { kernel[0] }
  }

  static let layers: [Layer] = {
    var exact = ComputeOptions(threads: 1)
    exact.isExact = true
    var bfloat16 = ComputeOptions(threads: 1)
    bfloat16.denseWeights = .bfloat16
    var int8 = ComputeOptions(threads: 1)
    int8.denseWeights = .int8
    return [
      Layer(input: [2, 1, 12, 12], kernel: [6, 1, 5, 5], implementation: "planes"),
      Layer(
        input: [2, 6, 12, 12], kernel: [16, 6, 5, 5], compute: exact,
        implementation: "channel lanes"),
      Layer(
        input: [2, 6, 12, 12], kernel: [16, 6, 5, 5], implementation: "channel lanes, Winograd"),
      Layer(input: [2, 32, 12, 12], kernel: [32, 32, 3, 3], implementation: "winograd"),
      Layer(
        input: [2, 32, 12, 12], kernel: [32, 32, 3, 3], adds: true, implementation: "winograd"),
      Layer(input: [2, 32, 12, 12], kernel: [32, 32, 3, 3], compute: exact),
      Layer(input: [2, 32, 12, 12], kernel: [32, 32, 3, 3], strides: 2),
      Layer(input: [2, 64, 7, 7], kernel: [48, 64, 1, 1]),
      Layer(input: [2, 64, 7, 7], kernel: [64, 64, 1, 1], adds: true),
      Layer(input: [1, 3, 21, 21], kernel: [64, 3, 7, 7], strides: 2),
      Layer(input: [2, 32, 9, 9], kernel: [32, 1, 3, 3], groups: 32),
      Layer(input: [2, 20, 9, 9], kernel: [24, 10, 3, 3], groups: 2),
      Layer(input: [2, 20, 15], kernel: [24, 20, 3]),
      Layer(input: [2, 33], kernel: [40, 33], implementation: "dense as stored"),
      Layer(input: [16, 33], kernel: [40, 33]),
      Layer(input: [16, 64], kernel: [64, 64], adds: true),
      Layer(
        input: [2, 33], kernel: [40, 33], compute: bfloat16, implementation: "dense bfloat16"),
      Layer(input: [8, 33], kernel: [40, 33], compute: int8, implementation: "dense int8"),
    ]
  }()

  static let functions: [ActivationFunction] = [
    .relu, .relu6, .leakyReLU(slope: 0.1), .elu(alpha: 1), .silu, .gelu, .tanh, .sigmoid,
    .hardSigmoid, .hardSwish,
  ]

  @Test("an activation after a layer keeps it, from the input or a weight", arguments: layers)
  func afterLayer(_ layer: Layer) throws {
    for function in Self.functions {
      var network = try LayerNetwork(layer, function)
      let count = layer.input.count
      let output = network.output
      let perExample = output.count / output[0]
      let positions = perExample / output[1]

      // In the middle of the last example.
      let place = count - count / layer.input[0] / 2 - 1
      network.poison(network.input, at: place)
      var result = try network.run()
      let last = result.suffix(perExample)
      // Every channel of a group sees it.
      #expect(
        last.count(where: \.isNaN) >= layer.outputs / layer.groups, "\(function), input, \(layer)")
      #expect(result.dropLast(perExample).allSatisfy { !$0.isNaN }, "\(function), input, \(layer)")

      network.restore()
      network.poison(network.kernel, at: layer.kernel.count - 1 - layer.kernel.spatialCount / 2)
      result = try network.run()
      let ofChannel = result.suffix(positions)
      #expect(ofChannel.contains { $0.isNaN }, "\(function), weight, \(layer)")
      #expect(
        (0..<output[0]).allSatisfy { example in
          result[example * perExample..<(example + 1) * perExample].suffix(positions)
            .contains { $0.isNaN }
        }, "\(function), weight, \(layer)")
    }
  }

  @Test(
    "an activation by itself keeps it where it is, and infinity as PyTorch has it",
    arguments: functions, [(Mode.inference, true), (.training, true), (.inference, false)])
  func alone(_ function: ActivationFunction, _ way: (mode: Mode, usesLibrary: Bool)) throws {
    var compute = ComputeOptions(threads: 2)
    if !way.usesLibrary { compute.kernels = .own }
    for shape: Shape in [[3, 7], [2, 5, 33, 35], [1, 3, 129]] {
      var graph = Graph(name: "activation")
      let x = graph.addInput("x", ValueType(shape))
      graph.addOutput(
        "y", try graph.append(Operation.Activation(function), to: x, name: "activation"))
      var elements = Tensor.random(shape, seed: 1).elements
      let places = [0, 5, shape.count / 2, shape.count - 1]
      for place in places { elements[place] = .nan }
      elements[1] = .infinity
      let y = try runOnEngine(
        graph, given: [x: Tensor(elements, shape: shape)], mode: way.mode, compute: compute)
      let result = try #require(y["y"]).elements
      #expect(result.indices.filter { result[$0].isNaN } == places)
      switch function {
      case .relu6: #expect(result[1] == 6)
      case .tanh, .sigmoid, .hardSigmoid: #expect(result[1] == 1)
      default: #expect(result[1] == .infinity)
      }
    }
  }

  @Test(
    "infinity stays what it is after a layer, by the library's kernels and by ours",
    arguments: [.relu, .leakyReLU(slope: 0.1), .elu(alpha: 1), .silu, .gelu, .hardSwish]
      as [ActivationFunction], [ComputeOptions.Kernels.library, .own, .any])
  func infinity(_ function: ActivationFunction, kernels: ComputeOptions.Kernels) throws {
    for isDense in [false, true] {
      let extents: Shape = isDense ? [2, 48] : [2, 48, 5, 6]
      var graph = Graph(name: "layer")
      let x = graph.addInput("x", ValueType(extents))
      let kernel = graph.addParameter(
        "weight", isDense ? [32, 48] : [32, 48, 1, 1], .kernel)
      let bias = graph.addParameter("bias", [32], .bias)
      let layer =
        isDense
        ? try graph.append(Operation.Dense(), to: x, kernel, bias, name: "layer")
        : try graph.append(
          Operation.Convolution(strides: [1, 1], padding: .valid), to: x, kernel, bias,
          name: "layer")
      graph.addOutput(
        "y", try graph.append(Operation.Activation(function), to: layer, name: "activation"))
      var elements = Tensor.random(extents, seed: 1).elements
      elements[7] = .infinity
      let given: [ValueID: Tensor] = [
        x: Tensor(elements, shape: extents), bias: .random([32], seed: 2),
        kernel: .random(graph[kernel].shape, seed: 3, in: 0.1..<1),
      ]
      var compute = ComputeOptions(threads: 2)
      compute.kernels = kernels
      let results = try runOnEngine(
        graph, given: given, mode: .inference, format: .channelsFirst, compute: compute)
      let y = try #require(results["y"]).elements
      // Of one position, every channel.
      let positions = isDense ? 1 : 30
      let places = (0..<32).map { $0 * positions + (isDense ? 0 : 7) }
      #expect(y.indices.filter { y[$0] == .infinity } == places)
      #expect(!y.contains { $0.isNaN })
    }
  }

  @Test("a rectified minus infinity is zero")
  func minusInfinity() {
    for activation in [CK_RELU, CK_RELU6] {
      let x: [Float] = [-.infinity, -1, -0.0, 0, 3, .infinity, .nan, -.greatestFiniteMagnitude]
      var y = [Float](repeating: 1, count: x.count)
      ck_activation_forward(&y, x, x.count, activation, 2)
      let most: Float = activation == CK_RELU ? .infinity : 6
      #expect(y[0..<6] == [0, 0, 0, 0, 3, most] && y[6].isNaN && y[7] == 0)
    }
  }

  @Test("the gradient of a rectified value passes where that is not a number, as PyTorch's does")
  func gradient() {
    let y: [Float] = [.nan, 0, 3, 6, 0, .nan, .infinity]
    let dy: [Float] = [2, 3, 5, 7, .nan, .nan, 1]
    var dx = [Float](repeating: 1, count: y.count)
    ck_activation_gradient(&dx, y, dy, y.count, CK_RELU, 1)
    #expect(dx[0..<5] == [2, 0, 5, 7, 0] && dx[5].isNaN && dx[6] == 1)
    ck_activation_gradient(&dx, y, dy, y.count, CK_RELU6, 1)
    #expect(dx[0..<5] == [2, 0, 5, 0, 0] && dx[5].isNaN && dx[6] == 0)
  }

  @Test("clipping, dropout, softmax and the loss keep it")
  func others() throws {
    var graph = Graph(name: "others")
    let x = graph.addInput("x", ValueType([4, 6]))
    let labels = graph.addInput("labels", ValueType([4], .int32))
    graph.addOutput(
      "dropout", try graph.append(Operation.Dropout(rate: 0.9, index: 0), to: x, name: "dropout"))
    graph.addOutput(
      "clip", try graph.append(Operation.Clip(lower: -0.5, upper: 0.5), to: x, name: "clip"))
    graph.addOutput("softmax", try graph.append(Operation.Softmax(), to: x, name: "softmax"))
    let loss = try graph.append(Operation.CrossEntropy(), to: [x, labels], name: "loss")
    graph.addOutput("loss", loss[0])
    for place in [0, 8, 23] {
      var elements = Tensor.random([4, 6], seed: 2).elements
      elements[place] = .nan
      let results = try runOnEngine(
        graph,
        given: [
          x: Tensor(elements, shape: [4, 6]), labels: Tensor([0, 1, 2, 3] as [Int32]),
        ], mode: .training)
      #expect(try #require(results["dropout"]).elements[place].isNaN)
      let clipped = try #require(results["clip"]).elements
      #expect(clipped.indices.filter { clipped[$0].isNaN } == [place])
      let softmax = try #require(results["softmax"]).elements
      #expect(softmax.indices.allSatisfy { softmax[$0].isNaN == ($0 / 6 == place / 6) })
      #expect(try #require(results["loss"]).elements[0].isNaN)
    }
  }
}

extension Shape {
  fileprivate var spatialCount: Int { dimensions.dropFirst(2).reduce(1, *) }
}

/// A layer with a bias and an activation, perhaps with a sum in between.
private struct LayerNetwork {
  var graph: Graph
  let layer: NotANumberTests.Layer
  let function: ActivationFunction
  let input, kernel: ValueID
  let output: Shape
  private let good: [ValueID: Tensor]
  private var given: [ValueID: Tensor]

  init(_ layer: NotANumberTests.Layer, _ function: ActivationFunction) throws {
    var graph = Graph(name: "layer")
    input = graph.addInput("x", ValueType(layer.input))
    kernel = graph.addParameter("weight", layer.kernel, .kernel)
    let bias = graph.addParameter("bias", [layer.outputs], .bias)
    let axes = layer.kernel.rank - 2
    var value =
      axes == 0
      ? try graph.append(Operation.Dense(), to: input, kernel, bias, name: "layer")
      : try graph.append(
        Operation.Convolution(
          strides: [Int](repeating: layer.strides, count: axes), padding: .same,
          groups: layer.groups), to: input, kernel, bias, name: "layer")
    if layer.adds {
      value = try graph.append(Operation.Add(), to: value, input, name: "sum")
    }
    value = try graph.append(Operation.Activation(function), to: value, name: "activation")
    graph.addOutput("y", value)
    output = graph[value].shape
    self.graph = graph
    self.layer = layer
    self.function = function
    good = [
      input: .random(layer.input, seed: 1), kernel: .random(layer.kernel, seed: 2),
      bias: .random([layer.outputs], seed: 3),
    ]
    given = good
  }

  mutating func poison(_ value: ValueID, at place: Int) {
    guard let tensor = given[value] else { return }
    var elements = tensor.elements
    elements[place] = .nan
    given[value] = Tensor(elements, shape: tensor.shape)
  }

  mutating func restore() { given = good }

  func run() throws -> [Float] {
    var parameters: [String: Tensor] = [:]
    for id in graph.parameters { parameters[graph[id].name] = given[id] }
    var executable = try Executable(
      graph, parameters: parameters,
      options: CompilationOptions(inputFormat: .channelsFirst, compute: layer.compute))
    // The others may be computed by another, which knows them.
    if let implementation = layer.implementation, function == .relu {
      #expect(executable.steps.contains { $0.implementation.hasPrefix(implementation) })
    }
    let inputs = given[input].map { ["x": $0] } ?? [:]
    return try #require(executable.run(inputs)["y"]).elements
  }
}
