import ConvNetFormats
import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Names of other frameworks") struct WeightNamingTests {
  private func options(
    _ name: String, _ format: DataFormat = .channelsFirst, extent: Int = 64
  ) -> ModelOptions {
    ModelOptions(height: extent, width: extent, channels: 3, classes: 5, dataFormat: format)
  }

  /// What a framework's file holds of a model, element by element from the definition.
  private func inKeras(_ tensor: Tensor, flattened: (c: Int, h: Int, w: Int)? = nil) -> Tensor {
    let (shape, elements) = (tensor.shape, tensor.elements)
    if shape.rank == 4 {
      let extents = [shape[2], shape[3], shape[1], shape[0]]
      var result = Tensor(zeros: Shape(extents))
      result.withMutableSpan { result in
        for o in 0..<shape[0] {
          for i in 0..<shape[1] {
            for h in 0..<shape[2] {
              for w in 0..<shape[3] {
                result[((h * shape[3] + w) * shape[1] + i) * shape[0] + o] =
                  elements[((o * shape[1] + i) * shape[2] + h) * shape[3] + w]
              }
            }
          }
        }
      }
      return result
    }
    guard shape.rank == 2 else { return tensor }
    let grid = flattened ?? (c: shape[1], h: 1, w: 1)
    var result = Tensor(zeros: [shape[1], shape[0]])
    result.withMutableSpan { result in
      for o in 0..<shape[0] {
        for c in 0..<grid.c {
          for position in 0..<grid.h * grid.w {
            result[(position * grid.c + c) * shape[0] + o] =
              elements[o * shape[1] + c * grid.h * grid.w + position]
          }
        }
      }
    }
    return result
  }

  private func load(
    _ tensors: [String: Tensor], into model: inout Model, _ entry: ModelEntry
  ) throws -> [String] {
    let directory = try TemporaryDirectory()
    let path = directory.file("w.safetensors")
    try Safetensors(tensors: tensors).write(to: path)
    return try model.loadParameters(from: path, namings: entry.weightNamings)
  }

  @Test("Keras's residual network: names, kernels with their outputs last")
  func kerasResNet() throws {
    let entry = try #require(ModelRegistry["resnet50-keras"])
    let source = Model(entry.build(options("resnet50-keras", extent: 32)), seed: 1)
    let own = [
      "conv1.weight": "conv1_conv/kernel", "bn1.running_var": "conv1_bn/moving_variance",
      "layer1.0.downsample.0.bias": "conv2_block1_0_conv/bias",
      "layer1.0.downsample.1.weight": "conv2_block1_0_bn/gamma",
      "layer3.5.conv3.weight": "conv4_block6_3_conv/kernel",
      "layer4.2.bn2.bias": "conv5_block3_2_bn/beta", "fc.weight": "predictions/kernel",
    ]
    let sources = entry.weightNamings[0].sources(source.graph, [])
    #expect(sources.count == source.parameters.count)
    #expect(Set(sources.values.map(\.name)).count == sources.count)
    for (name, other) in own { #expect(sources[name]?.name == other) }
    var tensors: [String: Tensor] = [:]
    for (name, value) in source.parameters {
      tensors[try #require(sources[name]).name] = inKeras(value)
    }
    var target = Model(entry.build(options("resnet50-keras", extent: 32)), seed: 2)
    #expect(try load(tensors, into: &target, entry) == ["names and orders of Keras"])
    #expect(target.parameters == source.parameters)
  }

  @Test("Keras's VGG: the first dense layer reads the picture channels last")
  func kerasVGG() throws {
    let entry = try #require(ModelRegistry["vgg-a"])
    let source = Model(entry.build(options("vgg-a")), seed: 1)
    let sources = try #require(entry.weightNamings.first { $0.framework == "Keras" })
      .sources(source.graph, [])
    #expect(sources["features.8.weight"]?.name == "block3_conv2/kernel")
    #expect(sources["classifier.6.bias"]?.name == "predictions/bias")
    var tensors: [String: Tensor] = [:]
    for (name, value) in source.parameters {
      let isFirst = name == "classifier.0.weight"
      tensors[try #require(sources[name]).name] = inKeras(
        value, flattened: isFirst ? (c: 512, h: 2, w: 2) : nil)
    }
    var target = Model(entry.build(options("vgg-a")), seed: 2)
    #expect(try load(tensors, into: &target, entry) == ["names and orders of Keras"])
    #expect(target.parameters == source.parameters)
    // The network that flattens channels last has the same numbers in the file's order.
    var last = Model(entry.build(options("vgg-a", .channelsLast)), seed: 2)
    _ = try load(tensors, into: &last, entry)
    let column = try #require(tensors["fc1/kernel"])
    let row = try #require(last.parameters["classifier.0.weight"])
    #expect((0..<2048).allSatisfy { row[7, $0] == column[$0, 7] })
  }

  @Test("Keras's Inception: layers by their numbers, wherever these begin", arguments: [0, 94])
  func kerasInception(first: Int) throws {
    let entry = try #require(ModelRegistry["inception-v3-keras"])
    let graph = try entry.network.graph()
    func number(_ index: Int) -> String { index == 0 ? "" : "_\(index)" }
    var names = Set(["predictions/kernel", "predictions/bias"])
    for index in first..<first + 94 {
      names.insert("conv2d\(number(index))/kernel")
      for part in ["beta", "moving_mean", "moving_variance"] {
        names.insert("batch_normalization\(number(index))/\(part)")
      }
    }
    let sources = entry.weightNamings[0].sources(graph, names)
    #expect(Set(sources.values.map(\.name)) == names && sources.count == names.count)
    #expect(sources["Conv2d_1a_3x3.conv.weight"]?.name == "conv2d\(number(first))/kernel")
    #expect(
      sources["Mixed_5b.branch5x5_1.bn.bias"]?.name
        == "batch_normalization\(number(first + 6))/beta")
    #expect(
      sources["Mixed_7c.branch_pool.conv.weight"]?.name == "conv2d\(number(first + 93))/kernel")
  }

  @Test("timm's VGG: dense layers as convolutions")
  func timmVGG() throws {
    let entry = try #require(ModelRegistry["vgg16"])
    let source = Model(entry.build(options("vgg16", extent: 32)), seed: 1)
    var tensors = source.parameters
    for (own, other) in [
      ("classifier.0", "pre_logits.fc1"), ("classifier.3", "pre_logits.fc2"),
      ("classifier.6", "head.fc"),
    ] {
      tensors["\(other).bias"] = tensors.removeValue(forKey: "\(own).bias")
      let removed = tensors.removeValue(forKey: "\(own).weight")
      let kernel = try #require(removed)
      tensors["\(other).weight"] =
        other == "head.fc" ? kernel : kernel.reshaped(to: Shape(kernel.shape.dimensions + [1, 1]))
    }
    var target = Model(entry.build(options("vgg16", extent: 32)), seed: 2)
    #expect(try load(tensors, into: &target, entry) == ["names and orders of timm"])
    #expect(target.parameters == source.parameters)
  }

  @Test("auxiliary classifiers may be left out, all of them or none")
  func withoutAuxiliaryClassifiers() throws {
    let entry = try #require(ModelRegistry["googlenet-torchvision"])
    let source = Model(entry.build(options("", extent: 32)), seed: 1)
    var target = Model(entry.build(options("", extent: 32)), seed: 2)
    let before = target.parameters
    var tensors = source.parameters.filter { !$0.key.hasPrefix("aux") }
    let notes = try load(tensors, into: &target, entry)
    #expect(notes.count == 1)
    #expect(notes[0].hasPrefix("no auxiliary classifiers: 18 parameters (aux1."))
    for (name, value) in target.parameters {
      #expect(value == (name.hasPrefix("aux") ? before[name] : source.parameters[name]))
    }
    tensors["aux1.fc2.bias"] = source.parameters["aux1.fc2.bias"]
    #expect(throws: ParameterMismatch.self) { try load(tensors, into: &target, entry) }
    tensors["aux1.fc2.bias"] = nil
    tensors["fc.bias"] = nil
    let error = #expect(throws: ParameterMismatch.self) { try load(tensors, into: &target, entry) }
    #expect(error?.missing.contains("fc.bias") == true && error?.unexpected == [])
  }
}
