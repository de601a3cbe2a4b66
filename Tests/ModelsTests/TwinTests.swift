import ConvNetFormats
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Networks with the same parameters") struct TwinTests {
  /// Every pair, the one from which a row was derived first.
  private static let pairs = [
    ("resnet18", "resnet18-torchvision"), ("resnet34", "resnet34-torchvision"),
    ("resnet50", "resnet50-v1.5"), ("resnet101", "resnet101-v1.5"),
    ("resnet152", "resnet152-v1.5"), ("bn-inception", "bn-inception-sigmoid"),
    ("resnet20", "plain20"), ("resnet32", "plain32"), ("resnet44", "plain44"),
    ("resnet56", "plain56"),
  ]

  private func entry(_ name: String) throws -> ModelEntry { try #require(ModelRegistry[name]) }

  /// A row with other classes than its own, and a file of weights as another framework writes it.
  private func model(_ name: String, seed: UInt64 = 1) throws -> Model {
    var options = try entry(name).defaults
    options.classes = 2
    (options.height, options.width) = (32, 32)
    return try Model(validating: entry(name).build(options), seed: seed)
  }

  private func write(
    _ model: Model, to path: String, network: String? = nil
  ) throws {
    try WeightFile.write(model.parameters.map { ($0, $1) }, to: path, network: network)
  }

  @Test("all twins are known, and each says what it computes otherwise")
  func all() throws {
    var expected: [String: [String]] = [:]
    for (one, other) in Self.pairs {
      expected[one, default: []].append(other)
      expected[other, default: []].append(one)
    }
    for entry in ModelRegistry.entries {
      let twins = entry.twins
      #expect(twins.map(\.name) == expected[entry.name] ?? [])
      for twin in twins { #expect(!twin.differences.isEmpty, "\(entry.name), \(twin.name)") }
    }
    let text = try #require(try entry("resnet50-v1.5").twins.first).differences.summary
    #expect(
      text.contains("epsilon 1e-05 instead of 0.001")
        && text.contains("strides [1, 1] instead of [2, 2] in 3 convolutions (layer2.0.conv1, …)")
        && text.contains("strides [2, 2] instead of [1, 1] in 3 convolutions (layer2.0.conv2, …)"))
  }

  @Test(
    "names and shapes find the row, of whatever classes; of twins a publisher's",
    arguments: [
      ("lenet5", "lenet5"), ("resnet18", "resnet18-torchvision"),
      ("resnet50-v1.5", "resnet50-v1.5"), ("alexnet-torchvision", "alexnet-torchvision"),
      ("resnet50-keras", "resnet50-keras"),
      ("inception-v3-torchvision", "inception-v3-torchvision"),
      ("mobilenet-v2", "mobilenet-v2"), ("mobilenet-v3-small", "mobilenet-v3-small"),
      ("efficientnet-b0", "efficientnet-b0"), ("convnext-tiny", "convnext-tiny"),
    ])
  func recognition(name: String, found: String) throws {
    let entry = try entry(name)
    var options = entry.defaults
    (options.classes, options.channels) = (7, 2)
    let graph = try entry.build(options).graph()
    var shapes: [String: Shape] = [:]
    for id in graph.parameters where !graph[id].name.hasPrefix("Aux") {
      shapes[graph[id].name] = graph[id].shape
    }
    let match = try #require(ModelRegistry.row(meantBy: ModelRegistry.rows(fitting: shapes)))
    #expect(match.entry.name == found)
    #expect(match.options == options)
    shapes["more"] = [1]
    #expect(ModelRegistry.rows(fitting: shapes).isEmpty)
    #expect(ModelRegistry.row(nearest: shapes)?.name == found)
    #expect(ModelRegistry.row(nearest: ["more": [1], "conv1.weight": [64, 3, 7, 7]]) == nil)
  }

  @Test("a publisher's names are refused for the twin, by the name of the right network")
  func published() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("resnet18.pth")
    let source = try model("resnet18")
    try write(source, to: path)
    var paper = try model("resnet18", seed: 2)
    let before = paper.parameters
    let error = #expect(throws: NetworkMismatch.self) { try paper.loadParameters(from: path) }
    #expect(error?.meant == "resnet18-torchvision")
    #expect(error?.evidence == .published(by: "torchvision"))
    #expect(error?.description.contains("epsilon 1e-05 instead of 0.001") == true)
    #expect(throws: NetworkMismatch.self) { try paper.takeParameters(from: path) }
    #expect(paper.parameters == before)
    #expect(try paper.takeParameters(from: path, asNamed: true).left.isEmpty)
    paper.parameters = before
    var notes = try paper.loadParameters(from: path, asNamed: true)
    #expect(notes.count == 1 && notes[0].contains("taken as resnet18; resnet18-torchvision has"))
    #expect(paper.parameters == source.parameters)
    var published = try model("resnet18-torchvision", seed: 2)
    notes = try published.loadParameters(from: path)
    #expect(
      notes.count == 1 && notes[0].hasPrefix("names of torchvision, taken as resnet18-torchvision"))
    #expect(try WeightFile(path).row?.entry.name == "resnet18-torchvision")
  }

  @Test(
    "a file that says whose it is, is taken for no other",
    arguments: ["model.safetensors", "w.safetensors", "w.pth", "w.npz"])
  func stated(name: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file(name)
    let source = try model("plain20")
    if name == "model.safetensors" {
      try source.save(to: path)
    } else {
      try write(source, to: path, network: "plain20")
      #expect(try WeightFile(path).network == "plain20")
      #expect(try WeightFile(path).row?.entry.name == "plain20")
    }
    // As other programs see it, the file holds the parameters and nothing else.
    #expect(try Set(WeightFile(path).entries.map(\.name)) == Set(source.parameters.keys))
    var residual = try model("resnet20", seed: 2)
    let error = #expect(throws: NetworkMismatch.self) { try residual.loadParameters(from: path) }
    #expect(error?.meant == "plain20" && error?.evidence == .stated)
    #expect(throws: NetworkMismatch.self) { try residual.takeParameters(from: path) }
    #expect(try residual.loadParameters(from: path, asNamed: true).count == 1)
    var plain = try model("plain20", seed: 2)
    #expect(try plain.loadParameters(from: path).isEmpty)
    #expect(plain.parameters == source.parameters)
  }

  @Test("names of nobody in particular are taken as named, and it is said")
  func ambiguous() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("w.npz")
    try write(model("plain20"), to: path)
    var residual = try model("resnet20", seed: 2)
    let notes = try residual.loadParameters(from: path)
    #expect(notes.count == 1 && notes[0].hasPrefix("taken as resnet20; plain20 has the same"))
    #expect(try WeightFile(path).row == nil)
  }

  @Test("where weights do not fit, the error names the network that they are of")
  func otherNetwork() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("w.pth")
    try write(model("plain20"), to: path, network: "plain20")
    var lenet = Model(try entry("lenet5").network, seed: 1)
    let error = #expect(throws: ParameterMismatch.self) { try lenet.loadParameters(from: path) }
    #expect(error?.fitting?.network == "plain20" && error?.fitting?.classes == 2)
    #expect(
      error?.description.hasSuffix("plain20 with 2 classes and 3 channels; name that") == true)
  }
}
