import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import Testing

/// A block of one's own, with every kind of branch that the builder knows.
private struct Branching: Block {
  enum Head { case convolution, dense, nothing }
  var normalizes: Bool
  var activation: Bool?
  var repeats: Int
  var head: Head

  var body: LayerSequence {
    Conv2D(4, kernel: 3, padding: .same)
    if normalizes { BatchNorm() }
    if let activation {
      if activation { ReLU() } else { Tanh() }
    }
    for _ in 0..<repeats { Sigmoid() }
    switch head {
    case .convolution: Conv2D(2, kernel: 1)
    case .dense:
      Flatten()
      Dense(3)
    case .nothing: LayerSequence([])
    }
  }
}

@Suite("Network builder") struct NetworkBuilderTests {
  private func kinds(_ block: Branching) throws -> [String] {
    try Network("n", input: .image(height: 4, width: 4, channels: 1)) { block }
      .graph().operations.map(\.kind.name)
  }

  @Test("an if without else appends its layers or nothing", arguments: [true, false])
  func optional(normalizes: Bool) throws {
    let kinds = try kinds(
      Branching(normalizes: normalizes, activation: nil, repeats: 0, head: .nothing))
    #expect(kinds == ["convolution"] + (normalizes ? ["batchNormalization"] : []))
  }

  @Test(
    "if let, if and else append the branch that is taken",
    arguments: [(nil, nil), (true, .relu), (false, .tanh)] as [(Bool?, ActivationFunction?)])
  func either(activation: Bool?, function: ActivationFunction?) throws {
    let graph = try Network("n", input: .image(height: 4, width: 4, channels: 1)) {
      Branching(normalizes: false, activation: activation, repeats: 0, head: .nothing)
    }.graph()
    let functions = graph.operations.compactMap { operation in
      (operation.attributes as? Operation.Activation)?.function
    }
    #expect(functions == (function.map { [$0] } ?? []))
  }

  @Test("a for loop appends its layers every time, numbered", arguments: [0, 1, 3])
  func loop(repeats: Int) throws {
    let graph = try Network("n", input: .image(height: 4, width: 4, channels: 1)) {
      Branching(normalizes: false, activation: nil, repeats: repeats, head: .nothing)
    }.graph()
    let expected = repeats == 0 ? [] : (1...repeats).map { "sigmoid\($0)" }
    #expect(graph.operations.map(\.name) == ["conv1"] + expected)
  }

  @Test(
    "a switch appends the case that matches",
    arguments: [
      (.convolution, ["convolution", "convolution"]),
      (.dense, ["convolution", "flatten", "dense"]),
      (.nothing, ["convolution"]),
    ] as [(Branching.Head, [String])])
  private func choice(head: Branching.Head, expected: [String]) throws {
    #expect(
      try kinds(Branching(normalizes: false, activation: nil, repeats: 0, head: head)) == expected)
  }

  @Test("a sequence within a sequence is the same as its layers")
  func nesting() throws {
    let input = NetworkInput.features(4)
    let pair = LayerSequence {
      Dense(3)
      ReLU()
    }
    let nested = try Network("n", input: input) {
      pair
      LayerSequence { pair }
      Dense(2)
    }.graph()
    let flat = try Network("n", input: input) {
      Dense(3)
      ReLU()
      Dense(3)
      ReLU()
      Dense(2)
    }.graph()
    #expect(nested == flat)
  }

  @Test("an empty network gives its input back")
  func empty() throws {
    let graph = try Network("n", input: .features(4)) {}.graph()
    #expect(graph.operations.isEmpty)
    #expect(graph.outputs.map(\.value) == graph.inputs)
  }
}
