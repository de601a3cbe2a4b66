import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import Testing

/// A layer on an input, and the shape of one example of what it makes.
private struct ShapeCase: Sendable, CustomTestStringConvertible {
  var name: String
  var input: [Int]
  var layer: any Layer
  var output: [Int]
  var parameters: [[Int]] = []
  var testDescription: String { name }
}

private let cases: [ShapeCase] = [
  ShapeCase(
    name: "convolution", input: [3, 9, 11], layer: Conv2D(8, kernel: 3), output: [8, 7, 9],
    parameters: [[8, 3, 3, 3], [8]]),
  ShapeCase(
    name: "strided, padded, without bias", input: [3, 224, 224],
    layer: Conv2D(64, kernel: 7, stride: 2, padding: .symmetric(3), bias: false),
    output: [64, 112, 112], parameters: [[64, 3, 7, 7]]),
  ShapeCase(
    name: "depthwise, dilated", input: [6, 10, 10],
    layer: Conv2D(6, kernel: 3, dilation: 2, groups: 6), output: [6, 6, 6],
    parameters: [[6, 1, 3, 3], [6]]),
  ShapeCase(
    name: "1x7", input: [4, 9, 9], layer: Conv2D(2, kernel: [1, 7], padding: .same, bias: false),
    output: [2, 9, 9], parameters: [[2, 4, 1, 7]]),
  ShapeCase(
    name: "signal", input: [2, 20], layer: Conv1D(5, kernel: 4, stride: 3), output: [5, 6],
    parameters: [[5, 2, 4], [5]]),
  ShapeCase(name: "clip", input: [4, 7, 7], layer: Clip(0...6), output: [4, 7, 7]),
  ShapeCase(
    name: "max pooling", input: [4, 7, 7], layer: MaxPool2D(3, stride: 2), output: [4, 3, 3]),
  ShapeCase(
    name: "max pooling, rounded up", input: [4, 8, 8],
    layer: MaxPool2D(3, stride: 2, ceilMode: true), output: [4, 4, 4]),
  ShapeCase(
    name: "average pooling", input: [4, 7, 7], layer: AveragePool2D(2), output: [4, 3, 3]),
  ShapeCase(name: "global pooling", input: [4, 5, 6], layer: GlobalPool.average, output: [4]),
  ShapeCase(
    name: "global pooling that keeps positions", input: [4, 5, 6],
    layer: GlobalPool(.max, keepsPositions: true), output: [4, 1, 1]),
  ShapeCase(name: "flatten", input: [4, 5, 6], layer: Flatten(), output: [120]),
  ShapeCase(
    name: "dense", input: [12], layer: Dense(7), output: [7], parameters: [[7, 12], [7]]),
  ShapeCase(
    name: "batch normalization", input: [5, 3, 3], layer: BatchNorm(), output: [5, 3, 3],
    parameters: [[5], [5], [5], [5]]),
  ShapeCase(
    name: "batch normalization without scale", input: [5, 3, 3],
    layer: BatchNorm(runningVariance: .sample, hasScale: false), output: [5, 3, 3],
    parameters: [[5], [5], [5]]),
  ShapeCase(
    name: "batch normalization of features", input: [5], layer: BatchNorm(), output: [5],
    parameters: [[5], [5], [5], [5]]),
  ShapeCase(
    name: "local response normalization", input: [8, 3, 3], layer: LocalResponseNorm(),
    output: [8, 3, 3]),
  ShapeCase(
    name: "layer normalization", input: [8, 3, 3], layer: LayerNorm(), output: [8, 3, 3],
    parameters: [[8], [8]]),
  ShapeCase(
    name: "squeeze and excitation", input: [8, 3, 5], layer: SqueezeExcitation(2),
    output: [8, 3, 5], parameters: [[2, 8, 1, 1], [2], [8, 2, 1, 1], [8]]),
  ShapeCase(
    name: "layer scale", input: [8, 3, 5], layer: LayerScale(0.1), output: [8, 3, 5],
    parameters: [[8, 1, 1]]),
  ShapeCase(
    name: "layer scale of a signal", input: [8, 3], layer: LayerScale(0.1), output: [8, 3],
    parameters: [[8, 1]]),
  ShapeCase(name: "dropout", input: [12], layer: Dropout(), output: [12]),
  ShapeCase(name: "softmax", input: [12], layer: Softmax(), output: [12]),
  ShapeCase(name: "ReLU", input: [2, 3, 3], layer: ReLU(), output: [2, 3, 3]),
]

@Suite("Layers") struct LayerTests {
  @Test("the shapes of output and parameters", arguments: cases)
  private func shapes(_ item: ShapeCase) throws {
    let network = Network("n", input: NetworkInput(extents: item.input)) {
      LayerSequence([item.layer])
    }
    let graph = try network.graph(batch: 3)
    try graph.verify()
    #expect(graph.outputs.map { graph[$0.value].shape } == [Shape([3] + item.output)])
    #expect(graph.parameters.map { graph[$0].shape.dimensions } == item.parameters)
  }

  @Test(
    "every activation has its function",
    arguments: [
      (ReLU(), .relu), (ReLU6(), .relu6), (Tanh(), .tanh), (Sigmoid(), .sigmoid), (SiLU(), .silu),
      (GELU(), .gelu), (LeakyReLU(slope: 0.3), .leakyReLU(slope: 0.3)),
      (ELU(alpha: 2), .elu(alpha: 2)), (HardSigmoid(), .hardSigmoid), (HardSwish(), .hardSwish),
    ] as [(any ActivationLayer, ActivationFunction)])
  func activations(layer: any ActivationLayer, function: ActivationFunction) throws {
    let graph = try Network("n", input: .features(3)) { LayerSequence([layer]) }.graph()
    #expect(graph.operations.map(\.kind) == [Operation.Activation(function).kind])
  }

  @Test("flatten takes the order of the network's data format", arguments: DataFormat.allCases)
  func flattenOrder(format: DataFormat) throws {
    let graph = try Network(
      "n", input: .image(height: 2, width: 3, channels: 4), dataFormat: format
    ) { Flatten() }.graph()
    #expect(graph.operations.map(\.kind) == [Operation.Flatten(order: format).kind])
  }

  @Test("every dropout draws numbers of its own")
  func dropouts() throws {
    let graph = try Network("n", input: .features(3)) {
      Dropout(0.1)
      Dropout(0.2)
    }.graph()
    #expect(
      graph.operations.map(\.kind) == [
        Operation.Dropout(rate: 0.1, index: 0).kind,
        Operation.Dropout(rate: 0.2, index: 1).kind,
      ])
  }

  @Test("the defaults are the lecture's")
  func defaults() {
    #expect(BatchNorm().momentum == 0.99 && BatchNorm().epsilon == 0.001)
    #expect(Dropout().rate == 0.5)
    #expect(Conv2D(1, kernel: 1).padding == .valid && Conv2D(1, kernel: 1).bias)
    #expect(MaxPool2D(3).stride == 3)
  }
}

private struct Refusal: Sendable, CustomTestStringConvertible {
  var layer: any Layer
  var input: [Int]
  var subject: String
  var says: String
  var testDescription: String { "\(layer) on \(input)" }
}

private let refusals: [Refusal] = [
  Refusal(
    layer: Dense(10), input: [3, 4, 4], subject: "dense1",
    says: "put Flatten() before the layer"),
  Refusal(
    layer: Dense(0), input: [3], subject: "dense1", says: "features is 0, must be at least 1"),
  Refusal(
    layer: Dense(-4), input: [3], subject: "dense1", says: "features is -4, must be at least 1"),
  Refusal(
    layer: Dense(.max), input: [3], subject: "dense1.weight", says: "at most 1073741824 elements"),
  Refusal(
    layer: Conv2D(8, kernel: 5), input: [3, 4, 4], subject: "conv1", says: "5x5 does not fit"),
  Refusal(
    layer: Conv2D(8, kernel: 0), input: [3, 4, 4], subject: "conv1", says: "kernel is 0x0, must be"),
  Refusal(layer: Conv2D(8, kernel: 3), input: [12], subject: "conv1", says: "4 dimensions"),
  Refusal(
    layer: Conv2D(8, kernel: 1, groups: 2), input: [3, 4, 4], subject: "conv1", says: "groups is 2"),
  Refusal(
    layer: Conv2D(8, kernel: 1, groups: 8), input: [3, 4, 4], subject: "conv1.weight",
    says: "8x0x1x1"),
  Refusal(
    layer: Conv2D(8, kernel: 1, stride: 0), input: [3, 4, 4], subject: "conv1", says: "strides"),
  Refusal(
    layer: Conv2D(.max, kernel: .max), input: [3, 4, 4], subject: "conv1.weight", says: "at most"),
  Refusal(layer: Conv1D(8, kernel: 3), input: [3, 4, 4], subject: "conv1", says: "3 dimensions"),
  Refusal(layer: MaxPool2D(5), input: [3, 4, 4], subject: "pool1", says: "5x5 does not fit"),
  Refusal(layer: MaxPool2D(2), input: [3], subject: "pool1", says: "dimensions"),
  Refusal(layer: Dropout(1.5), input: [3], subject: "dropout1", says: "1.5"),
  Refusal(layer: Dropout(.nan), input: [3], subject: "dropout1", says: "nan"),
  Refusal(layer: GlobalPool.average, input: [3], subject: "pool1", says: "dimensions"),
]

@Suite("Refusals") struct LayerRefusalTests {
  @Test("a layer that does not fit is named, and what would fit is said", arguments: refusals)
  private func misfit(_ refusal: Refusal) {
    let network = Network("n", input: NetworkInput(extents: refusal.input)) {
      LayerSequence([refusal.layer])
    }
    let error = #expect(throws: GraphError.self) { try network.graph() }
    #expect(error?.subject == refusal.subject)
    #expect(error.map { "\($0)".contains(refusal.says) } == true, "\(error as Any)")
  }

  @Test("the layer is named with its path")
  func path() {
    let network = Network("n", input: .image(height: 6, width: 6, channels: 1)) {
      Named("features") {
        Conv2D(2, kernel: 5).named("first")
        Conv2D(2, kernel: 5).named("second")
      }
    }
    let error = #expect(throws: GraphError.self) { try network.graph() }
    #expect(error?.subject == "features.second")
    #expect(
      error?.problem == .windowExceedsInput(window: [5, 5], paddedInput: [2, 2]))
  }

  @Test(
    "an input that has no elements, or more than can be counted, is refused",
    arguments: [[0, 4, 4], [1, -4, 4], [1, 1 << 32, 1 << 32]])
  func input(extents: [Int]) {
    let network = Network("n", input: NetworkInput(extents: extents)) { ReLU() }
    let error = #expect(throws: GraphError.self) { try network.graph() }
    #expect(error?.subject == "n")
  }

  @Test("a network whose parameters exceed the machine's memory is refused before it is made")
  func memory() {
    // 64 parameters of 4 GB each.
    let network = Network("n", input: .features(1 << 15)) {
      for _ in 0..<64 { Dense(1 << 15, bias: false) }
    }
    let error = #expect(throws: GraphError.self) { try Model(validating: network) }
    #expect(error.map { "\($0)".contains("bytes of memory, which cannot be had") } == true)
  }
}
