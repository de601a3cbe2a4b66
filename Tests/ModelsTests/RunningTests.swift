import ConvNetCompiler
import ConvNetEngine
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Registry, run") struct RunningTests {
  /// Networks that the naive reference runs in a moment; the others are compared with PyTorch by
  /// `make parity`.
  static let small = ["lenet5", "resnet20", "plain20"].compactMap { ModelRegistry[$0] }

  private func logits(
    _ model: Model, _ input: Tensor, format: DataFormat, runs: Int? = nil
  ) throws -> Tensor {
    let name = try #require(model.graph.inputs.first.map { model.graph[$0].name })
    var executable = try Executable(
      model.graph.batched(input.shape[0]), parameters: model.parameters,
      options: CompilationOptions(
        inputFormat: format, compute: ComputeOptions(expectedRuns: runs)))
    return try #require(try executable.run([name: input])[Network.outputName])
  }

  @Test("the engine agrees with the reference", arguments: small)
  func reference(entry: ModelEntry) throws {
    try expectAgreement(entry.network, batch: 2)
  }

  /// What makes each family: groups and response normalization, ceiling and separable
  /// convolutions, bottlenecks.
  @Test(
    "a network for ImageNet agrees with the reference on a small picture",
    arguments: [
      "alexnet", "googlenet", "googlenet-torchvision", "bn-inception", "resnet18",
      "resnet50-keras", "mobilenet-v3-small", "convnext-tiny",
    ])
  func reduced(name: String) throws {
    let entry = try #require(ModelRegistry[name])
    try expectAgreement(entry.build(entry.reduced), batch: 1)
  }

  @Test("every shortcut agrees with the reference", arguments: ResNetShortcut.allCases)
  func shortcuts(shortcut: ResNetShortcut) throws {
    let options = ModelOptions(height: 13, width: 10, channels: 1, classes: 5)
    try expectAgreement(cifarResNet(blocks: 1, shortcut: shortcut, options), batch: 1)
  }

  private func expectAgreement(_ network: Network, batch: Int) throws {
    let model = Model(network, seed: 3)
    let graph = try model.graph.batched(batch).withoutAuxiliaries
    let input = Tensor.random(graph[graph.inputs[0]].shape, seed: 4, in: 0..<1)
    var given = [graph.inputs[0]: ReferenceValue(input)]
    for id in graph.parameters {
      given[id] = ReferenceValue(try #require(model.parameters[graph[id].name]))
    }
    let values = try ReferenceEvaluator().evaluate(graph.specialized(for: .inference), given: given)
    let expected = try #require(graph.outputs.first.flatMap { values[$0.value] })
    let scale = expected.elements.map(abs).max() ?? 1
    #expect(scale > 0)
    // Many runs keep packed weights, one packs them on the way.
    for runs in [nil, 1] {
      let actual = try logits(model, input, format: .channelsFirst, runs: runs)
      for (one, other) in zip(actual.elements, expected.elements) {
        #expect(abs(Double(one) - other) < 1e-4 * scale, "\(runs ?? .max) runs")
      }
    }
  }

  /// A picture given in either order is the same picture; only ``Flatten`` orders its elements by
  /// the format, so that the first dense layer's columns are exchanged.
  @Test(
    "the two data formats are the same network up to the order of flattening",
    arguments: small)
  func dataFormats(entry: ModelEntry) throws {
    let model = Model(entry.network, seed: 3)
    let shape = model.graph[model.graph.inputs[0]].shape
    let (channels, height, width) = (shape[1], shape[2], shape[3])
    let first = Tensor.random([2, channels, height, width], seed: 4)
    var last = Tensor(zeros: [2, height, width, channels])
    for example in 0..<2 {
      for channel in 0..<channels {
        for row in 0..<height {
          for column in 0..<width {
            last[example, row, column, channel] = first[example, channel, row, column]
          }
        }
      }
    }
    #expect(
      try logits(model, first, format: .channelsFirst)
        == logits(model, last, format: .channelsLast))
  }

  @Test("every example of a batch gets what it gets alone", arguments: small)
  func batches(entry: ModelEntry) throws {
    let model = Model(entry.network, seed: 3)
    let shape = model.graph[model.graph.inputs[0]].shape
    let batch = Tensor.random(shape.replacing(axis: 0, with: 3), seed: 5)
    let together = try logits(model, batch, format: .channelsFirst).elements
    for example in 0..<3 {
      let count = batch.count / 3
      let one = Tensor(Array(batch.elements[example * count..<(example + 1) * count]), shape: shape)
      let alone = try logits(model, one, format: .channelsFirst).elements
      for (index, value) in alone.enumerated() {
        #expect(abs(value - together[example * alone.count + index]) < 1e-4)
      }
    }
  }
}
