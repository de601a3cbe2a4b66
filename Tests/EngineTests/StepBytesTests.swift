import CKernels
import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// What steps read and write at least, and what kind they are, against numbers by hand.
@Suite("Bytes of steps") struct StepBytesTests {
  /// A graph of one input `x`, its parameters zeros, compiled.
  private func steps(
    _ shape: Shape, threads: Int = 1, exact: Bool = false,
    denseWeights: ComputeOptions.DenseWeights = .float32,
    _ build: (inout Graph, ValueID) throws -> ValueID
  ) throws -> [StepDescription] {
    var graph = Graph(name: "steps")
    let input = graph.addInput("x", ValueType(shape))
    graph.addOutput("y", try build(&graph, input))
    var parameters: [String: Tensor] = [:]
    for id in graph.parameters { parameters[graph[id].name] = Tensor(zeros: graph[id].shape) }
    var compute = ComputeOptions(threads: threads, isExact: exact)
    compute.denseWeights = denseWeights
    let executable = try Executable(
      graph, parameters: parameters,
      options: CompilationOptions(inputFormat: .channelsFirst, compute: compute))
    return executable.steps
  }

  private func only(_ kind: StepKind, of steps: [StepDescription]) throws -> StepDescription {
    let found = steps.filter { $0.kind == kind }
    #expect(found.count == 1, "\(steps)")
    return try #require(found.first)
  }

  @Test("a dense layer reads input, weights and bias, and writes its output")
  func dense() throws {
    let steps = try steps([2, 8]) { graph, x in
      let kernel = graph.addParameter("weight", [4, 8], .kernel)
      let bias = graph.addParameter("bias", [4], .bias)
      return try graph.append(Operation.Dense(), to: x, kernel, bias, name: "dense")
    }
    #expect(steps.map(\.kind) == [.dense])
    #expect(steps.map(\.multiplyAdds) == [2 * 8 * 4])
    #expect(steps.map(\.byteCount) == [4 * (2 * 8 + 4 * 8 + 4 + 2 * 4)])
  }

  @Test("an activation reads and writes each element, in place or not")
  func activations() throws {
    let steps = try steps([2, 4, 16, 16]) { graph, x in
      let first = try graph.append(Operation.Activation(.tanh), to: x, name: "first")
      return try graph.append(Operation.Activation(.sigmoid), to: first, name: "second")
    }
    let count = 2 * 4 * 16 * 16
    #expect(steps.map(\.kind) == [.activation, .activation])
    #expect(steps.map(\.byteCount) == [8 * count, 8 * count])
  }

  @Test(
    "an activation after a layer of our own is a part of it, or a step that multiplies nothing",
    arguments: [.relu, .tanh, .sigmoid, .elu(alpha: 1)] as [ActivationFunction])
  func fewChannels(_ function: ActivationFunction) throws {
    let steps = try steps([2, 1, 12, 12]) { graph, x in
      let kernel = graph.addParameter("weight", [6, 1, 5, 5], .kernel)
      let y = try graph.append(
        Operation.Convolution(strides: [1, 1], hasBias: false), to: x, kernel, name: "conv")
      return try graph.append(Operation.Activation(function), to: y, name: "activation")
    }
    let output = 2 * 6 * 8 * 8
    // Scratch memory does not count.
    let convolution = 4 * (2 * 12 * 12 + 6 * 25 + output)
    let isSeparate = function == .elu(alpha: 1)
    #expect(steps.map(\.kind) == (isSeparate ? [.fewChannels, .activation] : [.fewChannels]))
    #expect(steps.map(\.multiplyAdds) == (isSeparate ? [output * 25, 0] : [output * 25]))
    #expect(steps.map(\.byteCount) == (isSeparate ? [convolution, 8 * output] : [convolution]))
  }

  @Test("a residual block by Winograd's algorithm reads packed weights and what it adds to")
  func winograd() throws {
    let shape: Shape = [2, 32, 12, 12]
    let step = try only(.winograd, of: steps(shape) { try residual(&$0, $1, window: 3) })
    #expect(step.multiplyAdds == shape.count * 32 * 9)
    // Of each tile of 4x4 by 36 products instead of 144.
    #expect(step.performedMultiplyAdds == step.multiplyAdds / 4)
    var geometry = ck_winograd()
    (geometry.in_channels, geometry.out_channels) = (32, 32)
    (geometry.kernel_height, geometry.kernel_width) = (3, 3)
    let packed = ck_winograd_weights_size(&geometry)
    #expect(step.byteCount == 4 * (3 * shape.count + packed + 32))
  }

  @Test(
    "Winograd's algorithm does the products of whole tiles, those over the edge too, in all directions",
    arguments: [
      (window: [5, 5], extent: 9, tile: 64, tiles: 9), ([1, 7], 8, 10, 16), ([7, 1], 17, 10, 85),
      ([1, 3], 4, 6, 4),
    ])
  func performed(window: [Int], extent: Int, tile: Int, tiles: Int) throws {
    var graph = Graph(name: "one layer")
    let image = graph.addInput("image", ValueType([2, 64, extent, extent]))
    let target = graph.addInput("target", ValueType([2, 64, extent, extent]))
    let kernel = graph.addParameter("weight", Shape([64, 64] + window), .kernel)
    let result = try graph.append(
      Operation.Convolution(strides: [1, 1], padding: .same, hasBias: false), to: image, kernel,
      name: "conv")
    let loss = try graph.append(Operation.MeanSquaredError(), to: result, target, name: "loss")
    var (training, gradients) = try graph.differentiated(loss: loss, byInputs: [image])
    training.outputs = []
    for variable in [image, kernel] {
      training.addOutput("by \(variable)", try #require(gradients[variable]))
    }
    let executable = try Executable(
      training, training: ParameterStore(["weight": Tensor(zeros: Shape([64, 64] + window))]),
      options: CompilationOptions(threads: 1))
    let steps = executable.steps.filter { $0.kind == .winograd }
    #expect(
      steps.map(\.performedMultiplyAdds)
        == [Int](repeating: 2 * tiles * tile * 64 * 64, count: 3))
  }

  @Test(
    "a residual block as it is written reads what the library adds to",
    arguments: [(window: 1, kind: StepKind.pointwise), (window: 3, kind: StepKind.direct)])
  func direct(window: Int, kind: StepKind) throws {
    let shape: Shape = [2, 32, 12, 12]
    let steps = try steps(shape, exact: true) { try residual(&$0, $1, window: window) }
    let step = try only(kind, of: steps)
    let weights = 32 * 32 * window * window
    #expect(step.multiplyAdds == shape.count * 32 * window * window)
    #expect(step.performedMultiplyAdds == step.multiplyAdds)
    #expect(step.byteCount == 4 * (3 * shape.count + weights + 32))
    for reorder in steps where reorder.kind == .reorder {
      #expect(reorder.byteCount == 8 * shape.count && reorder.multiplyAdds == 0)
    }
  }

  /// sigmoid(x) + convolution(tanh(x)): the sum is fused.
  private func residual(_ graph: inout Graph, _ x: ValueID, window: Int) throws -> ValueID {
    let kernel = graph.addParameter("weight", [32, 32, window, window], .kernel)
    let bias = graph.addParameter("bias", [32], .bias)
    let first = try graph.append(Operation.Activation(.tanh), to: x, name: "first")
    let y = try graph.append(
      Operation.Convolution(strides: [1, 1], padding: .same), to: first, kernel, bias, name: "conv")
    let other = try graph.append(Operation.Activation(.sigmoid), to: x, name: "second")
    return try graph.append(Operation.Add(), to: y, other, name: "shortcut")
  }

  @Test("pooling reads and writes once; joined and cut values count as far as they are used")
  func movements() throws {
    let shape: Shape = [2, 4, 8, 8]
    let pooled = try steps(shape) { graph, x in
      try graph.append(
        Operation.AveragePooling(window: [2, 2], strides: [2, 2]), to: x, name: "pool")
    }
    #expect(pooled.map(\.kind) == [.pooling])
    #expect(pooled.map(\.byteCount) == [4 * (shape.count + shape.count / 4)])

    let joined = try steps(shape) { graph, x in
      let y = try graph.append(Operation.Activation(.tanh), to: x, name: "tanh")
      return try graph.append(Operation.Concatenate(axis: 1), to: [x, y], name: "join")[0]
    }
    #expect(try only(.concatenation, of: joined).byteCount == 4 * 4 * shape.count)

    let cut = try steps(shape) { graph, x in
      try graph.append(Operation.Slice(axis: 1, start: 1, count: 2), to: x, name: "cut")
    }
    #expect(cut.map(\.kind) == [.reorder])
    #expect(cut.map(\.byteCount) == [2 * 4 * shape.count / 2])
  }

  @Test("what a kernel adds to in place is read too")
  func addition() throws {
    let steps = try steps([2, 8], denseWeights: .int8) { graph, x in
      let kernel = graph.addParameter("weight", [8, 8], .kernel)
      let bias = graph.addParameter("bias", [8], .bias)
      let other = try graph.append(Operation.Activation(.tanh), to: x, name: "other")
      let y = try graph.append(Operation.Dense(), to: x, kernel, bias, name: "dense")
      return try graph.append(Operation.Add(), to: y, other, name: "sum")
    }
    let packed = ck_dense_packed_size(CK_DENSE_INT8, 8, 8)
    #expect(try only(.dense, of: steps).byteCount == 4 * (16 + 8 + 2 * 16) + packed)
  }

  @Test(
    "what is written for numbers alone that are none does not count, but a sum that is corrected",
    arguments: [10, 1000])
  func softmax(classes: Int) throws {
    let steps = try steps([4, classes]) { graph, x in
      try graph.append(Operation.Softmax(), to: x, name: "softmax")
    }
    let count = 4 * classes
    let corrections = classes > 512 ? 3 : 1
    #expect(steps.map(\.byteCount) == [2 * 4 * count, corrections * 4 * count])
  }

  @Test("parts of one value are each read; what is given twice is read once, by all kernels")
  func sameMemory() throws {
    let shape: Shape = [1, 32, 12, 12]
    let parts = try steps(shape) { graph, x in
      let kernel = graph.addParameter("weight", [32, 32, 3, 3], .kernel)
      let y = try graph.append(
        Operation.Convolution(strides: [1, 1], padding: .same, hasBias: false), to: x, kernel,
        name: "conv")
      let first = try graph.append(
        Operation.Slice(axis: 1, start: 0, count: 16), to: y, name: "first")
      let second = try graph.append(
        Operation.Slice(axis: 1, start: 16, count: 16), to: y, name: "second")
      return try graph.append(Operation.Add(), to: first, second, name: "sum")
    }
    #expect(try only(.elementwise, of: parts).byteCount == 4 * 3 * shape.count / 2)

    let twice = try steps(shape) { graph, x in
      let y = try graph.append(Operation.Activation(.tanh), to: x, name: "tanh")
      return try graph.append(Operation.MeanSquaredError(), to: y, y, name: "loss")
    }
    #expect(try only(.loss, of: twice).byteCount == 4 * (shape.count + 1))
  }

  @Test("a training step of our own kernels reads and writes values and parameters, no scratch")
  func training() throws {
    var graph = Graph(name: "training")
    let image = graph.addInput("image", ValueType([2, 3, 8, 8]))
    let target = graph.addInput("target", ValueType([2, 6, 4, 4]))
    let kernel = graph.addParameter("kernel", [6, 3, 3, 3], .kernel)
    let bias = graph.addParameter("bias", [6], .bias)
    let vectors = [
      graph.addParameter("scale", [6], .scale), graph.addParameter("shift", [6], .shift),
      graph.addParameter("mean", [6], .runningMean),
      graph.addParameter("variance", [6], .runningVariance),
    ]
    let y = try graph.append(
      Operation.Convolution(strides: [1, 1], padding: .same), to: image, kernel, bias,
      name: "conv")
    let normalized = try graph.append(
      Operation.BatchNormalization(), to: [y] + vectors, name: "norm")[0]
    let pooled = try graph.append(
      Operation.MaxPooling(window: [2, 2], strides: [2, 2]), to: normalized, name: "pool")
    graph.addOutput("pooled", pooled)
    graph = try graph.specialized(for: .training)
    let loss = try graph.append(
      Operation.MeanSquaredError(), to: graph.outputs[0].value, target, name: "loss")
    var (training, gradients) = try graph.differentiated(loss: loss)
    training.outputs = []
    training.addOutput("loss", loss)
    var parameters: [String: Tensor] = [:]
    for id in graph.parameters {
      parameters[graph[id].name] = Tensor(zeros: graph[id].shape)
      if let gradient = gradients[id] { training.addOutput("by \(graph[id].name)", gradient) }
    }
    let executable = try Executable(
      training, training: ParameterStore(parameters),
      options: CompilationOptions(inputFormat: .channelsFirst, threads: 1))
    var byteCounts: [String: [Int]] = [:]
    for step in executable.steps {
      byteCounts[step.implementation, default: []].append(step.byteCount)
    }
    let (input, weights, value, maxima) = (2 * 3 * 64, 6 * 27, 2 * 6 * 64, 2 * 6 * 16)
    #expect(byteCounts["planes"] == [4 * (input + weights + 6 + value)])
    #expect(byteCounts["normalization"] == [4 * (2 * value + 4 * 6)])
    #expect(byteCounts["moving average"] == [4 * 3 * 6, 4 * 3 * 6])
    // Places of maxima are bytes.
    #expect(byteCounts["max pooling"] == [4 * (value + maxima) + maxima])
    #expect(byteCounts["squared error"] == [4 * (2 * maxima + 1)])
    #expect(byteCounts["max pooling gradient"] == [4 * (value + maxima) + maxima])
    #expect(byteCounts["normalization gradient"] == [4 * (3 * value + 5 * 6)])
    #expect(byteCounts["planes gradient"] == [4 * (input + value + weights + 6)])
  }

  @Test("steps of all kinds multiply what the graph's cost says", arguments: [1, 2])
  func costs(threads: Int) throws {
    let network = try SmallNetwork()
    let (training, _, _) = try network.training()
    let executable = try Executable(
      training, training: ParameterStore(network.parameters),
      options: CompilationOptions(threads: threads))
    let sum = executable.steps.reduce(0) { $0 + $1.multiplyAdds }
    #expect(sum == training.cost.multiplyAdds)
    #expect(executable.steps.allSatisfy { $0.byteCount > 0 })

    let inference = try Executable(
      network.graph, parameters: network.parameters, options: CompilationOptions(threads: threads))
    let specialized = try network.graph.specialized(for: .inference)
    #expect(
      inference.steps.reduce(0) { $0 + $1.multiplyAdds } == specialized.cost.multiplyAdds)
    // A batch in shards is the same work; each shard reads the weights.
    #expect(inference.shardCount == threads)
  }
}
