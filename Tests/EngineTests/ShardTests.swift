import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// A batch in shards, one a thread, computes what one thread does with the whole.
@Suite struct ShardTests {
  private static let batch = 6

  @Test("outputs of examples are joined in order", arguments: [2, 3])
  func inference(_ threads: Int) throws {
    let network = try makeNetwork()
    var whole = try Executable(
      network.graph, parameters: network.parameters, options: CompilationOptions(threads: 1))
    var sharded = try Executable(
      network.graph, parameters: network.parameters, options: CompilationOptions(threads: threads))
    #expect(whole.shardCount == 1 && sharded.shardCount == threads)
    let image = Tensor.random([Self.batch, 12, 12, 1], seed: 5, in: 0..<1)
    let expected = try #require(whole.run(["image": image])["logits"])
    let actual = try #require(sharded.run(["image": image])["logits"])
    #expect(relativeDifference(actual, ReferenceValue(expected)) < 1e-6)
  }

  @Test(
    "in inference a thread computes shards one after the other in one memory, each as it is by itself",
    arguments: [1, 2, 3, 5])
  func turns(_ threads: Int) throws {
    let (batch, extent) = (6, 96)
    func graph(_ batch: Int) throws -> Graph {
      var graph = Graph(name: "large values")
      let x = graph.addInput("x", ValueType([batch, 3, extent, extent]))
      let kernel = graph.addParameter("kernel", [16, 3, 3, 3], .kernel)
      let y = try graph.append(
        Operation.Convolution(strides: [1, 1], padding: .same, hasBias: false), to: x, kernel,
        name: "y")
      let pooled = try graph.append(Operation.GlobalPooling(kind: .average), to: y, name: "pooled")
      graph.addOutput("y", y)
      graph.addOutput("pooled", pooled)
      graph.addOutput("kernel", try graph.append(Operation.Add(), to: kernel, name: "copy"))
      return graph
    }
    let parameters = ["kernel": Tensor.random([16, 3, 3, 3], seed: 1)]
    let options = CompilationOptions(inputFormat: .channelsFirst, threads: threads)
    var executable = try Executable(graph(batch), parameters: parameters, options: options)
    // Of five threads one would wait while the others compute their second.
    #expect(executable.shardCount == (threads == 5 ? 1 : batch))
    let memory = try ExecutableMemory(of: graph(batch), options: options)
    #expect(memory.activationByteCount == executable.activationByteCount)

    var single = try Executable(
      graph(1), parameters: parameters,
      options: CompilationOptions(inputFormat: .channelsFirst, threads: 1))
    for seed in [5, 6] as [UInt64] {
      let x = Tensor.random([batch, 3, extent, extent], seed: seed)
      let outputs = try executable.run(["x": x])
      #expect(outputs["kernel"] == parameters["kernel"])
      for example in 0..<batch {
        let alone = try single.run(["x": x.example(example)])
        for name in ["y", "pooled"] {
          let part = try #require(outputs[name]).example(example)
          guard threads < 5 else {
            let expected = ReferenceValue(try #require(alone[name]))
            #expect(relativeDifference(part, expected) < 1e-6)
            continue
          }
          #expect(part == alone[name], "\(name) of \(example)")
        }
      }
    }
  }

  @Test("two outputs that are one value are both joined, at every run")
  func twoNames() throws {
    var network = try makeNetwork()
    let value = try #require(network.graph.outputs.first?.value)
    network.graph.addOutput("again", value)
    var sharded = try Executable(
      network.graph, parameters: network.parameters, options: CompilationOptions(threads: 2))
    #expect(sharded.shardCount == 2)
    for seed in [5, 6] as [UInt64] {
      let image = Tensor.random([Self.batch, 12, 12, 1], seed: seed, in: 0..<1)
      let outputs = try sharded.run(["image": image])
      #expect(outputs["again"] == outputs["logits"] && outputs.count == 2)
    }
  }

  @Test("the loss and every gradient are those of the whole batch, dropout's mask included")
  func training() throws {
    let network = try makeNetwork()
    let graph = try trainingGraph(network.graph)
    var whole = try Executable(
      graph, training: ParameterStore(network.parameters), options: CompilationOptions(threads: 1))
    var sharded = try Executable(
      graph, training: ParameterStore(network.parameters), options: CompilationOptions(threads: 2))
    #expect(sharded.shardCount == 2)
    let inputs: [String: Tensor] = [
      "image": .random([Self.batch, 12, 12, 1], seed: 5, in: 0..<1),
      "labels": .randomClasses(4, examples: Self.batch, seed: 6),
    ]
    for step in 0..<3 {
      let expected = try whole.run(inputs, step: step, seed: 9)
      let actual = try sharded.run(inputs, step: step, seed: 9)
      for (name, value) in expected {
        let tensor = try #require(actual[name])
        #expect(
          relativeDifference(tensor, ReferenceValue(value)) < 1e-5, "\(name) at step \(step)")
      }
    }
  }

  @Test(
    "outputs and gradients, by inputs and by parameters, are those of the whole batch",
    arguments: OperationCase.all)
  func operations(_ operation: OperationCase) throws {
    let graph = try operation.graph()
    for mode in operation.modes {
      try expectReferenceOutputs(
        of: graph, given: operation.given(in: graph), mode: mode, threads: 2,
        tolerance: operation.tolerance)
    }
    guard operation.hasGradient else { return }
    let training = try operation.training()
    let parameters = training.variables.filter { graph.parameters.contains($0) }
    for variables in [training.variables, parameters] where !variables.isEmpty {
      try expectReferenceGradients(
        of: training.graph, loss: training.loss, by: variables,
        given: operation.given(in: training.graph),
        mode: operation.modes.contains(.training) ? .training : .inference, threads: 2,
        tolerance: 2 * operation.tolerance)
    }
  }

  @Test("a gradient by an input and a sum over the batch keep it whole; their means do not")
  func roles() throws {
    var graph = Graph(name: "roles")
    let x = graph.addInput("x", ValueType([4, 3]))
    let target = graph.addInput("target", ValueType([4, 2]))
    let kernel = graph.addParameter("kernel", [2, 3], .kernel)
    let y = try graph.append(Operation.Dense(hasBias: false), to: x, kernel, name: "dense")
    let loss = try graph.append(Operation.MeanSquaredError(), to: y, target, name: "loss")
    let sum = try graph.append(Operation.ChannelSum(), to: y, name: "sum")
    let (longer, gradients) = try graph.differentiated(loss: loss, byInputs: [x])
    func shards(_ outputs: ValueID?...) throws -> Int {
      var graph = longer
      for (index, output) in outputs.enumerated() {
        graph.addOutput("\(index)", try #require(output))
      }
      return try Executable(
        graph, training: ParameterStore(["kernel": Tensor(zeros: [2, 3])]),
        options: CompilationOptions(threads: 2)
      ).shardCount
    }
    #expect(try shards(y, loss, gradients[kernel], kernel) == 2)
    #expect(try shards(loss, gradients[x]) == 1)
    #expect(try shards(sum) == 1)
  }

  @Test(
    "a parameter with a row for each example keeps the batch whole: a part would take it for its own; one row for all does not",
    arguments: [(rows: 1, threads: 4), (4, 4), (4, 2)])
  func parameterRows(_ arguments: (rows: Int, threads: Int)) throws {
    let (rows, threads) = arguments
    var graph = Graph(name: "rows")
    let x = graph.addInput("x", ValueType([4, 3]))
    let added = graph.addParameter("added", [rows, 3], .kernel)
    graph.addOutput("y", try graph.append(Operation.Elementwise(.add), to: x, added, name: "sum"))
    let (input, numbers) = (Tensor.random([4, 3], seed: 1), Tensor.random([rows, 3], seed: 2))
    var executable = try Executable(
      graph, parameters: ["added": numbers], options: CompilationOptions(threads: threads))
    #expect(executable.shardCount == (rows == 1 ? threads : 1))
    let result = try #require(executable.run(["x": input])["y"])
    let elements = numbers.elements
    #expect(
      result.elements
        == input.elements.enumerated().map { $1 + elements[$0 % elements.count] })
  }

  @Test("runs after the threads have gone to sleep are the same bytes")
  func sleepingThreads() async throws {
    let network = try makeNetwork()
    var executable = try Executable(
      network.graph, parameters: network.parameters, options: CompilationOptions(threads: 2))
    let image = Tensor.random([Self.batch, 12, 12, 1], seed: 5, in: 0..<1)
    let first = try executable.run(["image": image])
    for _ in 0..<5 {
      try await Task.sleep(for: .milliseconds(2))
      #expect(try executable.run(["image": image]) == first)
    }
  }

  @Test("a batch that does not divide, statistics of the batch, and many parameters stay whole")
  func refusals() throws {
    let network = try makeNetwork()
    let odd = try Executable(
      network.graph.batched(5), parameters: network.parameters,
      options: CompilationOptions(threads: 2))
    #expect(odd.shardCount == 1)

    let normalized = try SmallNetwork(batch: 4, extent: 8)
    let statistics = try Executable(
      normalized.training().graph, training: ParameterStore(normalized.parameters),
      options: CompilationOptions(threads: 2))
    #expect(statistics.shardCount == 1)

    var large = Graph(name: "large")
    let input = large.addInput("x", ValueType([2, 1024]))
    let kernel = large.addParameter("weight", [1100, 1024], .kernel)
    large.addOutput(
      "y", try large.append(Operation.Dense(hasBias: false), to: input, kernel, name: "dense"))
    let dense = try Executable(
      large, parameters: ["weight": Tensor(zeros: [1100, 1024])],
      options: CompilationOptions(threads: 2))
    #expect(dense.shardCount == 1)
  }

  private func makeNetwork() throws -> (graph: Graph, parameters: [String: Tensor]) {
    var graph = Graph(name: "small")
    var parameters: [String: Tensor] = [:]
    func parameter(_ name: String, _ shape: Shape, _ kind: ParameterKind) -> ValueID {
      parameters[name] = .random(shape, seed: UInt64(parameters.count), in: -0.5..<0.5)
      return graph.addParameter(name, shape, kind)
    }
    let image = graph.addInput("image", ValueType([Self.batch, 1, 12, 12]))
    let kernel = parameter("conv.weight", [6, 1, 5, 5], .kernel)
    let bias = parameter("conv.bias", [6], .bias)
    var value = try graph.append(
      Operation.Convolution(strides: [1, 1]), to: image, kernel, bias, name: "conv")
    value = try graph.append(Operation.Activation(.tanh), to: value, name: "tanh")
    value = try graph.append(
      Operation.AveragePooling(window: [2, 2], strides: [2, 2]), to: value, name: "pool")
    value = try graph.append(Operation.Flatten(order: .channelsLast), to: value, name: "flatten")
    value = try graph.append(Operation.Dropout(rate: 0.3, index: 2), to: value, name: "dropout")
    let weight = parameter("dense.weight", [4, 96], .kernel)
    let shift = parameter("dense.bias", [4], .bias)
    value = try graph.append(Operation.Dense(), to: value, weight, shift, name: "dense")
    graph.addOutput("logits", value)
    return (graph, parameters)
  }

  private func trainingGraph(_ network: Graph) throws -> Graph {
    var graph = network
    let labels = graph.addInput("labels", ValueType([Self.batch], .int32))
    let loss = try graph.append(
      Operation.CrossEntropy(labelSmoothing: 0.1), to: [graph.outputs[0].value, labels],
      name: "loss")[0]
    let (differentiated, gradients) = try graph.differentiated(loss: loss)
    graph = differentiated
    graph.addOutput("loss", loss)
    for (parameter, gradient) in gradients {
      graph.addOutput("gradient/\(graph[parameter].name)", gradient)
    }
    return graph
  }
}

extension Tensor {
  /// One example of a batch, as a batch of its own.
  fileprivate func example(_ index: Int) -> Tensor {
    let count = self.count / shape[0]
    return Tensor(
      Array(elements[index * count..<(index + 1) * count]), shape: shape.replacing(axis: 0, with: 1)
    )
  }
}
