import ConvNetGraphs
import ConvNetTensors
import ConvNetTestSupport
import Testing

import class Foundation.JSONDecoder
import class Foundation.JSONEncoder
import struct Foundation.Data

/// A small network with a side output and a moving average.
private func sample() throws -> Graph {
  var graph = Graph(name: "sample")
  let image = graph.addInput("image", ValueType([1, 1, 8, 8]))
  let kernel = graph.addParameter("kernel", [6, 1, 5, 5], .kernel)
  let bias = graph.addParameter("bias", [6], .bias)
  let mean = graph.addParameter("conv1.mean", [6], .runningMean)
  var convolution = Operation.Convolution(strides: [1, 1], padding: .same)
  convolution.fused = [.activation(.tanh)]
  let hidden = try graph.append(convolution, to: image, kernel, bias, name: "conv1")
  let sums = try graph.append(Operation.ChannelSum(), to: hidden, name: "sums")
  let average = try graph.append(
    Operation.MovingAverage(momentum: 0.9), to: mean, sums, name: "average")
  let pooled = try graph.append(
    Operation.MaxPooling(window: [2, 2], strides: [2, 2]), to: hidden, name: "pool1")
  let flat = try graph.append(Operation.Flatten(order: .channelsLast), to: pooled, name: "flat")
  graph.addOutput("features", flat)
  graph.addOutput("side", sums, auxiliaryWeight: 0.3)
  graph.parameterUpdates = [Graph.ParameterUpdate(parameter: mean, value: average)]
  return graph
}

@Suite struct GraphTests {
  @Test("the dump has one operation a line, with what it makes and reads")
  func dump() throws {
    #expect(
      try sample().dump == """
        sample: 5 operations, 156 parameters, 9600 multiply-adds
        input    image 1x1x8x8
        conv1    convolution 5x5 stride 1 same + tanh  1x6x8x8  image, kernel 6x1x5x5, bias 6
        sums     channel sum                           6        conv1
        average  moving average 0.9                    6        conv1.mean 6, sums
        pool1    max pooling 2x2 stride 2 valid        1x6x4x4  conv1
        flat     flatten channelsLast                  1x96     pool1
        output   features = flat
        output   side = sums (auxiliary, weight 0.3)
        update   conv1.mean = average

        """)
  }

  @Test("the drawing has a node an operation, an arrow a value, and escapes names")
  func dot() throws {
    var graph = Graph(name: "a \"b\"\\")
    let x = graph.addInput("x\n", ValueType([2], .int32))
    let y = try graph.append(Operation.Reshape(shape: []), to: x, name: "y")
    graph.addOutput("out", y)
    #expect(
      graph.dot == #"""
        digraph "a \"b\"\\" {
          node [shape=box, fontname="Helvetica"];
          edge [fontname="Helvetica", fontsize=10];
          input0 [label="x\n", shape=ellipse];
          operation0 [label="y\nreshape to scalar"];
          input0 -> operation0 [label="2 int32"];
          output0 [label="out", shape=ellipse];
          operation0 -> output0 [label="2 int32"];
        }

        """#)
  }

  @Test("every operation says what it is, in one line", arguments: OperationCase.all)
  func summaries(_ operation: OperationCase) throws {
    let graph = try operation.graph()
    let summary = graph.summary(of: graph.operations[0])
    #expect(!summary.isEmpty && !summary.contains("\n") && summary.count < 80)
  }

  @Test("a shared parameter costs once, a moving average nothing")
  func cost() throws {
    var graph = Graph(name: "twice")
    let x = graph.addInput("x", ValueType([2, 4]))
    let kernel = graph.addParameter("kernel", [4, 4], .kernel)
    _ = graph.addParameter("mean", [4], .runningMean)
    let first = try graph.append(Operation.Dense(hasBias: false), to: x, kernel, name: "first")
    _ = try graph.append(Operation.Dense(hasBias: false), to: first, kernel, name: "second")
    #expect(graph.cost == Cost(parameters: 16, multiplyAdds: 64))
    #expect(graph.cost(of: graph.operations[1]) == Cost(parameters: 16, multiplyAdds: 32))
  }

  @Test("another batch and another size infer every shape anew")
  func reshaped() throws {
    let graph = try sample()
    let batched = try graph.batched(7)
    #expect(batched[batched.outputs[0].value].shape == [7, 96])
    let larger = try graph.reshaped(inputs: ["image": [2, 1, 9, 12]])
    #expect(larger[larger.outputs[0].value].shape == [2, 144])
    let error = #expect(throws: GraphError.self) { try graph.reshaped(inputs: ["picture": [1]]) }
    #expect(error?.description == "sample: has no input picture")
  }

  @Test("every kind, forward and backward, survives its encoding", arguments: OperationCase.all)
  func coding(_ operation: OperationCase) throws {
    var graph = try operation.graph()
    if operation.hasGradient {
      let training = try operation.training()
      graph = try training.graph.differentiated(
        loss: training.loss,
        byInputs: training.variables.filter { training.graph[$0].source == .input }
      ).graph
    }
    let data = try JSONEncoder().encode(graph)
    #expect(try JSONDecoder().decode(Graph.self, from: data) == graph)
  }

  @Test("the catalogue and its gradients show every kind of operation")
  func catalogue() throws {
    var shown = Set<String>()
    for operation in OperationCase.all {
      shown.insert(operation.attributes.kind.name)
      guard operation.hasGradient else { continue }
      let training = try operation.training()
      let inputs = training.variables.filter { training.graph[$0].source == .input }
      let graph = try training.graph.differentiated(loss: training.loss, byInputs: inputs).graph
      shown.formUnion(graph.operations.map(\.kind.name))
    }
    #expect(shown == Set(Operation.builtIn.map { $0.name }))
  }

  @Test("the encoding of a kind is its name and its attributes")
  func encoding() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let kind = Operation.Pad(sides: [.init(before: 1, after: 0)], mode: .edge).kind
    let text = String(decoding: try encoder.encode(kind), as: UTF8.self)
    #expect(
      text
        == #"{"attributes":{"channels":{"after":0,"before":0},"mode":"edge","sides":[{"after":0,"before":1}]},"kind":"pad"}"#
    )
    let unknown = Data(#"{"attributes":{},"kind":"fold"}"#.utf8)
    let error = #expect(throws: GraphError.self) {
      try JSONDecoder().decode(OperationKind.self, from: unknown)
    }
    #expect(error?.subject == "fold")
  }
}

@Suite struct VerifierTests {
  /// How a graph is broken, and what the verifier says.
  struct Break: Sendable, CustomTestStringConvertible {
    var text: String
    var apply: @Sendable (inout Graph) -> Void

    init(_ text: String, _ apply: @escaping @Sendable (inout Graph) -> Void) {
      self.text = text
      self.apply = apply
    }

    var testDescription: String { text }
  }

  static let breaks: [Break] = [
    Break("conv1: refers to value 99 of ") { $0.operations[0].inputs[0] = ValueID(99) },
    Break("conv1: refers to value -1 of ") { $0.operations[0].outputs[0] = ValueID(-1) },
    Break("sums: reads conv1 before it is made") { $0.operations.swapAt(0, 1) },
    Break("conv1: makes image, which exists already") { $0.operations[0].outputs = [ValueID(0)] },
    Break("pool1: makes conv1, which exists already") {
      $0.operations[3].outputs = $0.operations[0].outputs
    },
    Break("conv1: records [1x6x8x9], infers [1x6x8x8]") {
      $0[$0.operations[0].outputs[0]].type.shape = [1, 6, 8, 9]
    },
    Break("conv1: records [], infers [1x6x8x8]") { $0.operations[0].outputs = [] },
    Break("conv1: takes 3 inputs, was given 2") { $0.operations[0].inputs.removeLast() },
    Break("sample: output side is never made") { $0.operations.removeSubrange(1...2) },
    Break("sample: refers to value 99 of ") { $0.outputs[0].value = ValueID(99) },
    Break("sample: updates image of shape 1x1x8x8, which is no parameter") {
      $0.parameterUpdates[0].parameter = ValueID(0)
    },
    Break("sample: updates kernel of shape 6x1x5x5, which is no parameter of the type") {
      $0.parameterUpdates[0].parameter = ValueID(1)
    },
    Break("image: has shape 0x1x8x8; extents must be between 1 and") {
      $0[ValueID(0)].type.shape = [0, 1, 8, 8]
    },
    Break("image: has shape 1x1x1x2147483648; extents must be between 1 and") {
      $0[ValueID(0)].type.shape = [1, 1, 1, 1 << 31]
    },
    Break("sample: has several inputs of the name image; each needs its own") {
      _ = $0.addInput("image", ValueType([1]))
    },
    Break("sample: has several parameters of the name bias; each needs its own") {
      _ = $0.addParameter("bias", [6], .bias)
    },
    Break("sample: has several outputs of the name side; each needs its own") {
      $0.addOutput("side", $0.outputs[0].value)
    },
    Break("sample: has 65537 operations; there may be 65536") {
      $0.operations += [Operation](
        repeating: $0.operations[0], count: 1 << 16 + 1 - $0.operations.count)
    },
    Break("image: has 13 dimensions; there may be 12") {
      $0[ValueID(0)].type.shape = Shape([Int](repeating: 1, count: 13))
    },
    Break("image: has shape 1x1x1073741824x268435456; extents must be") {
      $0[ValueID(0)].type.shape = [1, 1, 1 << 30, 1 << 28]
    },
  ]

  @Test("a broken graph is refused, in memory and from a file", arguments: breaks)
  func refusal(_ broken: Break) throws {
    var graph = try sample()
    try graph.verify()
    broken.apply(&graph)
    let error = #expect(throws: GraphError.self) { try graph.verify() }
    #expect(error?.description.contains(broken.text) == true, "\(error?.description ?? "")")
    let data = try JSONEncoder().encode(graph)
    #expect(throws: GraphError.self) { try JSONDecoder().decode(Graph.self, from: data) }
  }

  @Test("a name that would make every line of a table too wide is refused in a file")
  func longName() throws {
    var graph = try sample()
    let name = String(repeating: "n", count: 1 << 10)
    graph.operations[0].name = name
    let data = try JSONEncoder().encode(graph)
    #expect(try JSONDecoder().decode(Graph.self, from: data) == graph)
    graph.operations[0].name = name + "n"
    let long = try JSONEncoder().encode(graph)
    let error = #expect(throws: GraphError.self) {
      try JSONDecoder().decode(Graph.self, from: long)
    }
    #expect(error?.description.contains("a name of 1025 bytes") == true)
    // Where one is made in memory, other lines do not become as wide.
    graph.operations[0].name = String(repeating: "n", count: 1 << 20)
    #expect(graph.dump.utf8.count < 3 << 20)
  }
}
