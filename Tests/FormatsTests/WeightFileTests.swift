import ConvNetFiles
import ConvNetFormats
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Weight files") struct WeightFileTests {
  private func expected(_ name: String) throws -> [String: Tensor] {
    try Safetensors(contentsOf: fixturePath("\(name).safetensors")).tensors
  }

  private func read(_ name: String) throws -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: try WeightFile(fixturePath(name)).tensors().map { ($0, $1) })
  }

  @Test(
    "a checkpoint of PyTorch is read as PyTorch itself gives it to safetensors",
    arguments: [
      ("all-types.pth", "all-types"), ("all-types-protocol4.pth", "all-types"),
      ("all-types-protocol5.pth", "all-types"), ("all-types-deflated.pth", "all-types"),
      ("all-types-unchecked.pth", "all-types"), ("all-types.safetensors", "all-types"),
      ("views.pth", "views"), ("network.pth", "network"), ("network-checkpoint.pth", "network"),
      ("network-checkpoint-protocol5.pth", "network"), ("network-averaged.pth", "network"),
    ])
  func readsCheckpoints(name: String, expected stem: String) throws {
    #expect(try read(name) == expected(stem))
  }

  @Test("an expanded tensor, whose elements are one in the file, is read")
  func expanded() throws {
    #expect(try read("expanded.pth") == ["x": Tensor([Float](repeating: 1, count: 1000))])
  }

  @Test("parameters that require gradients are tensors")
  func parameters() throws {
    let network = try expected("network")
    let parameters = try read("network-parameters.pth")
    #expect(
      parameters.keys.sorted() == [
        "0.bias", "0.weight", "1.bias", "1.weight", "3.bias", "3.weight",
      ])
    for (name, tensor) in parameters { #expect(network[name] == tensor) }
  }

  @Test(
    "an archive of NumPy is read, stored and deflated, of either byte and memory order",
    arguments: ["all-types.npz", "all-types-deflated.npz", "all-types-foreign.npz"])
  func readsArchives(name: String) throws {
    var expected = try expected("all-types")
    // NumPy has no such type.
    expected["bfloat16"] = nil
    #expect(try read(name) == expected)
  }

  @Test("what is found beside the weights is told")
  func notes() throws {
    #expect(try WeightFile(fixturePath("network.pth")).notes.isEmpty)
    let file = try WeightFile(fixturePath("network-checkpoint.pth"))
    #expect(file.format == .pyTorch)
    #expect(
      file.notes == [
        "the weights stand under state_dict", "every name began with module., which is left out",
      ])
    #expect(
      try WeightFile(fixturePath("network-averaged.pth")).notes == [
        "the weights stand under model", "those under model_ema are left out",
      ])
    // In the order of the file, not of the alphabet.
    #expect(file.entries.first?.name == "0.weight")
    #expect(file["0.weight"]?.shape == [2, 1, 3, 3])
    #expect(file["1.num_batches_tracked"]?.elementType == .int64)
    #expect(file["module.0.weight"] == nil)
    let error = #expect(throws: WeightFileError.self) { try file.tensor(named: "fc.weight") }
    #expect(error?.problem == .missingTensor(name: "fc.weight"))
  }

  @Test(
    "elements are converted on the way, from every format and layout",
    arguments: ["all-types.pth", "all-types.safetensors", "all-types-foreign.npz", "views.pth"])
  func converts(name: String) throws {
    let file = try WeightFile(fixturePath(name))
    for entry in file.entries {
      let tensor = try file.tensor(named: entry.name)
      for type in ElementType.allCases where type.isFloatingPoint {
        #expect(try file.tensor(named: entry.name, as: type) == tensor.converted(to: type))
      }
    }
    let halves = try file.tensors(as: .bfloat16)
    for (entry, item) in zip(file.entries, halves) {
      #expect(entry.name == item.name)
      #expect(
        item.tensor.elementType
          == (entry.elementType.isFloatingPoint ? .bfloat16 : entry.elementType))
    }
  }

  @Test("bytes read are told, up to all")
  func progress() throws {
    let file = try WeightFile(fixturePath("network.pth"))
    var counts: [Int] = []
    _ = try file.tensors { counts.append($0) }
    #expect(counts.count == file.entries.count && counts == counts.sorted())
    #expect(counts.last == file.byteCount)
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var name: String
    var problem: PyTorchError.Problem
    var testDescription: String { name }
  }

  @Test(
    "what is no file of tensors is refused by its kind, with what to do",
    arguments: [
      Refusal(name: "old-format.pth", problem: .oldFormat),
      Refusal(
        name: "whole-module.pth",
        problem: .unknownGlobal("torch.nn.modules.container.Sequential")),
      Refusal(name: "script.pt", problem: .torchScript),
      Refusal(name: "big-endian.pth", problem: .bigEndian),
      Refusal(
        name: "sparse.pth",
        problem: .unsupportedTensor(kind: "torch._utils._rebuild_sparse_tensor")),
      Refusal(name: "complex.pth", problem: .unsupportedTensor(kind: "torch.ComplexFloatStorage")),
      Refusal(
        name: "list.pth", problem: .noStateDictionary(found: "a list or dictionary")),
      Refusal(
        name: "several.pth",
        problem: .severalStateDictionaries(["generator", "discriminator"])),
    ])
  func refuses(refusal: Refusal) {
    let path = fixturePath(refusal.name)
    let error = #expect(throws: PyTorchError.self) { try WeightFile(path) }
    #expect(error?.problem == refusal.problem)
    #expect(error?.description.hasPrefix(path) == true)
  }

  @Test("an unknown class says where it stands and how to save tensors only")
  func unknownGlobal() {
    let error = #expect(throws: PyTorchError.self) {
      try WeightFile(fixturePath("whole-module.pth"))
    }
    #expect(error?.offset == 2)
    #expect(error?.description.contains("torch.save(model.state_dict()") == true)
  }

  @Test("other compression, texts in an archive, and files of other formats are refused by name")
  func others() throws {
    let compressed = #expect(throws: ArchiveError.self) {
      try WeightFile(fixturePath("bzip2.pth"))
    }
    #expect(compressed?.problem == .unsupportedCompression(method: 12))
    let texts = #expect(throws: NumpyError.self) { try WeightFile(fixturePath("texts.npz")) }
    #expect(texts?.problem == .unsupportedElementType("<U1"))
    #expect(texts?.file?.hasSuffix("texts.npz, entry names.npy") == true)

    let directory = try TemporaryDirectory()
    let kinds: [(bytes: [UInt8], says: String)] = [
      ([], "not a file of weights; safetensors"), ([UInt8]("no weights".utf8), "are read"),
      ([0x93] + [UInt8]("NUMPY, and so on".utf8), "a NumPy array (.npy)"),
      ([0x89] + [UInt8]("HDF, and so on".utf8), "an HDF5 file"),
      ([0x80, 2] + [UInt8]("a pickle of another kind".utf8), "a bare pickle"),
    ]
    for (bytes, says) in kinds {
      let path = try directory.write(bytes, to: "file")
      let error = #expect(throws: WeightFileError.self) { try WeightFile(path) }
      #expect(error?.description.contains(says) == true, "\(says)")
    }
    #expect(throws: SafetensorsError.self) {
      try WeightFile(directory.write([1, 2], to: "cut.safetensors"))
    }
    #expect(throws: FileError.self) { try WeightFile(directory.file("absent")) }
  }

  @Test(
    "safetensors are told by their brace, whatever other format's first bytes their length has",
    arguments: [
      // The first bytes of pickles, in both bytes' order, of gzip, a byte order mark, and zip.
      640, 896, 1152, 1408, 0x8002, 0x8B1F, 0xFEFF, 0x4B50,
    ])
  func lengths(length: Int) throws {
    let directory = try TemporaryDirectory()
    var json = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    json += String(repeating: " ", count: length - json.utf8.count)
    let bytes = little(length, 8) + [UInt8](json.utf8) + [0, 0, 0x80, 0x3F]
    for name in ["x.safetensors", "x", "x.pth"] {
      let file = try WeightFile(directory.write(bytes, to: name))
      #expect(file.format == .safetensors)
      #expect(try file.tensor(named: "a").elements == [1])
    }
  }

  @Test("of wrappers within wrappers a few are left out, however many a name has")
  func wrappers() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("x.safetensors")
    let prefix = String(repeating: "module.", count: 300_000)
    try Safetensors(tensors: [prefix + "a": Tensor(zeros: [1])]).write(to: path)
    let file = try WeightFile(path)
    #expect(file.notes.count == 8)
    #expect(file.entries[0].name == prefix.dropFirst(8 * 7) + "a")
    try Safetensors(tensors: ["_orig_mod.module.a": Tensor(zeros: [1])]).write(to: path)
    #expect(try WeightFile(path).entries[0].name == "a")
  }

  @Test("a damaged byte is found by the checksum, and a shortened file when it is opened")
  func damaged() throws {
    let directory = try TemporaryDirectory()
    let good = try fileBytes(fixturePath("network.pth"))
    let weight = try WeightFile(fixturePath("network.pth")).tensor(named: "3.weight")
    let data = weight.withUnsafeBytes { Array($0) }
    let place = try #require(good.indices.first { good[$0...].starts(with: data) })
    var bad = good
    bad[place + 5] ^= 1
    let file = try WeightFile(directory.write(bad, to: "bad.pth"))
    #expect(try file.tensor(named: "0.weight").shape == [2, 1, 3, 3])
    let error = #expect(throws: ArchiveError.self) { try file.tensor(named: "3.weight") }
    #expect(error?.offset == place)
    if case .wrongChecksum? = error?.problem {
    } else {
      Issue.record("\(String(describing: error))")
    }

    for count in [good.count - 1, good.count / 2, 40] {
      let path = try directory.write(Array(good.prefix(count)), to: "cut.pth")
      #expect(throws: ArchiveError.self) { try WeightFile(path) }
    }
  }
}
