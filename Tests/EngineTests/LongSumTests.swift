import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

import func Foundation.exp
import func Foundation.log

/// Gradients by weights and biases are sums over the positions of all examples. Each way to compute them is within 1e-5 of the
/// sum in double precision, relative to its absolute terms, of a million terms: all alike, which single precision rounds in one
/// direction, and around a thousand deviations.
@Suite struct LongSumTests {
  struct Layer: Sendable, CustomTestStringConvertible {
    var input: Shape
    var channels: Int
    var kernel: [Int]
    var strides = [1, 1]
    var dilations = [1, 1]
    var padding = Padding.same
    var groups = 1
    var isExact = false
    /// Part of the name of what computes it.
    var implementation: String

    var testDescription: String {
      "\(input) to \(channels), \(Shape(kernel)) by \(strides), \(groups) groups, \(implementation)"
    }

    var convolution: Operation.Convolution {
      Operation.Convolution(
        strides: strides, dilations: dilations, padding: padding, groups: groups, hasBias: true)
    }

    var kernelShape: Shape { Shape([channels, input[1] / groups] + kernel) }

    /// A graph of the gradients alone.
    func graph() throws -> (graph: Graph, input: ValueID, outputGradient: ValueID) {
      var graph = Graph(name: "gradients")
      let x = graph.addInput("x", ValueType(input))
      var forward = convolution
      forward.hasBias = false
      let output = try forward.outputTypes(for: [ValueType(input), ValueType(kernelShape)])[0]
      let d = graph.addInput("d", output)
      let gradients = try graph.append(
        Operation.ConvolutionParameterGradient(convolution, kernel: kernelShape), to: [x, d],
        name: "gradients")
      graph.addOutput("weights", gradients[0])
      graph.addOutput("bias", gradients[1])
      return (graph, x, d)
    }
  }

  static let layers = [
    Layer(
      input: [1, 16, 1024, 1024], channels: 16, kernel: [3, 3], isExact: true,
      implementation: "in parts"),
    Layer(
      input: [2, 16, 512, 1024], channels: 16, kernel: [1, 1], implementation: "in parts"),
    Layer(
      input: [4096, 16, 14, 14], channels: 16, kernel: [1, 1], implementation: "in parts"),
    Layer(
      input: [8, 32, 64, 1024], channels: 16, kernel: [3, 3], groups: 2,
      implementation: "in parts"),
    Layer(
      input: [1, 16, 1024, 1024], channels: 16, kernel: [3, 3], groups: 16,
      implementation: "in parts"),
    Layer(
      input: [1 << 15, 20, 4, 4], channels: 20, kernel: [2, 2], implementation: "in parts"),
    Layer(
      input: [1, 16, 1024, 1024], channels: 16, kernel: [3, 3], implementation: "winograd"),
    Layer(
      input: [1, 16, 1024, 1024], channels: 16, kernel: [3, 3], isExact: true,
      implementation: "direct gradient"),
    Layer(
      input: [2, 16, 512, 1024], channels: 16, kernel: [1, 1], implementation: "direct gradient"),
    Layer(
      input: [4096, 16, 14, 14], channels: 16, kernel: [1, 1], implementation: "direct gradient"),
    Layer(
      input: [1 << 15, 20, 4, 4], channels: 20, kernel: [2, 2], implementation: "direct gradient"),
    Layer(
      input: [2, 3, 512, 512], channels: 32, kernel: [3, 3], implementation: "direct gradient"),
    Layer(
      input: [1, 1, 1024, 1024], channels: 6, kernel: [5, 5], implementation: "planes"),
    Layer(
      input: [4096, 2, 16, 16], channels: 3, kernel: [3, 3], implementation: "planes"),
    Layer(
      input: [1, 1, 2, 1 << 19], channels: 16, kernel: [1, 3], implementation: "channel lanes"),
    Layer(
      input: [4096, 2, 16, 16], channels: 16, kernel: [3, 3], implementation: "channel lanes"),
  ]

  static let ways: [(threads: Int, format: DataFormat)] = [
    (1, .channelsFirst), (2, .channelsFirst), (2, .channelsLast),
  ]

  /// A plane of numbers that all channels have: a sum is then the same for every pair of them.
  private func planes(_ shape: Shape, _ numbers: [Float]) -> Tensor {
    let (channels, positions) = (shape[1], shape.count / (shape[0] * shape[1]))
    var elements: [Float] = []
    elements.reserveCapacity(shape.count)
    for example in 0..<shape[0] {
      let plane = numbers[example * positions..<(example + 1) * positions]
      for _ in 0..<channels { elements += plane }
    }
    return Tensor(elements, shape: shape)
  }

  private func numbers(_ count: Int, deviation: Float, seed: UInt64) -> [Float] {
    guard deviation > 0 else { return [Float](repeating: 0.1, count: count) }
    var numbers = RandomNumbers(RandomKey(seed: seed, purpose: .input))
    return (0..<count).map { _ in 1000 + deviation * numbers.normal() }
  }

  /// The sum of products at each tap, in double precision.
  private func sums(_ layer: Layer, _ x: [Float], _ d: [Float], output: Shape) throws -> [Double] {
    let sides = try layer.convolution.sides(input: layer.input, kernel: layer.kernelShape)
    let (height, width) = (layer.input[2], layer.input[3])
    return (0..<layer.kernel[0] * layer.kernel[1]).map { tap in
      let (m, n) = (tap / layer.kernel[1], tap % layer.kernel[1])
      var sum = 0.0
      for example in 0..<layer.input[0] {
        for i in 0..<output[2] {
          let row = i + m - sides[0].before
          guard 0..<height ~= row else { continue }
          let from = (example * height + row) * width + n - sides[1].before
          let of = (example * output[2] + i) * output[3]
          for j in max(0, sides[1].before - n)..<min(output[3], width + sides[1].before - n) {
            sum += Double(x[from + j]) * Double(d[of + j])
          }
        }
      }
      return sum
    }
  }

  @Test(
    "gradients by weights and bias are within 1e-5 of double precision", arguments: layers,
    [0, 1] as [Float])
  func parameterGradients(_ layer: Layer, deviation: Float) throws {
    let (graph, input, outputGradient) = try layer.graph()
    let output = graph[outputGradient].shape
    let x = numbers(layer.input.count / layer.input[1], deviation: deviation, seed: 1)
    let d = numbers(output.count / output[1], deviation: deviation, seed: 2)
    let expected = try sums(layer, x, d, output: output)
    let bias = d.reduce(0.0) { $0 + Double($1) }
    let given = [input: planes(layer.input, x), outputGradient: planes(output, d)]
    for (threads, format) in Self.ways {
      var compute = ComputeOptions(threads: threads, tuning: .off, isExact: layer.isExact)
      if layer.implementation == "in parts" { compute.kernels = .library }
      let results = try runOnEngine(
        graph, given: given, mode: .training, format: format, compute: compute)
      let weights = try #require(results["weights"]).elements
      let error = weights.indices.reduce(0) { worst, index in
        let value = expected[index % expected.count]
        return max(worst, abs(Double(weights[index]) / value - 1))
      }
      #expect(error < 1e-5, "weights, \(threads) threads, \(format)")
      for value in try #require(results["bias"]).elements {
        #expect(abs(Double(value) / bias - 1) < 1e-5, "bias, \(threads) threads, \(format)")
      }
      let executable = try Executable(
        graph, training: ParameterStore([:]),
        options: CompilationOptions(inputFormat: format, compute: compute))
      #expect(executable.steps.contains { $0.implementation.contains(layer.implementation) })
    }
  }

  static let cut: [Layer] = {
    func layer(
      _ input: Shape, _ channels: Int, _ kernel: [Int], strides: [Int] = [1, 1],
      dilations: [Int] = [1, 1], padding: Padding = .same, groups: Int = 1
    ) -> Layer {
      Layer(
        input: input, channels: channels, kernel: kernel, strides: strides, dilations: dilations,
        padding: padding, groups: groups, isExact: true, implementation: "in parts")
    }
    return [
      // Examples, rows, and parts of a row; the last reaches back in some of each.
      layer([1289, 18, 1, 1], 3, [1, 1]),
      layer([1031, 18, 1, 2], 20, [1, 2]),
      layer([7, 18, 23, 29], 20, [1, 1]),
      layer([19, 18, 7, 9], 20, [3, 3]),
      layer([2, 20, 62, 34], 18, [3, 3], strides: [2, 1]),
      layer([2, 3, 61, 43], 18, [7, 7], strides: [2, 2], padding: .symmetric(3)),
      layer([1, 32, 3, 901], 16, [2, 3]),
      layer([1, 17, 1, 1350], 17, [1, 5]),
      layer([1, 17, 1350, 1], 17, [5, 1], strides: [2, 1]),
      layer([2, 20, 33, 31], 20, [3, 3], dilations: [3, 2], padding: .valid),
      layer(
        [2, 20, 61, 67], 20, [3, 2], strides: [3, 2],
        padding: .explicit([.init(before: 2, after: 0), .init(before: 0, after: 5)])),
      layer([3, 32, 23, 21], 48, [3, 3], groups: 2),
      layer([3, 20, 23, 21], 20, [3, 3], groups: 20),
      layer([3, 6, 23, 21], 12, [3, 3], groups: 3),
      layer([2, 6, 1000], 5, [3], strides: [2], dilations: [1], padding: .valid),
      layer([700, 17, 5], 18, [3], strides: [1], dilations: [2]),
    ]
  }()

  @Test(
    "what the library sums in parts is the reference's gradient", arguments: cut, ways)
  func parts(_ layer: Layer, _ way: (threads: Int, format: DataFormat)) throws {
    let (threads, format) = way
    let (graph, x, d) = try layer.graph()
    let given = [
      x: Tensor.random(graph[x].shape, seed: 3, in: -1..<1),
      d: Tensor.random(graph[d].shape, seed: 4, in: -1..<1),
    ]
    var compute = ComputeOptions(threads: threads, tuning: .off, isExact: true)
    compute.kernels = .library
    try expectReferenceOutputs(
      of: graph, given: given, mode: .training, format: format, threads: threads, compute: compute)
    let executable = try Executable(
      graph, training: ParameterStore([:]),
      options: CompilationOptions(inputFormat: format, compute: compute))
    #expect(executable.steps.contains { $0.implementation.contains("in parts") })
  }

  @Test(
    "gradients of a dense layer are within 1e-5 of double precision", arguments: [1, 2],
    [0, 1] as [Float])
  func dense(threads: Int, deviation: Float) throws {
    let examples = 1 << 20
    var graph = Graph(name: "gradients")
    let x = graph.addInput("x", ValueType([examples, 6]))
    let d = graph.addInput("d", ValueType([examples, 5]))
    let gradients = try graph.append(
      Operation.DenseParameterGradient(hasBias: true), to: [x, d], name: "gradients")
    graph.addOutput("weights", gradients[0])
    graph.addOutput("bias", gradients[1])
    let (left, right) = (
      numbers(examples, deviation: deviation, seed: 5),
      numbers(examples, deviation: deviation, seed: 6)
    )
    let results = try runOnEngine(
      graph, given: [x: planes([examples, 6], left), d: planes([examples, 5], right)],
      mode: .training, threads: threads)
    let product = zip(left, right).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let bias = right.reduce(0.0) { $0 + Double($1) }
    for value in try #require(results["weights"]).elements {
      #expect(abs(Double(value) / product - 1) < 1e-5)
    }
    for value in try #require(results["bias"]).elements {
      #expect(abs(Double(value) / bias - 1) < 1e-5)
    }
  }

  @Test(
    "sums of channels are those of double precision, wherever the channels lie",
    arguments: [[3, 5], [4099, 20], [2, 17, 1031], [3, 20, 63, 31], [1, 1, 1024, 1024]], ways)
  func channelSums(extents: [Int], _ way: (threads: Int, format: DataFormat)) throws {
    let (threads, format) = way
    let shape = Shape(extents)
    var graph = Graph(name: "sums")
    let x = graph.addInput("x", ValueType(shape))
    graph.addOutput("sums", try graph.append(Operation.ChannelSum(), to: x, name: "sums"))
    let tensor = Tensor(numbers(shape.count, deviation: 1, seed: 7), shape: shape)
    let results = try runOnEngine(
      graph, given: [x: tensor], mode: .training, format: format, threads: threads)
    let actual = try #require(results["sums"]).elements
    let (elements, positions) = (tensor.elements, shape.count / (shape[0] * shape[1]))
    for channel in 0..<shape[1] {
      let expected = (0..<shape[0]).reduce(0.0) { sum, example in
        let first = (example * shape[1] + channel) * positions
        return elements[first..<first + positions].reduce(sum) { $0 + Double($1) }
      }
      #expect(abs(Double(actual[channel]) / expected - 1) < 1e-6)
    }
  }

  @Test(
    "an element that upsampling makes many of has the gradient that they add up to",
    arguments: Operation.Upsample.Mode.allCases, [0, 1] as [Float])
  func upsampling(mode: Operation.Upsample.Mode, deviation: Float) throws {
    for factors in [[24, 24], [256, 128], [9000]] {
      let upsample = Operation.Upsample(factors: factors, mode: mode)
      let input = Shape([2, 3] + (factors.count > 1 ? [2, 3] : [3]))
      let output = try upsample.outputTypes(for: [ValueType(input)])[0].shape
      let incoming = Tensor(
        numbers(output.count, deviation: deviation, seed: 10), shape: output)
      var graph = Graph(name: "upsampling")
      let d = graph.addInput("d", ValueType(output))
      graph.addOutput(
        "gradient",
        try graph.append(Operation.UpsampleGradient(upsample), to: [d], name: "gradient")[0])
      try expectReferenceOutputs(of: graph, given: [d: incoming], mode: .training)
    }
  }

  // Products are sums of some hundreds that are added: no gradient, and no reduction over examples and positions,
  // so its single precision stays; terms that are all alike show the most that it may cost.
  @Test(
    "forward sums of many inputs are within 1e-5 of double precision, 3e-5 where terms are alike",
    arguments: [1, 2], [0, 1] as [Float])
  func forward(threads: Int, deviation: Float) throws {
    // As long as those of the networks of the zoo, the longest of which is the first dense layer of VGG.
    let layers: [(input: Shape, kernel: Shape)] = [
      ([1, 25088], [9, 25088]), ([33, 25088], [9, 25088]), ([1, 512, 7, 7], [16, 512, 7, 7]),
      ([2, 8192, 1, 1], [32, 8192, 1, 1]), ([2, 2048, 3, 3], [32, 2048, 3, 3]),
      ([2, 3, 11, 11], [20, 3, 11, 11]),
    ]
    for (input, kernel) in layers {
      var graph = Graph(name: "forward")
      let x = graph.addInput("x", ValueType(input))
      let w = graph.addInput("w", ValueType(kernel))
      let y =
        input.rank == 2
        ? try graph.append(Operation.Dense(hasBias: false), to: [x, w], name: "y")[0]
        : try graph.append(
          Operation.Convolution(
            strides: [1, 1], dilations: [1, 1], padding: .valid, groups: 1, hasBias: false),
          to: [x, w], name: "y")[0]
      graph.addOutput("y", y)
      let given = [
        x: Tensor(numbers(input.count, deviation: deviation, seed: 11), shape: input),
        w: Tensor(numbers(kernel.count, deviation: deviation, seed: 12), shape: kernel),
      ]
      let (a, b) = (try #require(given[x]).elements, try #require(given[w]).elements)
      let expected = zip(a.prefix(kernel.count / kernel[0]), b).reduce(0.0) {
        $0 + Double($1.0) * Double($1.1)
      }
      let results = try runOnEngine(graph, given: given, mode: .training, threads: threads)
      let actual = Double(try #require(results["y"]).elements[0])
      let bound = deviation == 0 ? 3e-5 : 1e-5
      #expect(abs(actual / expected - 1) < bound, "\(input) by \(kernel)")
    }
  }

  @Test(
    "many positions of padding have the gradient that they add up to", arguments: [0, 1] as [Float])
  func padding(deviation: Float) throws {
    let side = 500
    var graph = Graph(name: "padding")
    let sides = [Padding.Sides](repeating: .init(before: side, after: side), count: 2)
    let pad = Operation.Pad(sides: sides, mode: .edge)
    let d = graph.addInput("d", ValueType([1, 1, 2 + 2 * side, 2 + 2 * side]))
    let gradient = try graph.append(
      Operation.PadGradient(pad, inputShape: [1, 2, 2]), to: d, name: "gradient")
    graph.addOutput("gradient", gradient)
    let extent = 2 + 2 * side
    let numbers = numbers(extent * extent, deviation: deviation, seed: 8)
    let results = try runOnEngine(
      graph, given: [d: Tensor(numbers, shape: graph[d].shape)], mode: .training)
    let actual = try #require(results["gradient"]).elements
    for corner in 0..<4 {
      let (rows, columns) = (corner / 2 * (side + 1), corner % 2 * (side + 1))
      var expected = 0.0
      for i in rows..<rows + side + 1 {
        for j in columns..<columns + side + 1 { expected += Double(numbers[i * extent + j]) }
      }
      #expect(abs(Double(actual[corner]) / expected - 1) < 1e-5)
    }
  }

  @Test(
    "a softmax over many classes adds up to one, and its gradient is double precision's",
    arguments: [false, true], [1, 3])
  func softmax(isLogarithmic: Bool, positions: Int) throws {
    let classes = 1 << 18
    let shape: Shape = positions == 1 ? [2, classes] : [1, classes, positions]
    var graph = Graph(name: "softmax")
    let x = graph.addInput("x", ValueType(shape))
    let d = graph.addInput("d", ValueType(shape))
    let y = try graph.append(Operation.Softmax(isLogarithmic: isLogarithmic), to: x, name: "y")
    graph.addOutput("y", y)
    let gradient = try graph.append(
      Operation.SoftmaxGradient(isLogarithmic: isLogarithmic), to: [y, d], name: "gradient")
    graph.addOutput("gradient", gradient[0])
    let given = [
      // All alike but one, as the terms of its sum are.
      x: Tensor((0..<shape.count).map { $0 == 5 ? 1 : Float(0.3) }, shape: shape),
      d: Tensor.random(shape, seed: 9, in: 0.9..<1.1),
    ]
    let results = try runOnEngine(graph, given: given, mode: .training)
    let actual = try #require(results["y"]).elements
    let gradients = try #require(results["gradient"]).elements
    let (inputs, incoming) = (
      try #require(given[x]).elements.map(Double.init),
      try #require(given[d]).elements.map(Double.init)
    )
    let columns = positions == 1 ? 2 : positions
    for column in 0..<columns {
      let places = (0..<classes).map {
        positions == 1 ? column * classes + $0 : $0 * positions + column
      }
      let total = places.reduce(0.0) { $0 + exp(inputs[$1]) }
      let probabilities = places.map { exp(inputs[$0]) / total }
      let sum = zip(places, probabilities).reduce(0.0) {
        $0 + (isLogarithmic ? 1 : $1.1) * incoming[$1.0]
      }
      var worst = 0.0
      for (place, probability) in zip(places, probabilities) {
        let value = isLogarithmic ? log(probability) : probability
        worst = max(worst, abs(Double(actual[place]) / value - 1))
        let gradient =
          isLogarithmic
          ? incoming[place] - probability * sum : probability * (incoming[place] - sum)
        let terms = isLogarithmic ? 2 : 2 * probability
        worst = max(worst, abs(Double(gradients[place]) - gradient) / terms)
      }
      #expect(worst < 1e-5)
    }
  }
}
