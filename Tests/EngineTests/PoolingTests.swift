import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Pooling within networks.
@Suite("Pooling") struct PoolingTests {
  /// The gradients were off by 35 to 150 %: the places of the maxima lay in one order and were read in another.
  @Test(
    "the gradient through maxima of joined branches, one of them of one channel",
    arguments: [1, 2, 3, 5, 8, 16, 32])
  func joinedBranches(batch: Int) throws {
    var graph = Graph(name: "joined")
    var given: [ValueID: Tensor] = [:]
    func parameter(_ shape: Shape, _ kind: ParameterKind) -> ValueID {
      let id = graph.addParameter("parameter\(given.count)", shape, kind)
      given[id] = .random(shape, seed: UInt64(given.count), in: -0.3..<0.3)
      return id
    }
    let picture = graph.addInput("picture", ValueType([batch, 1, 12, 12]))
    given[picture] = .random([batch, 1, 12, 12], seed: 99)
    let branches = try [1, 8].map { channels in
      try graph.append(
        Operation.Convolution(strides: [1, 1], padding: .same, hasBias: false), to: picture,
        parameter([channels, 1, 3, 3], .kernel), name: "branch of \(channels)")
    }
    let joined = try graph.append(Operation.Concatenate(), to: branches, name: "joined")[0]
    let pooled = try graph.append(
      Operation.MaxPooling(window: [2, 2], strides: [2, 2]), to: joined, name: "maxima")
    let flat = try graph.append(
      Operation.Flatten(order: .channelsLast), to: pooled, name: "flat")
    let logits = try graph.append(
      Operation.Dense(hasBias: false), to: flat, parameter([10, 9 * 36], .kernel), name: "dense")
    let labels = graph.addInput("labels", ValueType([batch], .int32))
    given[labels] = .randomClasses(10, examples: batch, seed: 7)
    let loss = try graph.append(Operation.CrossEntropy(), to: [logits, labels], name: "loss")[0]
    graph.addOutput("loss", loss)
    for format in DataFormat.allCases {
      try expectReferenceGradients(
        of: graph, loss: loss, by: graph.parameters, given: given, mode: .training,
        format: format)
    }
  }

  /// A convolution that changes nothing but the layout: the library's own, in blocks of channels.
  private func identity(
    of x: ValueID, in graph: inout Graph, _ given: inout [ValueID: Tensor]
  ) throws -> ValueID {
    let channels = graph[x].shape[1]
    let kernel = graph.addParameter("identity", [channels, channels, 1, 1], .kernel)
    given[kernel] = Tensor(
      (0..<channels * channels).map { $0 % (channels + 1) == 0 ? Float(1) : 0 },
      shape: graph[kernel].shape)
    return try graph.append(
      Operation.Convolution(strides: [1, 1], dilations: [2, 2], hasBias: false), to: x, kernel,
      name: "identity")
  }

  @Test(
    "means of many elements are within 1e-5, whatever lies where and on however many threads",
    arguments: [false, true], [1, 2])
  func longMeans(isBlocked: Bool, threads: Int) throws {
    for (format, channels, extent) in [
      (DataFormat.channelsFirst, 2, 1100), (.channelsLast, 2, 1100), (.channelsLast, 9, 400),
      (.channelsFirst, 17, 300),
    ] {
      var graph = Graph(name: "means")
      let shape: Shape = [1, channels, extent, extent]
      let input = graph.addInput("x", ValueType(shape))
      var given = [input: Tensor.random(shape, seed: 3, in: 998..<1002)]
      let x = isBlocked ? try identity(of: input, in: &graph, &given) : input
      graph.addOutput(
        "global",
        try graph.append(Operation.GlobalPooling(kind: .average), to: x, name: "global"))
      let window = [extent, extent]
      graph.addOutput(
        "windows",
        try graph.append(
          Operation.AveragePooling(window: window, strides: window), to: x,
          name: "windows"))
      let outputs = try runOnEngine(
        graph, given: given, mode: .inference, format: format, threads: threads)
      let elements = try #require(given[input]).elements
      let plane = extent * extent
      let expected = (0..<channels).map { channel in
        elements[channel * plane..<(channel + 1) * plane].reduce(0.0) { $0 + Double($1) }
          / Double(plane)
      }
      for name in ["global", "windows"] {
        for (mean, expected) in zip(try #require(outputs[name]).elements, expected) {
          #expect(abs(Double(mean) / expected - 1) < 1e-6, "\(name) \(format) \(shape)")
        }
      }
    }
  }

  @Test(
    "NaN goes through maxima in every kernel, and its gradient to where it was",
    arguments: [1, 3, 8, 16, 20], DataFormat.allCases)
  func notANumber(channels: Int, format: DataFormat) throws {
    for (window, isBlocked) in [
      ([2, 2], false), ([3, 3], true), ([9, 9], false), ([2, 2], true),
    ] {
      var graph = Graph(name: "NaN")
      let shape: Shape = [2, channels, 9, 9]
      let input = graph.addInput("x", ValueType(shape))
      var elements = Tensor.random(shape, seed: 4).elements
      let bad = 81 * channels + 40
      elements[bad] = .nan
      var given = [input: Tensor(elements, shape: shape)]
      // Multiplied by zero it would spread to all channels: one convolution of its own for each.
      var x: ValueID = input
      if isBlocked {
        let kernel = graph.addParameter("identity", [channels, 1, 1, 1], .kernel)
        given[kernel] = Tensor([Float](repeating: 1, count: channels), shape: [channels, 1, 1, 1])
        x = try graph.append(
          Operation.Convolution(strides: [1, 1], groups: channels, hasBias: false), to: input,
          kernel, name: "identity")
      }
      let pooled = try graph.append(
        Operation.MaxPooling(window: window, strides: window), to: x, name: "maxima")
      graph.addOutput("y", pooled)
      let weights = graph.addInput("weights", graph[pooled].type)
      given[weights] = .random(graph[pooled].shape, seed: 6, in: 1..<2)
      let product = try graph.append(Operation.Multiply(), to: pooled, weights, name: "product")
      let loss = try graph.append(
        Operation.MeanSquaredError(), to: product, weights, name: "loss")
      let inference = try runOnEngine(graph, given: given, mode: .inference, format: format)
      #expect(
        try #require(inference["y"]).elements.count(where: \.isNaN) == 1, "\(window), inference")
      var (training, gradients) = try graph.differentiated(loss: loss, byInputs: [input])
      training.addOutput("gradient", try #require(gradients[input]))
      let outputs = try runOnEngine(training, given: given, mode: .training, format: format)
      #expect(try #require(outputs["y"]).elements.count(where: \.isNaN) == 1, "\(window)")
      let gradient = try #require(outputs["gradient"]).elements
      #expect(gradient.indices.filter { gradient[$0].isNaN } == [bad], "\(window)")
    }
  }

  /// Looking at every tap took more than 20 s.
  @Test(
    "windows of a thousand million take time proportional to the elements",
    arguments: [Padding.same, .explicit([.init(before: (1 << 30) - 1, after: 0)])])
  func hugeWindows(padding: Padding) throws {
    let shape: Shape = [1, 2, 20_000]
    var graph = Graph(name: "huge")
    let input = graph.addInput("x", ValueType(shape))
    let window = [1 << 30]
    for (name, attributes) in [
      ("maxima", Operation.MaxPooling(window: window, strides: [1], padding: padding)),
      ("means", Operation.AveragePooling(window: window, strides: [1], padding: padding)),
    ] as [(String, any OperationAttributes)] {
      graph.addOutput(name, try graph.append(attributes, to: [input], name: name)[0])
    }
    let x = Tensor.random(shape, seed: 1)
    let outputs = try runOnEngine(graph, given: [input: x], mode: .inference)
    let maxima = try #require(outputs["maxima"]).elements
    let means = try #require(outputs["means"]).elements
    for channel in 0..<2 {
      let elements = x.elements[channel * 20_000..<(channel + 1) * 20_000].map(Double.init)
      var (largest, sum) = (-Double.infinity, 0.0)
      let isSame = padding == .same
      var faults = 0
      for (index, element) in elements.enumerated() {
        (largest, sum) = (max(largest, element), sum + element)
        let maximum = isSame ? elements.max() ?? 0 : largest
        let mean =
          isSame ? elements.reduce(0, +) / Double(elements.count) : sum / Double(index + 1)
        if isSame, index > 3 { break }
        let place = channel * 20_000 + index
        if Double(maxima[place]) != maximum || abs(Double(means[place]) - mean) > 1e-6 {
          faults += 1
        }
      }
      #expect(faults == 0)
    }
  }
}
