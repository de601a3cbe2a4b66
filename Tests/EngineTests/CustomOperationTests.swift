import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

private typealias Operation = ConvNetGraphs.Operation

/// Operations with kernels of their own on the engine.
@Suite("Custom operations") struct CustomOperationTests {
  private static let shapes: [Shape] = [
    [1, 1], [6, 5], [4, 3, 7], [6, 4, 3, 5], [2, 17, 4, 4],
  ]

  /// A convolution that makes a blocked layout, then Swish; its squared error, and every gradient.
  private func training(
    channels: Int = 4, noise: Float? = nil
  ) throws -> (graph: Graph, given: [ValueID: Tensor]) {
    var graph = Graph(name: "custom")
    let x = graph.addInput("x", ValueType([6, 3, 8, 8]))
    let kernel = graph.addParameter("conv.weight", [channels, 3, 3, 3], .kernel)
    let slope = graph.addParameter("swish.slope", [channels], .scale)
    let target = graph.addInput("target", ValueType([6, channels, 6, 6]))
    var value = try graph.append(
      Operation.Convolution(strides: [1, 1], hasBias: false), to: x, kernel, name: "conv")
    if let noise { value = try graph.append(Noise(amount: noise), to: value, name: "noise") }
    value = try graph.append(Swish(), to: value, slope, name: "swish")
    let loss = try graph.append(Operation.MeanSquaredError(), to: value, target, name: "loss")
    var (longer, gradients) = try graph.differentiated(loss: loss)
    longer.addOutput("loss", loss)
    for parameter in [kernel, slope] {
      longer.addOutput(longer[parameter].name + " gradient", try #require(gradients[parameter]))
    }
    let given: [ValueID: Tensor] = [
      x: .random([6, 3, 8, 8], seed: 1), kernel: .random([channels, 3, 3, 3], seed: 2),
      slope: .random([channels], seed: 3, in: 0.5..<2),
      target: .random([6, channels, 6, 6], seed: 4),
    ]
    return (longer, given)
  }

  @Test(
    "a kernel is given its inputs in logical order, whatever the layout",
    arguments: DataFormat.allCases)
  func values(format: DataFormat) throws {
    for shape in Self.shapes where format == .channelsFirst || shape.rank > 2 {
      var graph = Graph(name: "swish")
      let x = graph.addInput("x", ValueType(shape))
      let slope = graph.addParameter("slope", [shape[1]], .scale)
      graph.addOutput("y", try graph.append(Swish(), to: x, slope, name: "swish"))
      let given: [ValueID: Tensor] = [
        x: .random(shape, seed: 5, in: -3..<3), slope: .random([shape[1]], seed: 6),
      ]
      let actual = try #require(
        runOnEngine(graph, given: given, mode: .inference, format: format)["y"])
      let (elements, slopes) = (
        try #require(given[x]).elements, try #require(given[slope]).elements
      )
      let positions = shape.count / (shape[0] * shape[1])
      let expected = elements.enumerated().map { index, x in
        Double(x) / (1 + exp(-Double(slopes[index / positions % shape[1]]) * Double(x)))
      }
      #expect(relativeDifference(actual, ReferenceValue(expected, shape: shape)) < 1e-6, "\(shape)")
    }
  }

  @Test("shards, and a batch at once, make the same loss and gradients", arguments: [4, 16, 17])
  func shards(channels: Int) throws {
    let (graph, given) = try training(channels: channels, noise: 0.1)
    let whole = try runOnEngine(graph, given: given, mode: .training, threads: 1, step: 2, seed: 9)
    let sharded = try runOnEngine(
      graph, given: given, mode: .training, threads: 2, step: 2, seed: 9)
    #expect(whole.count == 3)
    for (name, tensor) in whole {
      #expect(relativeDifference(try #require(sharded[name]), ReferenceValue(tensor)) < 1e-5)
    }
    let parameters = Dictionary(
      uniqueKeysWithValues: graph.parameters.map { (graph[$0].name, given[$0] ?? Tensor([0])) })
    let executable = try Executable(
      graph, training: ParameterStore(parameters),
      options: CompilationOptions(inputFormat: .channelsFirst, threads: 2))
    #expect(executable.shardCount == 2)
  }

  @Test("what is computed again in the backward pass has the same bits")
  func recomputed() throws {
    let (graph, given) = try training(noise: 0.1)
    let swish = try #require(graph.operations.firstIndex { $0.name == "swish" })
    var again = graph
    let inputs = graph.operations[swish].inputs
    again.addOutput("again", try again.append(Swish(), to: inputs, name: "again")[0])
    again.addOutput("first", graph.operations[swish].outputs[0])
    let results = try runOnEngine(again, given: given, mode: .training)
    #expect(results["again"] != nil && results["again"] == results["first"])
  }

  @Test("inference takes out what says so; at every step of training it draws anew")
  func noise() throws {
    var graph = Graph(name: "noise")
    let x = graph.addInput("x", ValueType([4, 3]))
    graph.addOutput("y", try graph.append(Noise(amount: 0.5), to: x, name: "noise"))
    let given = [x: Tensor.random([4, 3], seed: 1)]
    let plain = try runOnEngine(graph, given: given, mode: .inference)["y"]
    #expect(plain?.elements == given[x]?.elements)
    let steps = try [1, 2, 1].map {
      try runOnEngine(graph, given: given, mode: .training, step: $0)["y"]?.elements
    }
    #expect(steps[0] != nil && steps[0] == steps[2] && steps[0] != steps[1])
  }

  @Test("a result takes its input's memory where the operation says that it may")
  func memory() throws {
    func activationByteCount(_ attributes: some OperationAttributes) throws -> Int {
      var graph = Graph(name: "memory")
      let x = graph.addInput("x", ValueType([2, 4, 32, 32]))
      let square = try graph.append(Operation.Multiply(), to: x, x, name: "square")
      graph.addOutput("y", try graph.append(attributes, to: square, name: "middle"))
      return try Executable(
        graph, parameters: [:], options: CompilationOptions(inputFormat: .channelsFirst, threads: 1)
      ).activationByteCount
    }
    let count = 4 * 2 * 4 * 32 * 32
    let inPlace = try activationByteCount(Doubling(overwritesInput: true))
    let apart = try activationByteCount(Doubling(overwritesInput: false))
    #expect(apart - inPlace == count)
  }

  @Test("an operation without a kernel, or with elements that no kernel takes, is refused by name")
  func refusals() throws {
    var graph = Graph(name: "refused")
    let x = graph.addInput("x", ValueType([2, 3]))
    var other = graph
    graph.addOutput("y", try graph.append(Bare(), to: x, name: "layer7"))
    let bare = #expect(throws: EngineError.self) {
      _ = try Executable(graph, parameters: [:])
    }
    #expect(bare?.subject == "layer7" && bare.map { "\($0)".contains("test.bare") } == true)
    other.addOutput("y", try other.append(Bytes(), to: x, name: "layer8"))
    let bytes = #expect(throws: EngineError.self) {
      _ = try Executable(other, parameters: [:])
    }
    #expect(bytes?.subject == "layer8")
  }

  @Test("the profile has a kind for such kernels")
  func profiled() throws {
    var graph = Graph(name: "profile")
    let x = graph.addInput("x", ValueType([2, 3]))
    graph.addOutput(
      "y", try graph.append(Doubling(overwritesInput: false), to: x, name: "doubling"))
    let steps = try Executable(graph, parameters: [:]).steps
    #expect(steps.map(\.kind) == [.custom] && steps[0].byteCount == 2 * 24)
    #expect(steps[0].implementation == "test.doubling" && steps[0].multiplyAdds == 6)
  }
}

/// Twice its input.
private struct Doubling: CustomOperation {
  static let name = "test.doubling"
  var overwritesInput: Bool

  var traits: OperationTraits {
    OperationTraits(
      batch: .separately(linear: .inEach([0])), recomputable: .all,
      overwritesInput: overwritesInput, isRandom: false, isGradient: false,
      isIdentityInInference: false)
  }

  func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] { inputs }

  func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { inputs[0].shape.count }

  func compute(
    output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>
  ) {
    inputs.withSpan(of: 0) { x in
      for index in x.indices { result[index] = 2 * x[index] }
    }
  }
}

/// Attributes alone.
private struct Bare: OperationAttributes {
  static let name = "test.bare"

  var traits: OperationTraits { Doubling(overwritesInput: false).traits }

  func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] { inputs }

  func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }
}

/// An output of bytes.
private struct Bytes: CustomOperation {
  static let name = "test.bytes"

  var traits: OperationTraits { Doubling(overwritesInput: false).traits }

  func outputTypes(for inputs: [ValueType]) throws(GraphError.Problem) -> [ValueType] {
    [ValueType(inputs[0].shape, .uint8)]
  }

  func multiplyAdds(inputs: [ValueType], outputs: [ValueType]) -> Int { 0 }

  func compute(
    output: Int, from inputs: borrowing KernelInputs, into result: inout MutableSpan<Float>
  ) {}
}
