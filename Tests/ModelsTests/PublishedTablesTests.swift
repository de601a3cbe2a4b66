import ConvNetCompiler
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import Testing

/// Learned numbers of each network with its auxiliary classifiers, summed over the rows of its paper's
/// table; networks that torchvision has are in its fixture. A new row of the registry needs one
/// here or there.
let publishedParameterCounts = [
  // 156 + 2,416 + 48,120 + 10,164 + 850: the paper's layers with full connections in the second
  // convolution.
  "lenet5": 61_706,
  // 34,944 + 307,456 + 885,120 + 663,936 + 442,624 + 37,752,832 + 16,781,312 + 4,097,000.
  "alexnet": 60_965_224,
  "vgg-a-lrn": 132_863_336, "vgg-c": 133_638_952,
  "googlenet": 13_378_280, "bn-inception": 17_582_608, "bn-inception-sigmoid": 17_582_608,
  // Of each of the 10,208 normalized channels a scale and a shift less, and a bias more.
  "bn-inception-plain": 17_572_400,
  "inception-v2": 29_280_176, "inception-v3": 29_280_944,
  "plain18": 11_515_688, "plain34": 21_623_848,
  "resnet20": 269_722, "resnet32": 464_154, "resnet44": 658_586, "resnet56": 853_018,
  "resnet110": 1_727_962,
  // Ours: 352 + 18,560 + 2 x 36,992 + 73,984 + 2 x 147,712 + 1,290, by hand.
  "resnet-fast": 463_594,
  "plain20": 269_722, "plain32": 464_154, "plain44": 658_586, "plain56": 853_018,
  // Keras's `count_params()` less its running statistics.
  "resnet50-keras": 25_583_592, "resnet101-keras": 44_601_832, "resnet152-keras": 60_268_520,
  "inception-v3-keras": 23_817_352,
]

/// The networks beside the tables of the lecture. Where a printed figure is a slip the true value
/// is asserted, and the slip is named; `docs/lecture.md` lists them.
@Suite("Published tables") struct PublishedTablesTests {
  private func inference(_ name: String) throws -> Graph {
    try #require(ModelRegistry[name]).network.graph().withoutAuxiliaries
  }

  private func stages(_ name: String) throws -> [String: StageRow] {
    Dictionary(
      try inference(name).stageTable.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  @Test("AlexNet: neurons a layer (figure 2); the input has 150,528")
  func alexNetNeurons() throws {
    let entry = try #require(ModelRegistry["alexnet"])
    #expect(entry.defaults.input.shape(batch: 1).count == 150_528)
    // A slip: the paper prints 253,440 neurons of the first layer; 55 x 55 x 96 is 290,400.
    let neurons = [290_400, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    #expect(
      try inference("alexnet").stageTable.filter { $0.parameters > 0 }
        .map { $0.output.reduce(1, *) } == neurons)
  }

  @Test("AlexNet: 227 pixels without padding and 224 with make the same sizes")
  func alexNetSizes() throws {
    var options = try #require(ModelRegistry["alexnet"]).defaults
    let padded = alexNet(options)
    (options.height, options.width) = (227, 227)
    #expect(
      try padded.graph().layerTable.map(\.output)
        == alexNet(options).graph().layerTable.map(\.output))
  }

  @Test("AlexNet: biases that begin at one (section 5)")
  func alexNetBiases() throws {
    let initializers = try #require(ModelRegistry["alexnet"]).network.lowered().initializers
    let biases = initializers.filter { $0.key.hasSuffix(".bias") }
    #expect(
      Set(biases.filter { $0.value == .ones }.keys)
        == ["conv2.bias", "conv4.bias", "conv5.bias", "fc6.bias", "fc7.bias"])
    #expect(biases.count { $0.value == .zeros } == 3)
  }

  @Test(
    "VGG: millions of parameters (table 2)",
    arguments: [
      ("vgg-a", 133), ("vgg-a-lrn", 133), ("vgg-b", 133), ("vgg-c", 134), ("vgg-d", 138),
      ("vgg-e", 144),
    ])
  func vggParameters(name: String, millions: Int) throws {
    let parameters = try inference(name).cost.parameters
    #expect((parameters + 500_000) / 1_000_000 == millions)
  }

  @Test("VGG: weight layers of each configuration, and their grids (table 1)")
  func vggLayers() throws {
    for (name, count) in [
      ("vgg-a", 11), ("vgg-a-lrn", 11), ("vgg-b", 13), ("vgg-c", 16), ("vgg-d", 16), ("vgg-e", 19),
    ] {
      let rows = try inference(name).stageTable
      #expect(rows.count { $0.parameters > 0 } == count)
      #expect(
        rows.filter { $0.content.contains("max pool") }.map(\.output) == [
          [112, 112, 64], [56, 56, 128], [28, 28, 256], [14, 14, 512], [7, 7, 512],
        ])
    }
    #expect(try inference("vgg-c").layerTable.count { $0.parameters == 256 * 256 + 256 } == 1)
    #expect(
      try inference("vgg-a-lrn").layerTable.map(\.kind).prefix(4)
        == ["convolution", "activation", "localResponseNormalization", "maxPooling"])
  }

  /// A row of GoogLeNet's table 1. There K is 1024, M a million.
  struct GoogLeNetRow: Sendable, CustomTestStringConvertible {
    var stages: [String]
    var output: [Int]
    var parameters: Int
    var multiplyAdds: Int
    /// As printed: thousands (1024) of parameters and millions of operations; `nil` where the
    /// printed figure is a slip.
    var printed: (parameters: Int?, operations: Int?)
    var testDescription: String { stages.joined(separator: ", ") }
  }

  static let googLeNet = [
    // A slip: 2.7K and 34M are printed. They are those of a separable convolution with depth
    // multiplier 8, as in the authors' next network: see the test of its first layer.
    GoogLeNetRow(
      stages: ["conv1"], output: [112, 112, 64], parameters: 9472, multiplyAdds: 118_013_952,
      printed: (nil, nil)),
    GoogLeNetRow(
      stages: ["conv2", "conv3"], output: [56, 56, 192], parameters: 114_944,
      multiplyAdds: 359_661_568, printed: (112, 360)),
    GoogLeNetRow(
      stages: ["inception3a"], output: [28, 28, 256], parameters: 163_696,
      multiplyAdds: 128_049_152, printed: (159, 128)),
    GoogLeNetRow(
      stages: ["inception3b"], output: [28, 28, 480], parameters: 388_736,
      multiplyAdds: 304_267_264, printed: (380, 304)),
    // Slips from here to 5b: 364K, 437K, 463K, 580K, 840K, 1072K and 1388K are printed, which these
    // blocks have with biases or without as little; 1072K and 54M of 5a belong to the same block,
    // which is not the one whose channels the table prints.
    GoogLeNetRow(
      stages: ["inception4a"], output: [14, 14, 512], parameters: 376_176,
      multiplyAdds: 73_608_192, printed: (nil, 73)),
    GoogLeNetRow(
      stages: ["inception4b"], output: [14, 14, 512], parameters: 449_160,
      multiplyAdds: 87_908_352, printed: (nil, 88)),
    GoogLeNetRow(
      stages: ["inception4c"], output: [14, 14, 512], parameters: 510_104,
      multiplyAdds: 99_850_240, printed: (nil, 100)),
    GoogLeNetRow(
      stages: ["inception4d"], output: [14, 14, 528], parameters: 605_376,
      multiplyAdds: 118_515_712, printed: (nil, 119)),
    GoogLeNetRow(
      stages: ["inception4e"], output: [14, 14, 832], parameters: 868_352,
      multiplyAdds: 169_996_288, printed: (nil, 170)),
    GoogLeNetRow(
      stages: ["inception5a"], output: [7, 7, 832], parameters: 1_043_456,
      multiplyAdds: 51_079_168, printed: (nil, nil)),
    GoogLeNetRow(
      stages: ["inception5b"], output: [7, 7, 1024], parameters: 1_444_080,
      multiplyAdds: 70_697_984, printed: (nil, 71)),
    GoogLeNetRow(
      stages: ["fc"], output: [1000], parameters: 1_025_000, multiplyAdds: 1_024_000,
      printed: (1000, 1)),
  ]

  @Test("GoogLeNet: params and ops of every row (table 1)", arguments: googLeNet)
  func googLeNetRows(row: GoogLeNetRow) throws {
    let all = try stages("googlenet")
    let rows = try row.stages.map { try #require(all[$0]) }
    let parameters = rows.reduce(0) { $0 + $1.parameters }
    let multiplyAdds = rows.reduce(0) { $0 + $1.multiplyAdds }
    #expect(rows.last?.output == row.output)
    #expect(parameters == row.parameters && multiplyAdds == row.multiplyAdds)
    // Printed figures are rounded up or down, some without biases.
    if let printed = row.printed.parameters {
      #expect(abs(Double(parameters) / 1024 - Double(printed)) < 1.01)
    }
    if let printed = row.printed.operations {
      #expect(abs(Double(multiplyAdds) / 1e6 - Double(printed)) < 1)
    }
  }

  @Test("GoogLeNet: sizes after each pooling; nothing of the auxiliary classifiers in inference")
  func googLeNetSizes() throws {
    let rows = try stages("googlenet")
    #expect(rows["maxpool1"]?.output == [56, 56, 64] && rows["maxpool2"]?.output == [28, 28, 192])
    #expect(rows["maxpool3"]?.output == [14, 14, 480] && rows["maxpool4"]?.output == [7, 7, 832])
    let training = try #require(ModelRegistry["googlenet"]).network.graph()
    #expect(training.outputs.map(\.auxiliaryWeight) == [0.3, 0.3, nil])
    let auxiliary = training.layerTable.filter {
      $0.name == "aux1.pool1" || $0.name == "aux2.pool1"
    }
    #expect(auxiliary.map(\.output) == [[4, 4, 512], [4, 4, 528]])
    #expect(rows["aux1"] == nil && rows["aux2"] == nil)
  }

  @Test("an Inception block without dimensionality reduction keeps the channels that it pools")
  func naiveBlock() throws {
    let graph = try Network("naive", input: .image(height: 28, width: 28, channels: 192)) {
      NaiveInceptionBlock(one: 64, three: 128, five: 32)
    }.graph()
    let output = try #require(graph.outputs.first)
    #expect(graph[output.value].shape == [1, 64 + 128 + 32 + 192, 28, 28])
    // Block 3a, of almost as many channels, has two fifths of the operations.
    #expect(graph.cost.multiplyAdds == 28 * 28 * 192 * (64 + 9 * 128 + 25 * 32))
  }

  @Test("BN-Inception: sizes of every block, and its separable first convolution")
  func bnInceptionRows() throws {
    let rows = try stages("bn-inception")
    let outputs = [
      "3a": [28, 28, 256], "3b": [28, 28, 320], "3c": [14, 14, 576], "4a": [14, 14, 576],
      "4b": [14, 14, 576], "4c": [14, 14, 576], "4d": [14, 14, 576], "4e": [7, 7, 1024],
      "5a": [7, 7, 1024], "5b": [7, 7, 1024],
    ]
    for (name, output) in outputs { #expect(rows["inception" + name]?.output == output) }
    // 2712 weights and 34 million operations: what GoogLeNet's table prints for its first layer.
    let first = try #require(rows["conv1"])
    #expect(first.parameters - 2 * 64 == 2712 && first.multiplyAdds == 34_019_328)
    // "Cost 2.0 billion" in the table of Inception v2.
    #expect(try inference("bn-inception").cost.multiplyAdds == 1_934_857_216)
  }

  /// Figure 5 of its paper: 1x1; 3x3 reduce, 3x3; double 3x3 reduce, double 3x3; pool projection.
  @Test(
    "BN-Inception: the channels of every convolution of a block",
    arguments: [
      ("3a", [64, 64, 64, 64, 96, 96, 32]), ("3b", [64, 64, 96, 64, 96, 96, 64]),
      ("3c", [128, 160, 64, 96, 96]), ("4a", [224, 64, 96, 96, 128, 128, 128]),
      ("4b", [192, 96, 128, 96, 128, 128, 128]),
      // A slip: projections of 128 are printed in 4c and 4d, which with the other columns make 608
      // channels; of 96, which the authors released, they make the printed 576.
      ("4c", [160, 128, 160, 128, 160, 160, 96]), ("4d", [96, 128, 192, 160, 192, 192, 96]),
      ("4e", [128, 192, 192, 256, 256]), ("5a", [352, 192, 320, 160, 224, 224, 128]),
      ("5b", [352, 192, 320, 192, 224, 224, 128]),
    ])
  func bnInceptionBlocks(name: String, channels: [Int]) throws {
    let graph = try inference("bn-inception")
    let block = graph.operations.filter { $0.name.hasPrefix("inception\(name).") }
    let convolutions = block.filter { $0.kind.name == "convolution" }
    #expect(convolutions.map { graph[$0.outputs[0]].shape[1] } == channels)
    let poolings = block.map(\.kind.name).filter { $0.hasSuffix("Pooling") }
    #expect(poolings == [["3c", "4e", "5b"].contains(name) ? "maxPooling" : "averagePooling"])
  }

  @Test(
    "BN-Inception: the baseline has the same grids and convolutions, without normalization and with dropout"
  )
  func plainInception() throws {
    let (usual, plain) = (
      try stages("bn-inception").mapValues(\.output),
      try stages("bn-inception-plain").mapValues(\.output)
    )
    #expect(usual == plain)
    let (normalized, network) = (try inference("bn-inception"), try inference("bn-inception-plain"))
    func kinds(_ graph: Graph, _ name: String) -> Int {
      graph.operations.count { $0.kind.name == name }
    }
    #expect(kinds(network, "convolution") == kinds(normalized, "convolution"))
    #expect(
      kinds(network, "batchNormalization") == 0 && kinds(normalized, "batchNormalization") > 0)
    let dropout = try #require(ModelRegistry["bn-inception-plain"]).network.graph().operations
      .compactMap { $0.attributes as? Operation.Dropout }.last
    #expect(dropout?.rate == 0.4)
  }

  @Test("BN-Inception: the sigmoid variant differs in its nonlinearities alone")
  func sigmoid() throws {
    let (usual, sigmoid) = (try inference("bn-inception"), try inference("bn-inception-sigmoid"))
    #expect(usual.operations.count == sigmoid.operations.count)
    let changed = zip(usual.operations, sigmoid.operations).filter { $0.0.kind != $0.1.kind }
    #expect(changed.allSatisfy { $0.0.kind == Operation.Activation(.relu).kind })
    #expect(changed.allSatisfy { $0.1.kind == Operation.Activation(.sigmoid).kind })
    #expect(changed.count == usual.layerTable.count { $0.kind == "activation" })
  }

  @Test(
    "Inception v2 and v3: input of every row (table 1)",
    arguments: ["inception-v2", "inception-v3"])
  func inceptionGrids(name: String) throws {
    let outputs = try inference(name).stageTable.map(\.output)
    #expect(
      outputs == [
        // A slip: the last of these is not marked as padded, but keeps 35 x 35.
        [149, 149, 32], [147, 147, 32], [147, 147, 64], [73, 73, 64], [71, 71, 80], [35, 35, 192],
        [35, 35, 288],
        [35, 35, 288], [35, 35, 288], [35, 35, 288],
        [17, 17, 768], [17, 17, 768], [17, 17, 768], [17, 17, 768], [17, 17, 768], [17, 17, 768],
        [8, 8, 1280], [8, 8, 2048], [8, 8, 2048],
        [2048], [1000],
      ])
    // A slip: 4.8 billion are printed for both.
    #expect(try inference(name).cost.multiplyAdds == 6_352_562_784)
  }

  @Test("Inception v2: the operations that its table 3 prints, beside those of the networks")
  func inceptionCosts() throws {
    // A slip: 1.5 billion are printed, 1.58 cut off and not rounded.
    #expect(try inference("googlenet").cost.multiplyAdds == 1_582_671_872)
    // A slip: 3.8 billion are printed before the first convolution of 7x7 becomes three of 3x3, and 4.8 after it. On the
    // grids of table 1 the three take 0.41 billion more than the one, not a billion.
    let three = try inference("inception-v2").stageTable.prefix(3).reduce(0) {
      $0 + $1.multiplyAdds
    }
    let one = 147 * 147 * 7 * 7 * 3 * 64
    #expect(three - one == 413_329_824)
  }

  @Test("Inception v2 and v3: batch normalization in the dense layer of v3's auxiliary one alone")
  func inceptionAuxiliaries() throws {
    let graphs = try ["inception-v2", "inception-v3"].map {
      try #require(ModelRegistry[$0]).network.graph()
    }
    #expect(graphs.map { $0.value(named: "AuxLogits.conv1.bn.weight") != nil } == [false, true])
    #expect(graphs.map { $0.value(named: "AuxLogits.conv0.bn.weight") != nil } == [true, true])
    #expect(graphs.map { $0.outputs.first?.auxiliaryWeight } == [0.3, 0.4])
  }

  @Test(
    "ResNet: billions of multiply-adds (table 1)",
    arguments: [
      ("resnet18", 1_814_073_344, 1.8), ("resnet101", 7_570_194_432, 7.6),
      ("resnet152", 11_282_415_616, 11.3),
      // A slip: 3.8 is printed, 3.86 cut off and not rounded.
      ("resnet50", 3_857_973_248, 3.9),
      // 3.6 is printed, of shortcuts without projections: see the next test.
      ("resnet34", 3_663_761_408, 3.7),
    ])
  func resNetCosts(name: String, multiplyAdds: Int, billions: Double) throws {
    #expect(try inference(name).cost.multiplyAdds == multiplyAdds)
    #expect(abs(Double(multiplyAdds) / 1e9 - billions) <= 0.05)
  }

  @Test("ResNet: shortcuts A add nothing to the plain network, B three projections, C one a block")
  func shortcuts() throws {
    let options = try #require(ModelRegistry["resnet34"]).defaults
    let plain = try plainNet(.layers34, options).graph()
    let graphs = try ResNetShortcut.allCases.map {
      try resNet(.layers34, shortcut: $0, options).graph()
    }
    #expect(graphs[0].cost == plain.cost)
    // The printed 3.6 billion.
    #expect(plain.cost.multiplyAdds == 3_644_493_824)
    let projections = graphs.map { graph in
      graph.parameters.count { graph[$0].name.hasSuffix("downsample.0.weight") }
    }
    #expect(projections == [0, 3, 16])
    #expect(graphs.map(\.name) == ["resnet34-a", "resnet34", "resnet34-c"])
  }

  @Test(
    "ResNet: output size of every stage (table 1)",
    arguments: ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "plain18", "plain34"])
  func resNetSizes(name: String) throws {
    let rows = try stages(name)
    let isDeep = ["resnet50", "resnet101", "resnet152"].contains(name)
    let channels = [64, 128, 256, 512].map { isDeep ? 4 * $0 : $0 }
    #expect(rows["conv1"]?.output == [112, 112, 64] && rows["maxpool"]?.output == [56, 56, 64])
    for (stage, extent) in [56, 28, 14, 7].enumerated() {
      #expect(rows["layer\(stage + 1)"]?.output == [extent, extent, channels[stage]])
    }
  }

  @Test("ResNet: weight layers of every depth, projections apart")
  func depths() throws {
    for depth in ResNetDepth.allCases {
      #expect(try weightLayers("resnet\(depth.rawValue)") == depth.rawValue)
    }
    for depth in [20, 32, 44, 56, 110] {
      #expect(try weightLayers("resnet\(depth)") == depth)
      if depth < 110 { #expect(try weightLayers("plain\(depth)") == depth) }
    }
  }

  private func weightLayers(_ name: String) throws -> Int {
    try inference(name).layerTable.count {
      $0.multiplyAdds > 0 && !$0.name.contains("downsample")
    }
  }

  @Test(
    "CIFAR: millions of parameters (the paper's table 6)",
    arguments: [
      ("resnet20", 0.27), ("resnet32", 0.46), ("resnet44", 0.66), ("resnet56", 0.85),
      ("resnet110", 1.7),
    ])
  func cifarParameters(name: String, millions: Double) throws {
    let parameters = Double(try inference(name).cost.parameters) / 1e6
    #expect(abs(parameters - millions) < (millions > 1 ? 0.05 : 0.005))
    let rows = try stages(name)
    #expect(rows["layer1"]?.output == [32, 32, 16] && rows["layer3"]?.output == [8, 8, 64])
  }
}
