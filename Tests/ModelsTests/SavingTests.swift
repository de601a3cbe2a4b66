import ConvNetEngine
import ConvNetFormats
import ConvNetGraphs
import ConvNetInference
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import ConvNetTraining
import Foundation
import Testing

@Suite("Registry, saved") struct SavingTests {
  /// What a model file says of a network. The tensors beside it are as in any file.
  @Test(
    "the graph of every row comes back from a model file's text", arguments: ModelRegistry.entries)
  func description(entry: ModelEntry) throws {
    let graph = try entry.network.graph()
    let text = try JSONEncoder().encode(graph)
    #expect(try JSONDecoder().decode(Graph.self, from: text) == graph)
  }

  /// Files said no more of an operation than its name.
  @Test(
    "the table of a network from a file of a former version is that of the network",
    arguments: ModelRegistry.entries)
  func formerTable(entry: ModelEntry) throws {
    let graph = try entry.network.graph()
    var fields = try #require(
      JSONSerialization.jsonObject(with: JSONEncoder().encode(graph)) as? [String: Any])
    var operations = try #require(fields["operations"] as? [[String: Any]])
    for index in operations.indices {
      #expect(operations[index].removeValue(forKey: "tablePlace") != nil)
    }
    fields["operations"] = operations
    let text = try JSONSerialization.data(withJSONObject: fields)
    #expect(try JSONDecoder().decode(Graph.self, from: text).stageTable == graph.stageTable)
  }

  /// Of every family one, and all that are small.
  static let rows = ModelRegistry.entries.filter { entry in
    entry.defaults.height <= 32
      || [
        "googlenet", "bn-inception", "inception-v3-keras", "resnet18", "resnet18-torchvision",
        "mobilenet-v3-small",
      ]
      .contains(entry.name)
  }

  @Test("a saved model is the same model, and gives the same logits", arguments: rows)
  func roundTrip(entry: ModelEntry) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model.safetensors")
    let options = entry.reduced
    let model = Model(entry.build(options), seed: 5, classNames: ["a", "b", "c", "d", "e"])
    try model.save(to: path)
    let back = try Model(loading: path)
    #expect(back.graph == model.graph && back.parameters == model.parameters)
    #expect(back.classNames == model.classNames && back.preprocessing == model.preprocessing)
    let compute = ComputeOptions(threads: 1)
    let input = Tensor.random(options.input.shape(batch: 2), seed: 6)
    #expect(
      try back.run(input, order: .channelsFirst, compute: compute)
        == model.run(input, order: .channelsFirst, compute: compute))
  }
}
