import ConvNetFiles
import ConvNetFormats
import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// What runtimes make of such files is compared by `make parity`.
@Suite("ONNX, written") struct ONNXExportTests {
  /// What a file holds, read by the field numbers of the format.
  private struct Contents {
    struct Node: Equatable {
      var kind = ""
      var name = ""
      var inputs: [String] = []
      var outputs: [String] = []
    }

    var nodes: [Node] = []
    /// Types of constants by name, in the format's numbers.
    var constants: [String: Int] = [:]
    var metadata: [String: String] = [:]
    var version = 0

    init(_ path: String) throws {
      let bytes = try fileBytes(path)
      try read(bytes.span.bytes)
    }

    private mutating func read(_ bytes: RawSpan) throws {
      var file = ProtocolBufferReader(0..<bytes.byteCount)
      while let field = try file.next(in: bytes) {
        switch field.number {
        case 1: version = try field.integer()
        case 7: try readGraph(field.message(), bytes)
        case 14:
          var entry = try field.message()
          var texts: [String] = []
          while let text = try entry.next(in: bytes) { texts.append(try text.string(in: bytes)) }
          metadata[texts[0]] = texts[1]
        default: break
        }
      }
    }

    private mutating func readGraph(_ graph: ProtocolBufferReader, _ bytes: RawSpan) throws {
      var graph = graph
      while let field = try graph.next(in: bytes) {
        var message = ProtocolBufferReader(0..<0)
        if field.number == 1 || field.number == 5 { message = try field.message() }
        var node = Node()
        var (name, type) = ("", 0)
        while let part = try message.next(in: bytes) {
          switch (field.number, part.number) {
          case (1, 1): node.inputs.append(try part.string(in: bytes))
          case (1, 2): node.outputs.append(try part.string(in: bytes))
          case (1, 3): node.name = try part.string(in: bytes)
          case (1, 4): node.kind = try part.string(in: bytes)
          case (5, 2): type = try part.integer()
          case (5, 8): name = try part.string(in: bytes)
          default: break
          }
        }
        if field.number == 1 { nodes.append(node) }
        if field.number == 5 { constants[name] = type }
      }
    }
  }

  private static func model() throws -> Model {
    let network = Network("small", input: .image(height: 8, width: 8, channels: 3)) {
      Conv2D(16, kernel: 3, padding: .same).named("conv1")
      HardSwish()
      Auxiliary("side", weight: 0.3) {
        GlobalPool.max
        Dense(3)
      }
      Residual(shortcut: .identity) {
        SqueezeExcitation(4, gate: .hardSigmoid).named("se")
        LayerScale(0.1)
      }
      LayerNorm().named("norm")
      Flatten()
      Dropout(0.25)
      Dense(3).named("fc")
    }
    return try Model(validating: network, seed: 3, classNames: ["a", "ü \"b\"", "c"])
  }

  @Test("nodes and constants are called as layers and parameters are; what training needs is gone")
  func names() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("model.onnx")
    let model = try Self.model()
    try model.writeONNX(to: path)
    let file = try Contents(path)
    #expect(file.version == 8)
    #expect(
      file.nodes.map(\.kind) == [
        "Conv", "HardSwish", "GlobalAveragePool", "Conv", "Relu", "Conv", "HardSigmoid", "Mul",
        "Mul",
        "Add", "Transpose", "LayerNormalization", "Transpose", "Transpose", "Flatten", "Gemm",
      ])
    #expect(file.nodes[0].name == "conv1" && file.nodes[0].outputs == ["conv1"])
    #expect(file.nodes[0].inputs.dropFirst() == ["conv1.weight", "conv1.bias"])
    let parameters = model.parameters.keys.filter { !$0.hasPrefix("side") }
    #expect(Set(file.constants.keys) == Set(parameters))
    #expect(file.nodes.last?.outputs == [Network.outputName])
    // Every value is made before it is read, once.
    var made = Set(file.constants.keys).union([try #require(file.nodes[0].inputs.first)])
    for node in file.nodes {
      #expect(node.inputs.allSatisfy { $0.isEmpty || made.contains($0) }, "\(node)")
      for output in node.outputs { #expect(made.insert(output).inserted) }
    }
    let names = try #require(file.metadata["convnet.classNames"])
    #expect(try JSONDecoder().decode([String].self, from: Data(names.utf8)) == model.classNames)
  }

  @Test("operations of one name become nodes of different names, which runtimes want")
  func nodeNames() throws {
    let directory = try TemporaryDirectory()
    var graph = Graph(name: "twice")
    let x = graph.addInput("x", ValueType([1, 3, 4, 4]))
    let first = try graph.append(Operation.Activation(.relu), to: x, name: "same")
    let second = try graph.append(Operation.Activation(.tanh), to: first, name: "same")
    graph.addOutput("y", try graph.append(Operation.Activation(.silu), to: second, name: "same"))
    let path = directory.file("model.onnx")
    try Model(graph: graph, parameters: [:]).writeONNX(to: path)
    let names = try Contents(path).nodes.map(\.name)
    #expect(names.first == "same" && names.count == 4 && Set(names).count == 4, "\(names)")
  }

  @Test("parameters of two bytes are half as large, and float32 when they are read")
  func halves() throws {
    let directory = try TemporaryDirectory()
    let (whole, half) = (directory.file("whole.onnx"), directory.file("half.onnx"))
    try Self.model().writeONNX(to: whole)
    try Self.model().writeONNX(to: half, as: .float16)
    let file = try Contents(half)
    #expect(file.constants["fc.weight.float16"] == 10 && file.constants["fc.weight"] == nil)
    #expect(
      file.nodes.contains(
        .init(
          kind: "Cast", name: "fc.weight/cast", inputs: ["fc.weight.float16"],
          outputs: ["fc.weight"])))
    #expect(try fileBytes(half).count < fileBytes(whole).count * 2 / 3)
  }

  @Test("an operation without a form is refused by name, and no file is begun")
  func refused() throws {
    let directory = try TemporaryDirectory()
    var graph = Graph(name: "sums")
    let x = graph.addInput("x", ValueType([1, 3, 4, 4]))
    graph.addOutput("y", try graph.append(Operation.ChannelSum(), to: x, name: "sum"))
    let model = try Model(graph: graph, parameters: [:])
    let error = #expect(throws: ONNXError.self) {
      try model.writeONNX(to: directory.file("model.onnx"))
    }
    #expect(error?.problem == .withoutForm(["sum (channel sum)"]))
    #expect(try directory.contents().isEmpty)
  }
}
