import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

/// Several operations at work together: fusion, shared memory, layouts that pass from one to the
/// next.
@Suite struct NetworkTests {
  @Test(
    "two steps of training: loss, gradients and moving averages are the reference's",
    arguments: [1, 2], DataFormat.allCases)
  func training(_ threads: Int, _ format: DataFormat) throws {
    let network = try SmallNetwork(batch: 3, extent: 4)
    let (graph, loss, gradients) = try network.training()
    let store = try ParameterStore(network.parameters)
    var executable = try Executable(
      graph, training: store, options: .init(inputFormat: format, threads: threads))
    var parameters = network.parameters
    for step in 0..<2 {
      let outputs = try executable.run(
        [
          "images": format == .channelsLast ? network.images.channelsLast : network.images,
          "labels": network.labels,
        ], step: step, seed: 5)
      let evaluator = ReferenceEvaluator(dropoutMask: dropoutMask(step: UInt32(step), seed: 5))
      let values = try evaluator.evaluate(
        graph, given: network.given(in: graph, parameters: parameters))
      let lossDifference = try relativeDifference(
        #require(outputs["loss"]), #require(values[loss]))
      #expect(lossDifference < 1e-5, "step \(step)")
      for (parameter, gradient) in gradients {
        let name = graph[parameter].name
        let difference = try relativeDifference(
          #require(outputs[name]), #require(values[gradient]))
        #expect(difference < 5e-5, "\(name), step \(step)")
      }
      #expect(graph.parameterUpdates.count == 6)
      for update in graph.parameterUpdates {
        let name = graph[update.parameter].name
        let difference = try relativeDifference(
          #require(store[name]), #require(values[update.value]))
        #expect(difference < 1e-5, "\(name), step \(step)")
      }
      // Plain gradient descent, where an optimizer would do it.
      for parameter in gradients.keys {
        let name = graph[parameter].name
        let gradient = try #require(outputs[name]).elements
        store.withFloats(of: name) { weights in
          for index in weights.indices { weights[index] -= 0.1 * gradient[index] }
        }
      }
      parameters = store.values
    }
  }

  @Test("inference equals the reference, and the graph that passes may not touch")
  func inference() throws {
    let network = try SmallNetwork()
    let options = CompilationOptions(inputFormat: .channelsFirst, threads: 1)
    var optimized = try Executable(
      network.graph, parameters: network.parameters, options: options)
    var plain = try Executable(
      network.graph.withEveryValueKept, parameters: network.parameters, options: options)
    let logits = try #require(optimized.run(["images": network.images])["logits"])
    let expected = try #require(plain.run(["images": network.images])["logits"])
    #expect(relativeDifference(logits, ReferenceValue(expected)) < 1e-5)

    let graph = try network.graph.specialized(for: .inference)
    let values = try ReferenceEvaluator().evaluate(graph, given: network.given(in: graph))
    #expect(try relativeDifference(logits, #require(values[graph.outputs[0].value])) < 1e-5)
    // Normalizations, activations and the addition are in the convolutions.
    #expect(optimized.operations == ["conv1", "conv2", "conv3", "pool", "dense"])
    #expect(
      plain.operations.isSuperset(of: ["norm1", "norm2", "relu1", "relu2", "relu3", "shortcut"]))
    #expect(optimized.activationByteCount < plain.activationByteCount)
  }

  /// The convolution would write its sum where it reads its input.
  @Test("a layer's own input is not accumulated onto, whatever memory it lies in")
  func additionToOwnInput() throws {
    for (viaView, pictures) in [(false, true), (true, true), (false, false), (true, false)] {
      var graph = Graph(name: "own input")
      let shape: Shape = pictures ? [2, 16, 6, 6] : [64, 256]
      let input = graph.addInput("x", ValueType(shape))
      let kernelShape: Shape = pictures ? [16, 16, 3, 3] : [256, 256]
      let kernel = graph.addParameter("kernel", kernelShape, .kernel)
      let x = try graph.append(Operation.Activation(.tanh), to: input, name: "tanh")
      let addend =
        viaView
        ? try graph.append(
          Operation.Reshape(shape: Shape(Array(shape.dimensions.dropFirst()))), to: x, name: "view")
        : x
      let y =
        pictures
        ? try graph.append(
          Operation.Convolution(strides: [1, 1], padding: .same, hasBias: false), to: x, kernel,
          name: "layer")
        : try graph.append(Operation.Dense(hasBias: false), to: x, kernel, name: "layer")
      let sum = try graph.append(Operation.Add(), to: addend, y, name: "sum")
      graph.addOutput(
        "result", try graph.append(Operation.Activation(.relu), to: sum, name: "relu"))
      let given = [
        input: Tensor.random(shape, seed: 1), kernel: Tensor.random(kernelShape, seed: 2),
      ]
      for mode in Mode.allCases {
        try expectReferenceOutputs(
          of: graph, given: given, mode: mode, "via view \(viaView), pictures \(pictures)")
      }
    }
  }

  @Test("a value is not added onto its own view")
  func additionOfView() throws {
    var graph = Graph(name: "doubled")
    let input = graph.addInput("x", ValueType([2, 8]))
    let x = try graph.append(Operation.Activation(.tanh), to: input, name: "tanh")
    let view = try graph.append(Operation.Reshape(shape: [8]), to: x, name: "view")
    let sum = try graph.append(
      Operation.Add(coefficients: [0.5, 2]), to: view, x, name: "sum")
    graph.addOutput("result", sum)
    try expectReferenceOutputs(
      of: graph, given: [input: .random([2, 8], seed: 1)], mode: .inference)
  }

  @Test("a training step equals the one that passes may not touch")
  func trainingFusions() throws {
    let network = try SmallNetwork()
    let (graph, _, _) = try network.training()
    let options = CompilationOptions(inputFormat: .channelsFirst, threads: 1)
    let inputs = ["images": network.images, "labels": network.labels]
    var optimized = try Executable(
      graph, training: ParameterStore(network.parameters), options: options)
    var plain = try Executable(
      graph.withEveryValueKept, training: ParameterStore(network.parameters), options: options)
    let outputs = try optimized.run(inputs)
    let expected = try plain.run(inputs)
    for (name, output) in outputs {
      let difference = try relativeDifference(
        output, ReferenceValue(#require(expected[name])))
      #expect(difference < 2e-5, "\(name)")
    }
    #expect(optimized.activationByteCount < plain.activationByteCount)
  }

  @Test("an output may be an input or a parameter as it is, and be there twice")
  func plainOutputs() throws {
    var graph = Graph(name: "plain")
    let x = graph.addInput("x", ValueType([2, 3, 4, 5]))
    let labels = graph.addInput("labels", ValueType([4], .int32))
    let kernel = graph.addParameter("kernel", [2, 3], .kernel)
    let y = try graph.append(Operation.Activation(.tanh), to: x, name: "tanh")
    for (name, value) in [
      ("x", x), ("labels", labels), ("kernel", kernel), ("y", y), ("y again", y),
    ] {
      graph.addOutput(name, value)
    }
    let given = [
      x: Tensor.random([2, 3, 4, 5], seed: 1), labels: Tensor([Int32(3), 0, -1, 7]),
      kernel: Tensor.random([2, 3], seed: 2),
    ]
    for mode in Mode.allCases {
      for format in DataFormat.allCases {
        try expectReferenceOutputs(of: graph, given: given, mode: mode, format: format)
      }
    }
  }

  @Test("moving averages hold their place when their new value is also an output")
  func movingAverageAsOutput() throws {
    let network = try SmallNetwork()
    var graph = try network.graph.specialized(for: .training)
    let update = graph.parameterUpdates[0]
    graph.addOutput("average", update.value)
    let store = try ParameterStore(network.parameters)
    var executable = try Executable(
      graph, training: store, options: .init(inputFormat: .channelsFirst, threads: 1))
    let average = try executable.run(["images": network.images])["average"]
    #expect(try #require(average) == #require(store[graph[update.parameter].name]))
  }
}

extension Executable {
  /// The operations that a run computes, the copies between layouts left out.
  fileprivate var operations: Set<String> {
    Set(steps.filter { !$0.implementation.hasPrefix("reorder") }.map(\.operation))
  }
}
