import ConvNetFormats
import ConvNetInference
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// Every operator that is read, beside what ONNX Runtime computes: `Fixtures/make_onnx_fixtures.py`.
@Suite("ONNX: operators") struct ONNXOperatorTests {
  struct Fixture: Decodable, Sendable, CustomTestStringConvertible {
    struct Value: Decodable, Sendable {
      var shape: Shape
      var type: ElementType
      var values: [Double]

      var tensor: Tensor {
        switch type {
        case .int64: Tensor(values.map { Int64($0) }, shape: shape)
        case .int32: Tensor(values.map { Int32($0) }, shape: shape)
        case .int8: Tensor(values.map { Int8($0) }, shape: shape)
        case .uint8: Tensor(values.map { UInt8($0) }, shape: shape)
        case .bool:
          Tensor(values.map { UInt8($0) }, shape: shape).withUnsafeBytes {
            Tensor(copying: $0.bytes, of: .bool, shape: shape, as: .bool)
          }
        default: Tensor(values, shape: shape).converted(to: type)
        }
      }
    }

    var name: String
    var model: Data
    var inputs: [Value]
    var outputs: [Value]

    var testDescription: String { name }

    static let all: [Fixture] = {
      let path = fixturePath("onnx-operators.json")
      let data = FileManager.default.contents(atPath: path) ?? Data()
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      return (try? decoder.decode([Fixture].self, from: data)) ?? []
    }()
  }

  @Test("An operator computes what ONNX Runtime does", arguments: Fixture.all)
  func operators(fixture: Fixture) throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write([UInt8](fixture.model), to: "case.onnx")
    let run = try ONNXRun(path, inputs: fixture.inputs.map { (nil, $0.tensor) })
    #expect(run.outputs.count == fixture.outputs.count)
    for (output, expected) in zip(run.outputs, fixture.outputs) {
      #expect(output.tensor.shape == expected.shape)
      #expect(output.tensor.elementType == expected.type)
      let numbers = output.tensor.converted(to: .float64).elements(of: Double.self)
      let isExact = fixture.name.hasPrefix("Cast") || fixture.name.contains("float8")
      if isExact || !expected.values.allSatisfy(\.isFinite) {
        // A rounding is right or wrong.
        #expect(
          numbers.elementsEqual(expected.values) { Float($0) == Float($1) || $0.isNaN && $1.isNaN },
          "\(numbers), \(expected.values)")
      } else {
        #expect(relativeDifference(numbers, expected.values) < 2e-5)
      }
    }
  }

  @Test("There are fixtures of all families")
  func families() {
    let kinds = Set(Fixture.all.map { $0.name.prefix { $0 != ":" } })
    #expect(kinds.count > 85, "\(kinds.count)")
  }

  /// A graph of one operator from `x`, as often as it is wanted, to `y`.
  private static func result(
    of kind: String, _ input: Tensor, times: Int = 1, attributes: [ONNXAttribute]
  ) throws -> Tensor {
    let directory = try TemporaryDirectory()
    var graph = ONNXGraph(name: "one")
    graph.nodes = [
      ONNXNode(
        kind, inputs: [String](repeating: "x", count: times), outputs: ["y"],
        attributes: attributes)
    ]
    graph.inputs = [
      ONNXValue(name: "x", type: .float32, shape: input.shape.dimensions.map { .extent($0) })
    ]
    graph.outputs = [
      ONNXValue(name: "y", type: kind.hasPrefix("Arg") ? .int64 : .float32, shape: nil)
    ]
    let path = directory.file("one.onnx")
    try ONNXModel(graph: graph).write(to: path)
    return try ONNXRun(path, inputs: [(nil, input)]).outputs[0].tensor
  }

  @Test("What is not a number is the extreme of either kind, and what is infinite stays so")
  func extremes() throws {
    let (inf, nan) = (Float.infinity, Float.nan)
    let rows = Tensor(
      [1, nan, -2, inf, 0, 1, -inf, -inf, -inf, 0, 0, 0] as [Float], shape: [4, 3])
    func places(_ kind: String) throws -> [Int64] {
      try Self.result(of: kind, rows, attributes: [ONNXAttribute("axis", 1)])
        .elements(of: Int64.self)
    }
    #expect(try places("ArgMin") == [1, 1, 0, 0])
    #expect(try places("ArgMax") == [1, 0, 0, 0])
    let sums: [Float] = try Self.result(
      of: "ReduceLogSumExp", rows, attributes: [ONNXAttribute("axes", [1])]
    ).elements
    #expect(sums[0].isNaN && sums[1] == inf && sums[2] == -inf)
    #expect(abs(sums[3] - 1.0986123) < 1e-6)
  }

  @Test(
    "More values are put one after the other than the library takes at once",
    arguments: [1024, 1025, 3000])
  func manyParts(count: Int) throws {
    let joined: [Float] = try Self.result(
      of: "Concat", Tensor([1, 2] as [Float]), times: count,
      attributes: [ONNXAttribute("axis", 0)]
    ).elements
    #expect(joined == (0..<count).flatMap { _ in [1, 2] as [Float] })
  }

  @Test("Inputs are taken by name or in their order; what is missing or not known is told")
  func inputs() throws {
    let directory = try TemporaryDirectory()
    var graph = ONNXGraph(name: "difference")
    graph.nodes = [ONNXNode("Sub", inputs: ["a", "b"], outputs: ["y"])]
    graph.inputs = ["a", "b"].map {
      ONNXValue(name: $0, type: .float32, shape: [.name("n")])
    }
    graph.outputs = [ONNXValue(name: "y", type: .float32, shape: nil)]
    let path = directory.file("difference.onnx")
    try ONNXModel(graph: graph).write(to: path)
    let (one, three) = (Tensor([1, 1] as [Float]), Tensor([3, 4] as [Float]))
    func result(_ inputs: [(name: String?, tensor: Tensor)]) throws -> [Float] {
      try ONNXRun(path, inputs: inputs).outputs[0].tensor.elements
    }
    #expect(try result([(nil, three), (nil, one)]) == [2, 3])
    #expect(try result([("b", three), (nil, one)]) == [-2, -3])
    #expect(
      throws: ONNXRunError.missingInputs(path: path, names: ["b"]),
      performing: { try result([(nil, one)]) })
    #expect(
      throws: ONNXRunError.unknownInput(path: path, name: "c", known: ["a", "b"]),
      performing: { try result([("c", one), (nil, one)]) })
    #expect(throws: ONNXError.self) {
      try result([(nil, one), (nil, Tensor([1, 2, 3] as [Float]))])
    }
  }
}
