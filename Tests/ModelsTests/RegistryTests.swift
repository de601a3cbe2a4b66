import ConvNetCompiler
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import Testing

@Suite("Registry") struct RegistryTests {
  @Test("names and aliases are unique and found")
  func names() {
    let names = ModelRegistry.names
    #expect(Set(names).count == names.count)
    for entry in ModelRegistry.entries {
      for name in [entry.name] + entry.aliases {
        #expect(ModelRegistry[name]?.name == entry.name)
      }
      #expect(!entry.paper.isEmpty && (1980...2030).contains(entry.year))
    }
    #expect(ModelRegistry["no such network"] == nil)
  }

  @Test(
    "a network has its name, and as many parameters as published", arguments: ModelRegistry.entries)
  func parameters(entry: ModelEntry) throws {
    let graph = try entry.network.graph()
    try graph.verify()
    #expect(graph.name == entry.name)
    let published = publishedParameterCounts[entry.name]
    let expected = try #require(published ?? TorchvisionNames.all[entry.name]?.parameters)
    #expect(graph.cost.parameters == expected)
    #expect(graph.layerTable.reduce(0) { $0 + $1.parameters } == expected)
    #expect(graph.layerTable.reduce(0) { $0 + $1.multiplyAdds } == graph.cost.multiplyAdds)
  }

  @Test("one logit a class, at any batch size", arguments: ModelRegistry.entries, [1, 3])
  func output(entry: ModelEntry, batch: Int) throws {
    let graph = try entry.network.graph(batch: batch)
    let main = try #require(graph.outputs.first { $0.auxiliaryWeight == nil })
    #expect(main.name == Network.outputName)
    #expect(graph[main.value].shape == [batch, entry.defaults.classes])
    #expect(try entry.network.graph().batched(batch) == graph)
  }

  @Test("another number of classes changes the last layer alone", arguments: ModelRegistry.entries)
  func classes(entry: ModelEntry) throws {
    var options = entry.defaults
    options.classes = 7
    let (old, new) = (try entry.network.graph(), try entry.build(options).graph())
    let main = try #require(new.outputs.first { $0.auxiliaryWeight == nil })
    #expect(new[main.value].shape == [1, 7])
    #expect(old.parameters.map { old[$0].name } == new.parameters.map { new[$0].name })
    let changed = old.parameters.filter { id in
      new.value(named: old[id].name).map { new[$0].shape } != old[id].shape
    }
    let auxiliaries = old.outputs.count { $0.auxiliaryWeight != nil }
    #expect(changed.count <= 2 * (1 + auxiliaries))
  }

  @Test("another size, other channels and either data format", arguments: ModelRegistry.entries)
  func otherInputs(entry: ModelEntry) throws {
    for (height, width, channels) in [(8, 12, 3), (4, 0, 1), (0, 4, 3)] {
      for format in DataFormat.allCases {
        let options = ModelOptions(
          height: entry.defaults.height + height, width: entry.defaults.width + width,
          channels: channels, classes: 4, dataFormat: format)
        let network = entry.build(options)
        let graph = try network.graph()
        #expect(network.dataFormat == format)
        let input = try #require(graph.inputs.first)
        #expect(graph[input].shape == [1, channels, options.height, options.width])
        let main = try #require(graph.outputs.first { $0.auxiliaryWeight == nil })
        #expect(graph[main.value].shape == [1, 4])
      }
    }
  }

  @Test(
    "a picture too small for the network is refused by the layer's name",
    arguments: ModelRegistry.entries)
  func tooSmall(entry: ModelEntry) {
    let error = Self.refusal(of: entry)
    #expect(error?.subject != entry.name && error?.subject != "")
  }

  /// What a network says of a picture of one pixel; `nil` where it takes it: one that pools globally may take any size.
  private static func refusal(of entry: ModelEntry) -> GraphError? {
    var options = entry.defaults
    (options.height, options.width) = (1, 1)
    do {
      _ = try entry.build(options).graph()
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "networks whose windows need more than a pixel refuse one",
    arguments: ["lenet5", "alexnet", "vgg16"])
  func needsPixels(name: String) throws {
    let entry = try #require(ModelRegistry[name])
    let error = try #require(Self.refusal(of: entry))
    #expect(error.description.contains("window"))
  }
}
