import ConvNetFormats
import ConvNetGraphs
import ConvNetImages
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("ONNX: networks") struct ONNXImportTests {
  /// A graph from `x` to `y`, written and opened.
  private static func file(
    _ nodes: [ONNXNode], in directory: borrowing TemporaryDirectory,
    input: [ONNXValue.Extent] = [.name("batch"), .extent(3), .extent(8), .extent(8)],
    initializers: [ONNXTensor] = [], version: Int = 17, functions: [ONNXFunction] = []
  ) throws -> ONNXFile {
    var graph = ONNXGraph(name: "test")
    graph.nodes = nodes
    graph.initializers = initializers
    graph.inputs = [ONNXValue(name: "x", type: .float32, shape: input)]
    graph.outputs = [ONNXValue(name: "y", type: .float32, shape: nil)]
    var model = ONNXModel(graph: graph)
    model.operatorSets = [.init(domain: "", version: version)]
    model.functions = functions
    let path = directory.file("test.onnx")
    try model.write(to: path)
    return try ONNXFile(path)
  }

  private static func weight(_ name: String, _ shape: Shape) -> ONNXTensor {
    ONNXTensor(name: name, Tensor.random(shape, seed: 1))
  }

  private static func problem(_ body: () throws -> Void) -> ONNXError.Problem? {
    #expect(throws: ONNXError.self, performing: body)?.problem
  }

  // MARK: Networks

  /// As PyTorch exports a small network: flattened by arithmetic of sizes.
  private static let classifier: [ONNXNode] = [
    ONNXNode(
      "Conv", inputs: ["x", "conv.weight", "conv.bias"], outputs: ["a"], name: "/conv/Conv",
      attributes: [ONNXAttribute("pads", [1, 1, 1, 1]), ONNXAttribute("kernel_shape", [3, 3])]),
    ONNXNode("Relu", inputs: ["a"], outputs: ["b"]),
    ONNXNode("GlobalAveragePool", inputs: ["b"], outputs: ["c"]),
    ONNXNode("Shape", inputs: ["c"], outputs: ["shape"]),
    ONNXNode(
      "Constant", inputs: [], outputs: ["zero"], attributes: [ONNXAttribute("value_int", 0)]),
    ONNXNode("Gather", inputs: ["shape", "zero"], outputs: ["n"]),
    ONNXNode(
      "Constant", inputs: [], outputs: ["first"], attributes: [ONNXAttribute("value_ints", [0])]),
    ONNXNode("Unsqueeze", inputs: ["n", "first"], outputs: ["ns"]),
    ONNXNode(
      "Constant", inputs: [], outputs: ["rest"], attributes: [ONNXAttribute("value_ints", [-1])]),
    ONNXNode(
      "Concat", inputs: ["ns", "rest"], outputs: ["to"], attributes: [ONNXAttribute("axis", 0)]),
    ONNXNode("Reshape", inputs: ["c", "to"], outputs: ["d"]),
    ONNXNode(
      "Gemm", inputs: ["d", "fc.weight", "fc.bias"], outputs: ["e"],
      attributes: [ONNXAttribute("transB", 1)]),
    ONNXNode("Softmax", inputs: ["e"], outputs: ["y"]),
  ]

  private static let weights = [
    weight("conv.weight", [4, 3, 3, 3]), weight("conv.bias", [4]), weight("fc.weight", [5, 4]),
    weight("fc.bias", [5]),
  ]

  @Test("A classifier takes any batch; its scores stand before the softmax; names are kept")
  func classifier() throws {
    let directory = try TemporaryDirectory()
    let path = try Self.file(Self.classifier, in: directory, initializers: Self.weights).path
    let model = try Model(loading: path)
    #expect(
      Set(model.parameters.keys) == ["conv.weight", "conv.bias", "fc.weight", "fc.bias"])
    #expect(model.parameters["fc.weight"] == Tensor.random([5, 4], seed: 1))
    #expect(model.graph.operations.map(\.name).first == "conv")
    #expect(model.graph.operations.last?.kind.name == "dense")
    #expect(model.classCount == 5)
    #expect(model.dataFormat == .channelsFirst)
    #expect(model.preprocessing?.height == 8)
    for batch in [1, 2, 7] {
      let graph = try model.graph.batched(batch)
      #expect(graph[try #require(model.mainOutput).value].shape == [batch, 5])
    }
  }

  @Test("A view that is written as elements taken in their order takes any batch")
  func flatView() throws {
    let directory = try TemporaryDirectory()
    let places = ONNXTensor(name: "places", Tensor([0, 1, 2] as [Int64], shape: [1, 3, 1, 1]))
    let whole = ONNXTensor(name: "whole", Tensor([-1] as [Int64]))
    let graph = try Self.file(
      [
        ONNXNode("GlobalAveragePool", inputs: ["x"], outputs: ["mean"]),
        ONNXNode("Reshape", inputs: ["mean", "whole"], outputs: ["flat"]),
        ONNXNode("Gather", inputs: ["flat", "places"], outputs: ["view"]),
        ONNXNode("Flatten", inputs: ["view"], outputs: ["y"]),
      ], in: directory, initializers: [places, whole]
    ).imported().graph
    #expect(!graph.operations.contains { $0.attributes is Operation.Regroup })
    for batch in [1, 5] {
      let batched = try graph.batched(batch)
      #expect(batched[batched.outputs[0].value].shape == [batch, 3])
    }
  }

  @Test("A file with one example takes any batch too", arguments: [1, 4])
  func fixedBatch(batch: Int) throws {
    let directory = try TemporaryDirectory()
    let path = try Self.file(
      Self.classifier, in: directory,
      input: [.extent(batch), .extent(3), .extent(8), .extent(8)], initializers: Self.weights
    ).path
    let model = try Model(loading: path)
    #expect(model.graph[model.graph.inputs[0]].shape[0] == 1)
    #expect(try model.graph.batched(3).outputs.count == 1)
  }

  @Test("Nodes may stand in any order")
  func order() throws {
    let directory = try TemporaryDirectory()
    let forwards = try Self.file(Self.classifier, in: directory, initializers: Self.weights)
      .imported()
    let backwards = try Self.file(
      Self.classifier.reversed(), in: directory, initializers: Self.weights
    ).imported()
    #expect(
      Set(forwards.graph.operations.map(\.name)) == Set(backwards.graph.operations.map(\.name)))
  }

  @Test("What no output needs is left out, even an operator that is not read")
  func deadNodes() throws {
    let directory = try TemporaryDirectory()
    let file = try Self.file(
      [
        ONNXNode("Relu", inputs: ["x"], outputs: ["y"]),
        ONNXNode("NonMaxSuppression", inputs: ["x"], outputs: ["z"]),
      ], in: directory)
    #expect(try file.imported().graph.operations.count == 1)
  }

  @Test("A picture that is given position by position gets its channels first")
  func channelsLast() throws {
    let directory = try TemporaryDirectory()
    let path = try Self.file(
      [
        ONNXNode(
          "Transpose", inputs: ["x"], outputs: ["a"],
          attributes: [ONNXAttribute("perm", [0, 3, 1, 2])]),
        ONNXNode("GlobalMaxPool", inputs: ["a"], outputs: ["y"]),
      ], in: directory, input: [.name("n"), .extent(8), .extent(6), .extent(3)]
    ).path
    let model = try Model(loading: path)
    #expect(model.graph[model.graph.inputs[0]].shape == [1, 3, 8, 6])
    #expect(model.dataFormat == .channelsLast)
    #expect(model.graph[model.graph.outputs[0].value].shape == [1, 3])
  }

  /// As PyTorch exports a block of ConvNeXt, whose normalization and dense layers want channels last.
  private static let block: [ONNXNode] = [
    transpose("x", "last", [0, 2, 3, 1]),
    ONNXNode(
      "LayerNormalization", inputs: ["last", "norm.weight", "norm.bias"], outputs: ["norm"],
      attributes: [ONNXAttribute("axis", -1)]),
    ONNXNode("MatMul", inputs: ["norm", "up"], outputs: ["a"]),
    ONNXNode("Add", inputs: ["a", "up.bias"], outputs: ["b"]),
    ONNXNode("Relu", inputs: ["b"], outputs: ["c"]),
    ONNXNode("Mul", inputs: ["c", "half"], outputs: ["d"]),
    ONNXNode("MatMul", inputs: ["d", "down"], outputs: ["e"]),
    ONNXNode("Add", inputs: ["e", "last"], outputs: ["f"]),
    transpose("f", "g", [0, 3, 1, 2]),
    ONNXNode("Mul", inputs: ["scale", "g"], outputs: ["y"]),
  ]

  private static func transpose(_ from: String, _ to: String, _ order: [Int]) -> ONNXNode {
    ONNXNode(
      "Transpose", inputs: [from], outputs: [to], attributes: [ONNXAttribute("perm", order)])
  }

  private static let blockWeights: [ONNXTensor] = [
    weight("norm.weight", [3]), weight("norm.bias", [3]), weight("up", [3, 5]),
    weight("up.bias", [5]), weight("down", [5, 3]), weight("scale", [3, 1, 1]),
    ONNXTensor(name: "half", Tensor([0.5], shape: [1])),
  ]

  @Test("Where a file puts channels last in between, they stay first")
  func transpositions() throws {
    let directory = try TemporaryDirectory()
    let graph = try Self.file(Self.block, in: directory, initializers: Self.blockWeights)
      .imported().graph
    #expect(
      graph.operations.map(\.kind.name) == [
        "layerNormalization", "convolution", "activation", "add", "convolution", "add",
        "channelScale",
      ])
    // The values have the file's names.
    #expect(graph.value(named: "c").map { graph[$0].shape } == [1, 5, 8, 8])
    #expect(graph.outputs.map { graph[$0.value].shape } == [[1, 3, 8, 8]])
  }

  @Test("A value whose axes stand otherwise, and that is asked for or read so, keeps them")
  func transpositionsThatStay() throws {
    let directory = try TemporaryDirectory()
    let tail: [ONNXNode] = [
      Self.transpose("x", "t", [0, 2, 3, 1]), ONNXNode("Relu", inputs: ["t"], outputs: ["r"]),
      // Two in a row are one.
      Self.transpose("r", "u", [0, 2, 1, 3]), ONNXNode("Tanh", inputs: ["u"], outputs: ["y"]),
    ]
    let graph = try Self.file(tail, in: directory).imported().graph
    #expect(graph.operations.map(\.kind.name) == ["activation", "activation", "transpose"])
    #expect(graph.outputs.map { graph[$0.value].shape } == [[1, 8, 8, 3]])

    // Read in both orders.
    let fork: [ONNXNode] = [
      Self.transpose("x", "t", [0, 3, 2, 1]), ONNXNode("Relu", inputs: ["t"], outputs: ["r"]),
      ONNXNode("Softmax", inputs: ["t"], outputs: ["s"], attributes: [ONNXAttribute("axis", -1)]),
      ONNXNode("Add", inputs: ["r", "s"], outputs: ["y"]),
    ]
    let forked = try Self.file(fork, in: directory).imported().graph
    #expect(forked.operations.contains { $0.kind.name == "transpose" })
    #expect(forked.outputs.map { forked[$0.value].shape } == [[1, 8, 8, 3]])
  }

  @Test("Sizes that are clipped while they are computed are known, as those of paddings are")
  func clippedSizes() throws {
    let directory = try TemporaryDirectory()
    func constant(_ name: String, _ values: [Int]) -> ONNXNode {
      ONNXNode(
        "Constant", inputs: [], outputs: [name],
        attributes: [ONNXAttribute("value_ints", values)])
    }
    let path = try Self.file(
      [
        constant("low", [-7, 0, 0, 3]), constant("least", [0]), constant("most", [2]),
        ONNXNode("Squeeze", inputs: ["least"], outputs: ["from"]),
        ONNXNode("Squeeze", inputs: ["most"], outputs: ["to"]),
        ONNXNode("Clip", inputs: ["low", "from", "to"], outputs: ["before"]),
        ONNXNode("Clip", inputs: ["low", "from"], outputs: ["after"]),
        ONNXNode(
          "Concat", inputs: ["before", "after"], outputs: ["pads"],
          attributes: [ONNXAttribute("axis", 0)]),
        ONNXNode("Pad", inputs: ["x", "pads"], outputs: ["y"]),
      ], in: directory, input: [.name("batch"), .extent(3), .extent(8), .extent(8)]
    ).path
    let model = try Model(loading: path)
    #expect(model.graph[model.graph.outputs[0].value].shape == [1, 3, 8, 13])
  }

  @Test("A node that mixes examples binds the network to its batch")
  func mixedExamples() throws {
    let directory = try TemporaryDirectory()
    let path = try Self.file(
      [
        ONNXNode(
          "Constant", inputs: [], outputs: ["to"],
          attributes: [ONNXAttribute("value_ints", [-1, 4])]),
        ONNXNode("Reshape", inputs: ["x", "to"], outputs: ["y"]),
      ], in: directory
    ).path
    let model = try Model(loading: path)
    #expect(model.graph[model.graph.outputs[0].value].shape == [48, 4])
    #expect(throws: GraphError.self) { try model.graph.batched(2) }
  }

  @Test("Functions of the file are replaced by their nodes, with the attributes that a node gives")
  func functions() throws {
    let directory = try TemporaryDirectory()
    var inner = ONNXFunction(name: "Slope", domain: "own")
    (inner.inputs, inner.outputs) = (["a"], ["b"])
    inner.defaults = [ONNXAttribute("slope", 0.25 as Float)]
    inner.nodes = [
      ONNXNode(
        "LeakyRelu", inputs: ["a"], outputs: ["b"],
        attributes: [ONNXAttribute("alpha", value: .reference("slope"))])
    ]
    var outer = ONNXFunction(name: "Two", domain: "own")
    (outer.inputs, outer.outputs) = (["a"], ["c"])
    outer.nodes = [
      ONNXNode("Slope", inputs: ["a"], outputs: ["b"], domain: "own"),
      ONNXNode(
        "Slope", inputs: ["b"], outputs: ["c"], attributes: [ONNXAttribute("slope", 0.5 as Float)],
        domain: "own"),
    ]
    let file = try Self.file(
      [ONNXNode("Two", inputs: ["x"], outputs: ["y"], name: "two", domain: "own")], in: directory,
      functions: [inner, outer])
    let slopes = try file.imported().graph.operations.compactMap {
      ($0.attributes as? Operation.Activation)?.function
    }
    #expect(slopes == [.leakyReLU(slope: 0.25), .leakyReLU(slope: 0.5)])
  }

  // MARK: Refusals

  @Test("All operators that are not read are told at once, with their nodes")
  func unsupported() throws {
    let directory = try TemporaryDirectory()
    let problem = Self.problem {
      _ = try Self.file(
        [
          ONNXNode("NonMaxSuppression", inputs: ["x"], outputs: ["a"], name: "boxes"),
          ONNXNode(
            "If", inputs: ["a"], outputs: ["b"], name: "choice",
            attributes: [ONNXAttribute("then_branch", value: .graph)]),
          ONNXNode("NonMaxSuppression", inputs: ["b"], outputs: ["c"], name: "more"),
          ONNXNode("Magic", inputs: ["c"], outputs: ["y"], domain: "com.example"),
        ], in: directory
      ).imported()
    }
    guard case .unsupportedOperators(let operators) = problem else {
      Issue.record("\(String(describing: problem))")
      return
    }
    #expect(operators.map(\.name) == ["If", "NonMaxSuppression", "com.example.Magic"])
    #expect(operators.map(\.nodes) == [["choice"], ["boxes", "more"], ["y"]])
    #expect("\(operators[0])".contains("at every run"))
  }

  @Test("Nodes that read each other's results are told")
  func cycle() throws {
    let directory = try TemporaryDirectory()
    let problem = Self.problem {
      _ = try Self.file(
        [
          ONNXNode("Add", inputs: ["x", "b"], outputs: ["a"], name: "one"),
          ONNXNode("Relu", inputs: ["a"], outputs: ["b"], name: "two"),
          ONNXNode("Relu", inputs: ["b"], outputs: ["y"], name: "three"),
        ], in: directory
      ).imported()
    }
    #expect(problem == .cycle(nodes: ["one", "two", "three"]))
  }

  @Test("Names that nothing makes, and values that are made twice, are told")
  func names() throws {
    let directory = try TemporaryDirectory()
    let missing = Self.problem {
      _ = try Self.file([ONNXNode("Add", inputs: ["x", "q"], outputs: ["y"])], in: directory)
        .imported()
    }
    #expect(missing == .missingValues(["q"]))
    let twice = Self.problem {
      _ = try Self.file(
        [
          ONNXNode("Relu", inputs: ["x"], outputs: ["y"]),
          ONNXNode("Tanh", inputs: ["x"], outputs: ["y"]),
        ], in: directory
      ).imported()
    }
    #expect(twice == .duplicateName("y"))
  }

  @Test("A function that is made of itself is refused")
  func recursion() throws {
    let directory = try TemporaryDirectory()
    var function = ONNXFunction(name: "F", domain: "own")
    (function.inputs, function.outputs) = (["a"], ["b"])
    function.nodes = [
      ONNXNode("F", inputs: ["a"], outputs: ["c"], domain: "own"),
      ONNXNode("F", inputs: ["c"], outputs: ["b"], domain: "own"),
    ]
    let problem = Self.problem {
      _ = try Self.file(
        [ONNXNode("F", inputs: ["x"], outputs: ["y"], domain: "own")], in: directory,
        functions: [function]
      ).imported()
    }
    guard case .function("F", _) = problem else {
      Issue.record("\(String(describing: problem))")
      return
    }
  }

  @Test("Versions of operators that are not read are told", arguments: [5, 29])
  func versions(version: Int) throws {
    let directory = try TemporaryDirectory()
    let problem = Self.problem {
      _ = try Self.file(
        [ONNXNode("Relu", inputs: ["x"], outputs: ["y"])], in: directory, version: version
      ).imported()
    }
    #expect(problem == .version(version, supported: 6...28))
  }

  @Test(
    "A node that does not fit its inputs is told by its name",
    arguments: [
      ONNXNode(
        "Conv", inputs: ["x", "w"], outputs: ["y"], name: "bad",
        attributes: [ONNXAttribute("group", 2)]),
      ONNXNode("Conv", inputs: ["x"], outputs: ["y"], name: "bad"),
      ONNXNode("MaxPool", inputs: ["x"], outputs: ["y"], name: "bad"),
      ONNXNode(
        "MaxPool", inputs: ["x"], outputs: ["y"], name: "bad",
        attributes: [ONNXAttribute("kernel_shape", [0, 2])]),
      ONNXNode(
        "Concat", inputs: ["x", "w"], outputs: ["y"], name: "bad",
        attributes: [ONNXAttribute("axis", 1)]),
      ONNXNode(
        "Concat", inputs: ["x"], outputs: ["y"], name: "bad", attributes: [ONNXAttribute("axis", 4)]
      ),
      ONNXNode("Reshape", inputs: ["x", "x"], outputs: ["y"], name: "bad"),
      ONNXNode(
        "Transpose", inputs: ["x"], outputs: ["y"], name: "bad",
        attributes: [ONNXAttribute("perm", [0, 1, 2, 2])]),
      ONNXNode(
        "LRN", inputs: ["x"], outputs: ["y"], name: "bad",
        attributes: [ONNXAttribute("size", Int.max)]),
      ONNXNode("Gemm", inputs: ["x", "w"], outputs: ["y"], name: "bad"),
    ])
  func refused(node: ONNXNode) throws {
    let directory = try TemporaryDirectory()
    let problem = Self.problem {
      _ = try Self.file([node], in: directory, initializers: [Self.weight("w", [4, 4, 3, 3])])
        .imported()
    }
    guard case .node(name: "bad", kind: node.kind, _) = problem else {
      Issue.record("\(String(describing: problem))")
      return
    }
  }

  @Test(
    "A table of a million weights a position is refused before it is computed",
    arguments: ["cubic", "linear"])
  func largeTables(mode: String) throws {
    let directory = try TemporaryDirectory()
    // Each has room alone, and all of them together do not.
    let sizes = mode == "cubic" ? [1, 3, 8, 1 << 20] : [1, 3, 8, 1 << 18]
    var nodes = [String](repeating: "x", count: 20).enumerated().map { index, input in
      ONNXNode(
        "Resize", inputs: [index == 0 ? input : "v\(index)", "", "", "sizes\(index % 2)"],
        outputs: ["v\(index + 1)"], attributes: [ONNXAttribute("mode", mode)])
    }
    nodes[19].outputs = ["y"]
    let file = try Self.file(
      nodes, in: directory,
      initializers: [sizes, [1, 3, 8, 1 << 17]].enumerated().map { index, sizes in
        ONNXTensor(name: "sizes\(index)", Tensor(sizes.map { Int64($0) }))
      }, version: 19)
    switch Self.problem({ _ = try file.imported() }) {
    case .node(_, "Resize", let reason): #expect(mode == "cubic" && reason.contains("weights"))
    case .tooMany: #expect(mode == "linear")
    case let problem: Issue.record("\(String(describing: problem))")
    }
  }

  @Test("Batch normalization that was exported in training is refused by that word")
  func trainingMode() throws {
    let directory = try TemporaryDirectory()
    let problem = Self.problem {
      _ = try Self.file(
        [
          ONNXNode(
            "BatchNormalization", inputs: ["x", "s", "b", "m", "v"], outputs: ["y", "m2", "v2"],
            attributes: [ONNXAttribute("training_mode", 1)])
        ], in: directory, initializers: ["s", "b", "m", "v"].map { Self.weight($0, [3]) }
      ).imported()
    }
    #expect(problem.map { "\($0)".contains("training mode") } == true)
  }

  @Test("A file with several inputs is no classifier")
  func severalInputs() throws {
    let directory = try TemporaryDirectory()
    var graph = ONNXGraph(name: "two")
    graph.nodes = [ONNXNode("Add", inputs: ["a", "b"], outputs: ["y"])]
    graph.inputs = ["a", "b"].map {
      ONNXValue(name: $0, type: .float32, shape: [.extent(1), .extent(2)])
    }
    graph.outputs = [ONNXValue(name: "y", type: .float32, shape: nil)]
    try ONNXModel(graph: graph).write(to: directory.file("two.onnx"))
    let problem = Self.problem { _ = try Model(loading: directory.file("two.onnx")) }
    #expect(problem.map { "\($0)".contains("a, b") } == true)
  }

  @Test("The weights of an ONNX file are weights like those of other files")
  func weightFile() throws {
    let directory = try TemporaryDirectory()
    let path = try Self.file(Self.classifier, in: directory, initializers: Self.weights).path
    let file = try WeightFile(path)
    #expect(file.format == .onnx && file.describesModel)
    #expect(file.entries.map(\.name) == ["conv.weight", "conv.bias", "fc.weight", "fc.bias"])
    #expect(try file.tensor(named: "fc.bias") == Tensor.random([5], seed: 1))
  }
}
