import ConvNetFiles
import ConvNetFormats
import ConvNetTensors
import ConvNetTestSupport
import Testing

import func Foundation.symlink

@Suite("ONNX: messages") struct ONNXSchemaTests {
  /// Everything that a file may hold, written by hand.
  static var model: ONNXModel {
    var graph = ONNXGraph(name: "all")
    graph.nodes = [
      ONNXNode(
        "Conv", inputs: ["x", "conv.weight", ""], outputs: ["y", ""], name: "conv",
        attributes: [
          ONNXAttribute("group", 1), ONNXAttribute("alpha", -0.5 as Float),
          ONNXAttribute("auto_pad", "VALID"), ONNXAttribute("pads", [0, -1, 1 << 40]),
          ONNXAttribute("scales", [1, 2.5] as [Float]),
          ONNXAttribute("value", ONNXTensor(name: "t", Tensor([1, -2] as [Int64]))),
          ONNXAttribute("texts", value: .texts(["a", "b"])),
          ONNXAttribute("outer", value: .reference("inner")),
        ]),
      ONNXNode("Twice", inputs: ["y"], outputs: ["z"], domain: "own"),
    ]
    graph.initializers = [
      ONNXTensor(name: "conv.weight", Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 2, 2])),
      ONNXTensor(name: "half", Tensor([0.5, -1] as [Float]).converted(to: .float16)),
    ]
    graph.inputs = [
      ONNXValue(
        name: "x", type: .float32, shape: [.name("batch"), .extent(1), .extent(4), .unknown])
    ]
    graph.outputs = [ONNXValue(name: "z", type: .float32, shape: nil)]
    graph.values = [ONNXValue(name: "y", type: .float32, shape: [])]
    var function = ONNXFunction(name: "Twice", domain: "own")
    function.inputs = ["a"]
    function.outputs = ["b"]
    function.attributeNames = ["k"]
    function.defaults = [ONNXAttribute("m", 3)]
    function.nodes = [ONNXNode("Add", inputs: ["a", "a"], outputs: ["b"])]
    function.operatorSets = [.init(domain: "", version: 17)]
    var model = ONNXModel(graph: graph)
    model.producer = "a test"
    model.producerVersion = "1"
    model.operatorSets.append(.init(domain: "own", version: 1))
    model.metadata = [.init(key: "k", value: "v\u{E9}")]
    model.functions = [function]
    return model
  }

  @Test("What is written is read as it was, and its tensors are where they lie in the file")
  func roundTrip() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("all.onnx")
    try Self.model.write(to: path)
    let file = try ONNXFile(path)
    var read = file.model
    let expected = Self.model
    for (index, tensor) in expected.graph.initializers.enumerated() {
      guard case .place = read.graph.initializers[index].contents else {
        Issue.record("the bytes of \(tensor.name) were copied")
        return
      }
      #expect(
        try file.tensor(read.graph.initializers[index]) == file.tensor(tensor))
      read.graph.initializers[index].contents = tensor.contents
    }
    guard case .tensor(var value) = read.graph.nodes[0]["value"]?.value,
      case .tensor(let written) = expected.graph.nodes[0]["value"]?.value
    else {
      Issue.record("the attribute is no tensor")
      return
    }
    #expect(try file.tensor(value) == file.tensor(written))
    value.contents = written.contents
    read.graph.nodes[0].attributes[5].value = .tensor(value)
    #expect(read == expected)
  }

  @Test("Equal models give equal bytes")
  func bytes() throws {
    let directory = try TemporaryDirectory()
    try Self.model.write(to: directory.file("a.onnx"))
    try Self.model.write(to: directory.file("b.onnx"))
    #expect(try fileBytes(directory.file("a.onnx")) == fileBytes(directory.file("b.onnx")))
  }

  @Test("A file cut anywhere is refused, or read as a part that is whole")
  func truncation() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("all.onnx")
    try Self.model.write(to: path)
    let bytes = try fileBytes(path)
    var refused = 0
    for count in 0..<bytes.count {
      try directory.write(Array(bytes[..<count]), to: "cut.onnx")
      do {
        _ = try ONNXFile(directory.file("cut.onnx"))
      } catch is ONNXError {
        refused += 1
      }
    }
    #expect(refused > bytes.count / 2)
  }

  @Test(
    "Numbers in fields of their own are read by the tensor's type",
    arguments: [
      (ONNXElementType.float32, ONNXTensor.Contents.floats([1, -2]), [1.0, -2.0]),
      (.float64, .doubles([1.5, -2]), [1.5, -2.0]), (.int64, .integers([1, -2]), [1, -2]),
      (.int8, .integers([1, -2]), [1, -2]), (.uint8, .integers([1, 254]), [1, 254]),
      (.bool, .integers([0, 1]), [0, 1]),
      // By their bits: 1 and -2 in halves, 1 and -2 in the upper half of a float.
      (.float16, .integers([0x3C00, 0xC000]), [1, -2]),
      (.bfloat16, .integers([0x3F80, 0xC000]), [1, -2]),
    ])
  func fields(type: ONNXElementType, contents: ONNXTensor.Contents, expected: [Double]) throws {
    let directory = try TemporaryDirectory()
    var model = Self.model
    var tensor = ONNXTensor(name: "t", Tensor([0, 0] as [Float]))
    tensor.type = type
    tensor.contents = contents
    model.graph.initializers = [tensor]
    try model.write(to: directory.file("a.onnx"))
    let file = try ONNXFile(directory.file("a.onnx"))
    let read = try file.tensor(file.model.graph.initializers[0])
    #expect(read.elementType == type.elementType)
    #expect(read.converted(to: .float64).elements(of: Double.self) == expected)
  }

  @Test("Integers of four bits lie two a byte, the first in the lower half")
  func fourBits() throws {
    let directory = try TemporaryDirectory()
    var model = Self.model
    var tensor = ONNXTensor(name: "t", Tensor([0, 0, 0] as [Float]))
    tensor.type = .int4
    tensor.contents = .integers([0xF1, 0x08])
    model.graph.initializers = [tensor]
    try model.write(to: directory.file("a.onnx"))
    let file = try ONNXFile(directory.file("a.onnx"))
    let read = try file.tensor(file.model.graph.initializers[0])
    #expect(read.elements(of: Int8.self) == [1, -1, -8])
  }

  @Test(
    "A tensor whose bytes are not as many as its shape says is refused with both numbers",
    arguments: [[3], [1 << 40], [-1], [1 << 62, 4]])
  func wrongSizes(extents: [Int]) throws {
    let directory = try TemporaryDirectory()
    var model = Self.model
    model.graph.initializers[0].extents = extents
    try model.write(to: directory.file("a.onnx"))
    let error = #expect(throws: (any Error).self) {
      let file = try ONNXFile(directory.file("a.onnx"))
      _ = try file.tensor(file.model.graph.initializers[0])
    }
    #expect(error.map { "\($0)".contains("conv.weight") } == true)
  }

  // MARK: External data

  @Test("Tensors in a file beside the model are read from there")
  func externalData() throws {
    let directory = try TemporaryDirectory()
    let path = try Self.external("data/weights.bin", in: directory, offset: 4, length: 8)
    try directory.write([9, 9, 9, 9] + Self.littleEndian([1, -2]), to: "data/weights.bin")
    let file = try ONNXFile(path)
    #expect(try file.tensor(file.model.graph.initializers[0]).elements == [1, -2])
  }

  @Test(
    "Nothing outside the model's folder is read",
    arguments: [
      "/etc/passwd", "../secret", "data/../../secret", "link", "a//b", "..\\secret", "", "a\u{0}b",
    ])
  func confinement(location: String) throws {
    let directory = try TemporaryDirectory()
    try directory.write(Self.littleEndian([1, 2]), to: "secret")
    let folder = directory.file("model")
    try directory.write([0], to: "model/data/x")
    #expect(symlink("../secret", "\(folder)/link") == 0)
    let path = try Self.external(location, in: directory, path: "model/a.onnx")
    let file = try ONNXFile(path)
    let problem = #expect(throws: ONNXError.Problem.self) {
      try file.tensor(file.model.graph.initializers[0])
    }
    guard case .externalData(tensor: "w", _) = problem else {
      Issue.record("\(String(describing: problem))")
      return
    }
  }

  @Test(
    "A part beyond the other file's end is refused",
    arguments: [(4, 8), (0, 16), (Int.max, 8), (Int.max, Int.max)])
  func outsideOfExternalData(offset: Int, length: Int) throws {
    let directory = try TemporaryDirectory()
    try directory.write(Self.littleEndian([1, 2]), to: "w.bin")
    let path = try Self.external("w.bin", in: directory, offset: offset, length: length)
    let file = try ONNXFile(path)
    #expect(throws: ONNXError.Problem.self) { try file.tensor(file.model.graph.initializers[0]) }
  }

  private static func external(
    _ location: String, in directory: borrowing TemporaryDirectory, path: String = "a.onnx",
    offset: Int = 0, length: Int? = nil
  ) throws -> String {
    var model = model
    var tensor = ONNXTensor(name: "w", Tensor([0, 0] as [Float]))
    tensor.contents = .external(file: location, offset: offset, length: length)
    model.graph.initializers = [tensor]
    try model.write(to: directory.file(path))
    return directory.file(path)
  }

  private static func littleEndian(_ numbers: [Float]) -> [UInt8] {
    numbers.flatMap { littleEndianBytes($0.bitPattern) }
  }
}
