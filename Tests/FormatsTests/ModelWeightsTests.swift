import ConvNetFormats
import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Weights of a model") struct ModelWeightsTests {
  /// The network of the fixtures, with the names that PyTorch gives to a sequence.
  private static func network(classes: Int = 3) -> Network {
    Network("small", input: .image(height: 6, width: 6, channels: 1), dataFormat: .channelsFirst) {
      Conv2D(2, kernel: 3).named("0")
      BatchNorm().named("1")
      Flatten()
      Dense(classes).named("3")
    }
  }

  @Test(
    "the weights of a network of PyTorch are taken by name, its counters passed over",
    arguments: ["network.pth", "network-checkpoint.pth", "network.safetensors"])
  func loads(name: String) throws {
    var model = Model(Self.network(), seed: 1)
    try model.loadParameters(from: fixturePath(name))
    var expected = try Safetensors(contentsOf: fixturePath("network.safetensors")).tensors
    expected["1.num_batches_tracked"] = nil
    #expect(model.parameters == expected)
  }

  @Test("names that are missing, unexpected or of another shape are listed, and nothing is taken")
  func mismatch() throws {
    let directory = try TemporaryDirectory()
    var model = Model(Self.network(), seed: 1)
    let before = model.parameters
    var file = Safetensors(tensors: before)
    file.tensors["3.weight"] = Tensor(zeros: [3, 31])
    file.tensors["0.bias"] = nil
    for index in 0..<5 { file.tensors["head.\(index)"] = Tensor(zeros: [1]) }
    let path = directory.file("other.safetensors")
    try file.write(to: path)
    let error = #expect(throws: ParameterMismatch.self) { try model.loadParameters(from: path) }
    #expect(error?.missing == ["0.bias"])
    #expect(error?.unexpected == (0..<5).map { "head.\($0)" })
    #expect(error?.different.map(\.name) == ["3.weight"])
    #expect(error?.different.first?.actual == [3, 31])
    #expect(error?.different.first?.expected == [3, 32])
    #expect(
      error?.description == "\(path) does not fit small: the file lacks 0.bias; the network lacks "
        + "5 tensors of the file (head.0, head.1, head.2, …); other shapes: 3.weight is 3x31, "
        + "must be 3x32; choose another network or file, or the network with another number of "
        + "classes")
    #expect(model.parameters == before)
  }

  @Test(
    "numbers of every floating-point type become float32",
    arguments: [ElementType.float64, .float16, .bfloat16])
  func converts(type: ElementType) throws {
    let directory = try TemporaryDirectory()
    let source = Model(Self.network(), seed: 5)
    for name in ["x.safetensors", "x.pth", "x.npz"] {
      let path = directory.file(name)
      try WeightFile.write(
        source.parameters.sorted { $0.key < $1.key }.map { ($0.key, $0.value.converted(to: type)) },
        to: path)
      var model = Model(Self.network(), seed: 6)
      try model.loadParameters(from: path)
      for (name, tensor) in model.parameters {
        #expect(tensor == source.parameters[name]?.converted(to: type).converted(to: .float32))
      }
      var tuned = Model(Self.network(classes: 5), seed: 6)
      #expect(try tuned.takeParameters(from: path).left.map(\.name) == ["3.bias", "3.weight"])
      #expect(tuned.parameters["0.weight"] == model.parameters["0.weight"])
    }
  }

  @Test(
    "a model file of half the size is a model again", arguments: [ElementType.float16, .bfloat16])
  func halfSize(type: ElementType) throws {
    let directory = try TemporaryDirectory()
    let model = Model(Self.network(), seed: 5, classNames: ["a", "b", "c"])
    try model.save(to: directory.file("x"), as: type)
    let back = try Model(loading: directory.file("x"))
    #expect(back.graph == model.graph && back.classNames == model.classNames)
    #expect(
      back.parameters
        == model.parameters.mapValues { $0.converted(to: type).converted(to: .float32) })
  }

  @Test("loading holds one copy of the weights beside the mapped file")
  func oneCopy() async {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      let (path, checkpoint) = (directory.file("x.safetensors"), directory.file("x.pth"))
      let byteCount = 64 << 20
      let network = Network("wide", input: .features(1 << 12)) { Dense(1 << 12) }
      var model = Model(network, seed: 1)
      try model.save(to: path)
      try WeightFile.write(model.parameters.map { ($0.key, $0.value) }, to: checkpoint)
      // Beside the model's old weights: the mapping, one copy, and much less than a second one, of which `Memory` keeps a
      // reserve.
      limitMemory(toExtra: 2 * byteCount + byteCount / 2)
      try model.loadParameters(from: path)
      try model.loadParameters(from: checkpoint)
    }
  }
}
