import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("Weights between formats") struct ConvertTests {
  private static let model = Model(
    lenet5(ModelOptions(height: 28, width: 28, channels: 1, classes: 10)), seed: 4)

  private func weights(_ path: String) throws -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: try WeightFile(path).tensors().map { ($0, $1) })
  }

  @Test("a model goes to every format and comes back the same, by bytes")
  func roundTrip() throws {
    let directory = try TemporaryDirectory()
    try Self.model.save(to: directory.file("model.safetensors"))
    var source = "model.safetensors"
    for target in ["a.pth", "b.npz", "c.pt", "d.safetensors"] {
      let run = try convnet("convert", source, target, in: directory.path)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.hasPrefix("\(target): "))
      #expect(run.output.hasSuffix(" 10 tensors, 61.7 k numbers, 247 kB\n"))
      #expect(try weights(directory.file(target)) == Self.model.parameters)
      source = target
    }
    // In the order of the network, as PyTorch has it.
    #expect(
      try WeightFile(directory.file("c.pt")).entries.prefix(3).map(\.name)
        == ["conv1.weight", "conv1.bias", "conv2.weight"])
    let back = try convnet(
      "convert", "d.safetensors", "e.safetensors", "--model", "lenet5", in: directory.path)
    #expect(back.status == 0)
    #expect(
      try fileBytes(directory.file("e.safetensors"))
        == fileBytes(directory.file("model.safetensors")))
    #expect(
      try directory.contents() == [
        "a.pth", "b.npz", "c.pt", "d.safetensors", "e.safetensors", "model.safetensors",
      ])
  }

  @Test("the documented keys, smaller elements, and a model file of them that classifies")
  func elementTypes() throws {
    let directory = try TemporaryDirectory()
    try Self.model.save(to: directory.file("model.safetensors"))
    let arguments = ["convert", "model.safetensors", "half.safetensors", "--json"]
    let run = try Invocation(arguments + ["--element-type", "bfloat16"], in: directory.path)
    let result = try #require(try run.json() as? [String: Any])
    #expect(
      Set(result.keys) == [
        "input", "output", "inputFormat", "outputFormat", "model", "tensors", "elements", "bytes",
        "notes",
      ])
    #expect(result["elements"] as? Int == 61706 && result["model"] as? String == "lenet5")
    #expect(try fileBytes(directory.file("half.safetensors")).count < 61706 * 2 + 8000)
    let rounded = Self.model.parameters.mapValues {
      $0.converted(to: .bfloat16).converted(to: .float32)
    }
    #expect(try Model(loading: directory.file("half.safetensors")).parameters == rounded)

    try Image(height: 28, width: 28, color: .white).writePNG(to: directory.file("picture.png"))
    let prediction = try convnet("predict", "half.safetensors", "picture.png", in: directory.path)
    #expect(prediction.status == 0 && prediction.output.hasPrefix("picture.png: class "))
  }

  @Test("a model file says how pictures are prepared and what the classes are called")
  func described() throws {
    let directory = try TemporaryDirectory()
    try WeightFile.write(
      Self.model.parameters.map { ("module." + $0.key, $0.value) }, to: directory.file("w.pth"))
    try directory.write([UInt8]((0..<10).map { "name \($0)\n" }.joined().utf8), to: "names.txt")
    let run = try convnet(
      "convert", "w.pth", "m.safetensors", "--model", "lenet5", "--mean", "0.25", "--deviation",
      "0.5", "--class-names", "names.txt", in: directory.path)
    #expect(run.errors == "w.pth: every name began with module., which is left out\n")
    let model = try Model(loading: directory.file("m.safetensors"))
    #expect(model.parameters == Self.model.parameters)
    #expect(model.preprocessing?.mean == [0.25] && model.preprocessing?.deviation == [0.5])
    #expect(model.classNames.count == 10 && model.classNames.last == "name 9")
  }

  @Test(
    "run, predict and summary take weights of every format", arguments: ["w.pth", "w.npz"])
  func weights(name: String) throws {
    let directory = try TemporaryDirectory()
    try Self.model.save(to: directory.file("model.safetensors"))
    try WeightFile.write(
      Self.model.parameters.map { ($0.key, $0.value) }, to: directory.file(name))
    try Tensor.random([2, 1, 28, 28], seed: 1).writeNPY(to: directory.file("x.npy"))
    try Image(height: 28, width: 28, color: .white).writePNG(to: directory.file("picture.png"))

    for (file, output) in [
      (["model.safetensors"], "y.npy"), (["lenet5", "--weights", name], "z.npy"),
    ] {
      let run = try Invocation(
        ["run"] + file + ["--input", "x.npy", "--output", output], in: directory.path)
      #expect(run.status == 0, "\(run.errors)")
    }
    #expect(try fileBytes(directory.file("y.npy")) == fileBytes(directory.file("z.npy")))

    let expected = try convnet("predict", "model.safetensors", "picture.png", in: directory.path)
    let actual = try convnet(
      "predict", "lenet5", "--weights", name, "picture.png", in: directory.path)
    #expect(actual.output == expected.output && actual.status == 0)
    #expect(actual.errors.contains("does not say how pictures are prepared: resized to 28x28"))

    let fits = try convnet("summary", "lenet5", "--weights", name, in: directory.path)
    #expect(fits.status == 0 && fits.output.hasPrefix("stage "))
    let table = try convnet("summary", name, in: directory.path)
    let lines = table.output.split(separator: "\n")
    #expect(lines.count == 2 + 10 + 2)
    let rows = lines.map { $0.split(separator: " ") }
    #expect(rows.contains(["dense3.bias", "10", "float32", "10"]), "\(table.output)")
    #expect(lines.last?.hasPrefix("10 tensors") == true && lines.last?.hasSuffix("61.7 k") == true)
    let json = try convnet("summary", name, "--json", in: directory.path).json() as? [String: Any]
    #expect(json.map { Set($0.keys) } == ["file", "format", "elements", "notes", "tensors"])
  }

  @Test(
    "Class names as any editor writes them",
    arguments: [
      ("a\r\nb\r\n", false), ("\u{FEFF}a\nb\n\n\n", false), ("\u{FEFF}a\r\nb\r\n\r\n", true),
      ("a\rb", false),
    ])
  func classNames(text: String, isWide: Bool) throws {
    let directory = try TemporaryDirectory()
    let model = Model(lenet5(ModelOptions(height: 28, width: 28, channels: 1, classes: 2)), seed: 4)
    try model.save(to: directory.file("model.safetensors"))
    let bytes =
      isWide
      ? text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
      : Array(text.utf8)
    try directory.write(bytes, to: "names.txt")
    let run = try convnet(
      "convert", "model.safetensors", "named.safetensors", "--model", "lenet5", "--classes", "2",
      "--class-names", "names.txt", in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try Model(loading: directory.file("named.safetensors")).classNames == ["a", "b"])
    try directory.write(Array("a\n".utf8), to: "names.txt")
    let short = try convnet(
      "convert", "model.safetensors", "named.safetensors", "--model", "lenet5", "--classes", "2",
      "--class-names", "names.txt", in: directory.path)
    #expect(short.errors.contains("names.txt has 1 line, the network 2 classes"))
  }

  @Test(
    "A wrapper's prefix before all names is left out, and said",
    arguments: ["model.", "net.", "a.b."])
  func prefixes(prefix: String) throws {
    let directory = try TemporaryDirectory()
    let named = Self.model.parameters.sorted { $0.key < $1.key }.map { (prefix + $0.key, $0.value) }
    try WeightFile.write(named, to: directory.file("w.pth"))
    let note = "every name began with \(prefix), which is left out"
    let run = try convnet(
      "convert", "w.pth", "m.safetensors", "--model", "lenet5", in: directory.path)
    #expect(run.status == 0 && run.errors.contains(note), "\(run.errors)")
    #expect(try Model(loading: directory.file("m.safetensors")).parameters == Self.model.parameters)
    #expect(try WeightFile(directory.file("w.pth")).row?.entry.name == "lenet5")
    var fresh = Model(
      lenet5(ModelOptions(height: 28, width: 28, channels: 1, classes: 10)), seed: 9)
    #expect(try fresh.takeParameters(from: directory.file("w.pth")).left.isEmpty)
    #expect(fresh.parameters == Self.model.parameters)
    // Before some of the names it is no wrapper's.
    let mixed = named.enumerated().map { ($0 == 0 ? "x.\($1.0)" : $1.0, $1.1) }
    try WeightFile.write(mixed, to: directory.file("w.pth"))
    #expect(throws: ParameterMismatch.self) {
      try fresh.loadParameters(from: directory.file("w.pth"))
    }
  }

  @Test(
    "Means and deviations of values to 255 are refused, with those to 1",
    arguments: [
      (
        ["--mean", "123.675,116.28,103.53"], "--mean is of values from 0 to 1",
        "0.4850,0.4560,0.4060"
      ),
      (["--deviation", "58.395,57.12,57.375"], "--deviation is of values", "0.2290,0.2240,0.2250"),
      (["--mean", "0.5", "--deviation", "127.5"], "--deviation is of values", "0.5000"),
    ])
  func meansTo255(options: [String], says: String, scaled: String) throws {
    let run = try Invocation(
      ["convert", "a.pth", "b.safetensors", "--model", "lenet5"] + options)
    #expect(run.status == 64 && run.errors.contains(says) && run.errors.contains(scaled))
  }
}
