import ConvNet
import ConvNetTestSupport
import Foundation
import Testing

@Suite("ONNX files go where model files go") struct ONNXCommandTests {
  /// A small convolutional classifier of three classes, as another framework would write it.
  private static func model(in directory: borrowing TemporaryDirectory) throws -> String {
    var graph = ONNXGraph(name: "small")
    graph.nodes = [
      ONNXNode(
        "Conv", inputs: ["image", "conv.weight", "conv.bias"], outputs: ["a"],
        attributes: [ONNXAttribute("pads", [1, 1, 1, 1])]),
      ONNXNode("Relu", inputs: ["a"], outputs: ["b"]),
      ONNXNode("GlobalAveragePool", inputs: ["b"], outputs: ["c"]),
      ONNXNode("Flatten", inputs: ["c"], outputs: ["d"]),
      ONNXNode(
        "Gemm", inputs: ["d", "fc.weight", "fc.bias"], outputs: ["scores"],
        attributes: [ONNXAttribute("transB", 1)]),
    ]
    graph.initializers = [
      ONNXTensor(name: "conv.weight", Tensor.random([4, 3, 3, 3], seed: 1)),
      ONNXTensor(name: "conv.bias", Tensor.random([4], seed: 2)),
      ONNXTensor(name: "fc.weight", Tensor.random([3, 4], seed: 3)),
      ONNXTensor(name: "fc.bias", Tensor.random([3], seed: 4)),
    ]
    graph.inputs = [
      ONNXValue(
        name: "image", type: .float32,
        shape: [.name("batch"), .extent(3), .extent(8), .extent(8)])
    ]
    graph.outputs = [
      ONNXValue(name: "scores", type: .float32, shape: [.name("batch"), .extent(3)])
    ]
    var model = ONNXModel(graph: graph)
    model.metadata = [
      .init(key: ONNXModel.classNamesKey, value: #"["red","green","blue"]"#)
    ]
    try model.write(to: directory.file("small.onnx"))
    return "small.onnx"
  }

  private static func pictures(in directory: borrowing TemporaryDirectory) throws {
    for (index, color) in ["red", "green", "blue"].enumerated() {
      for number in 0..<6 {
        let value = UInt8(180 + 10 * number)
        let image = Image(
          height: 8, width: 8,
          color: .init(
            red: index == 0 ? value : 10, green: index == 1 ? value : 10,
            blue: index == 2 ? value : 10))
        try directory.write(image.encodedPNG(), to: "data/\(color)/\(number).png")
      }
    }
  }

  @Test(
    "Each command that takes a model file takes one",
    arguments: [
      ["predict", "small.onnx", "data/red/0.png"], ["summary", "small.onnx"],
      ["explain", "small.onnx"], ["evaluate", "small.onnx", "--data", "data"],
      ["benchmark", "small.onnx", "--batch", "1", "--seconds", "0.1"],
      ["visualize", "saliency", "small.onnx", "data/red/0.png", "--output", "s.png"],
      ["visualize", "network", "small.onnx", "--output", "n.svg"],
      ["convert", "small.onnx", "small.safetensors"],
    ])
  func commands(arguments: [String]) throws {
    let directory = try TemporaryDirectory()
    _ = try Self.model(in: directory)
    try Self.pictures(in: directory)
    let run = try Invocation(arguments, in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test("Its class names are those of its metadata, and a converted file answers the same")
  func names() throws {
    let directory = try TemporaryDirectory()
    let path = try Self.model(in: directory)
    try Self.pictures(in: directory)
    let answers = try Invocation(
      ["predict", path, "data/green/0.png", "--json"], in: directory.path)
    #expect(answers.output.contains(#""label":"green""#) || answers.output.contains("green"))
    #expect(try Invocation(["convert", path, "a.safetensors"], in: directory.path).status == 0)
    let converted = try Invocation(
      ["predict", "a.safetensors", "data/green/0.png", "--json"], in: directory.path)
    #expect(converted.output == answers.output)
  }

  @Test("It is trained further, with its last layer begun anew where the data has other classes")
  func training() throws {
    let directory = try TemporaryDirectory()
    let path = try Self.model(in: directory)
    try Self.pictures(in: directory)
    try FileManager.default.removeItem(atPath: directory.file("data/blue"))
    let run = try Invocation(
      [
        "train", "--model", path, "--data", "data", "--output", "run", "--epochs", "2",
        "--batch-size", "4", "--json",
      ], in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("its last layer begins anew"))
    let model = try Model(loading: directory.file("run/model.safetensors"))
    #expect(model.classNames == ["green", "red"])
    #expect(model.parameters["conv.weight"]?.shape == [4, 3, 3, 3])
    #expect(model.parameters["fc.weight"]?.shape == [2, 4])
  }

  @Test("A training begins with the weights and the preparation of one")
  func initial() throws {
    let directory = try TemporaryDirectory()
    try writeClasses(["dark": 30, "light": 200], to: directory.file("pictures"))
    let first = try trainShortly(
      directory, ["--epochs", "1", "--normalize", "colors", "--quiet"])
    #expect(first.status == 0, "\(first.errors)")
    let source = try Model(loading: directory.file("out/model.safetensors"))
    try source.writeONNX(to: directory.file("source.onnx"))
    // A rate that changes nothing.
    let tuned = try trainShortly(
      directory, ["--init", "source.onnx", "--epochs", "1", "--learning-rate", "1e-12"],
      output: "tuned")
    #expect(tuned.status == 0, "\(tuned.errors)")
    let model = try Model(loading: directory.file("tuned/model.safetensors"))
    #expect(model.preprocessing?.mean == source.preprocessing?.mean)
    #expect(model.preprocessing?.mean != nil && model.classNames == source.classNames)
    #expect(model.parameters.count == source.parameters.count)
    for (name, tensor) in source.parameters {
      let kept = try #require(model.parameters[name])
      #expect(zip(kept.elements, tensor.elements).allSatisfy { abs($0 - $1) < 1e-6 }, "\(name)")
    }
  }

  @Test(
    "A file that normalizes pictures itself is given bytes, and answers as the network does",
    arguments: ["imagenet", "keras-caffe"])
  func pixels(preset: String) throws {
    let directory = try TemporaryDirectory()
    _ = try Self.model(in: directory)
    try Self.pictures(in: directory)
    func answers(_ path: String) throws -> [String: Double] {
      let run = try Invocation(["predict", path, "data/green/0.png", "--json"], in: directory.path)
      #expect(run.status == 0, "\(run.errors)")
      let pictures = try #require(try run.json() as? [[String: Any]])
      let predictions = try #require(pictures.first?["predictions"] as? [[String: Any]])
      return Dictionary(
        predictions.map {
          ($0["label"] as? String ?? "", $0["probability"] as? Double ?? .nan)
        }, uniquingKeysWith: { first, _ in first })
    }
    for arguments in [
      ["small.onnx", "m.safetensors", "--preset", preset],
      ["m.safetensors", "p.onnx", "--with-preprocessing"],
    ] {
      let run = try Invocation(["convert"] + arguments, in: directory.path)
      #expect(run.status == 0, "\(run.errors)")
    }
    #expect(try ONNXFile(directory.file("p.onnx")).model.graph.inputs[0].type == .uint8)
    let (expected, actual) = (try answers("m.safetensors"), try answers("p.onnx"))
    #expect(expected.count == 3 && expected.keys == actual.keys)
    for (label, probability) in expected {
      #expect(abs((actual[label] ?? .nan) - probability) < 1e-4, "\(expected), \(actual)")
    }
    let refused = try Invocation(
      ["convert", "m.safetensors", "p.npz", "--with-preprocessing"], in: directory.path)
    #expect(refused.status != 0 && refused.errors.contains("--with-preprocessing is of .onnx"))
  }

  @Test("A file of several inputs and outputs is run by names, alone or among others")
  func runs() throws {
    let directory = try TemporaryDirectory()
    var graph = ONNXGraph(name: "two")
    graph.nodes = [
      ONNXNode("Sub", inputs: ["a", "b"], outputs: ["difference"]),
      ONNXNode("Less", inputs: ["a", "b"], outputs: ["is/less"]),
    ]
    graph.inputs = ["a", "b"].map {
      ONNXValue(name: $0, type: .float32, shape: [.extent(2)])
    }
    graph.outputs = [
      ONNXValue(name: "difference", type: .float32, shape: nil),
      ONNXValue(name: "is/less", type: .bool, shape: nil),
    ]
    try ONNXModel(graph: graph).write(to: directory.file("two.onnx"))
    try Tensor([1, 5] as [Float]).writeNPY(to: directory.file("x.npy"))
    try Tensor([2, 3] as [Float]).writeNPY(to: directory.file("y.npy"))
    let run = try Invocation(
      ["run", "two.onnx", "--input", "b=x.npy", "--input", "y.npy", "--output", "out"],
      in: directory.path)
    #expect(run.status == 0, "\(run.errors)")
    #expect(try Tensor(npy: directory.file("out/difference.npy")).elements == [1, -2])
    #expect(
      try Tensor(npy: directory.file("out/is_less.npy")).withUnsafeBytes { Array($0) } == [0, 1])

    let lines = [
      #"{"model": "two.onnx", "inputs": ["x.npy", "y.npy"], "output": "first"}"#,
      #"{"model": "two.onnx", "inputs": ["x.npy"], "output": "second"}"#,
      #"{"model": "missing.onnx", "inputs": [], "output": "third"}"#, "nonsense",
    ]
    try directory.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: "cases")
    let cases = try Invocation(["run", "--cases", "cases"], in: directory.path)
    #expect(cases.status == 0, "\(cases.errors)")
    let results = cases.output.split(separator: "\n")
    #expect(results.count == 4)
    #expect(results[0].contains("first/difference.npy") && !results[0].contains("error"))
    #expect(results[1].contains("needs a tensor for b"))
    #expect(results[2].contains("missing.onnx") && results[3].contains("error"))
    #expect(try Tensor(npy: directory.file("first/difference.npy")).elements == [-1, 2])
  }
}
