import ConvNetGraphs
import ConvNetLayers
import ConvNetTensors
import ConvNetTestSupport
import Testing

@Suite("Adaptive pooling") struct AdaptivePoolingTests {
  /// From the definition: row i of r covers floor(i H / r) up to ceil((i + 1) H / r).
  private func expected(_ x: ReferenceValue, _ rows: Int, _ columns: Int) -> [Double] {
    func window(_ i: Int, _ count: Int, _ extent: Int) -> Range<Int> {
      let end = (Double((i + 1) * extent) / Double(count)).rounded(.up)
      return i * extent / count..<Int(end)
    }
    var means: [Double] = []
    for channel in 0..<x.channels {
      for i in 0..<rows {
        for j in 0..<columns {
          let (vertical, horizontal) = (window(i, rows, x.height), window(j, columns, x.width))
          let sum = vertical.reduce(0.0) { sum, row in
            horizontal.reduce(sum) { $0 + x[0, channel, row, $1] }
          }
          means.append(sum / Double(vertical.count * horizontal.count))
        }
      }
    }
    return means
  }

  @Test(
    "means of the parts of any grid",
    arguments: [
      (14, 14, 4, 4), (12, 16, 4, 4), (7, 7, 7, 7), (5, 9, 1, 1), (10, 7, 3, 5), (2, 3, 4, 4),
      (13, 1, 6, 1), (17, 11, 4, 10),
    ])
  func means(height: Int, width: Int, rows: Int, columns: Int) throws {
    let graph = try Network("n", input: .image(height: height, width: width, channels: 2)) {
      AdaptiveAveragePool2D(rows: rows, columns: columns)
    }.graph()
    let output = try #require(graph.outputs.first)
    #expect(graph[output.value].shape == [1, 2, rows, columns])
    let input = ReferenceValue(.random([1, 2, height, width], seed: 1))
    let values = try ReferenceEvaluator().evaluate(graph, given: [graph.inputs[0]: input])
    let actual = try #require(values[output.value]).elements
    for (one, other) in zip(actual, expected(input, rows, columns)) {
      #expect(abs(one - other) < 1e-12)
    }
  }

  @Test("even parts are one pooling; others are joined from few")
  func operations() throws {
    func kinds(_ extent: Int) throws -> [String] {
      try Network("n", input: .image(height: extent, width: extent, channels: 1)) {
        AdaptiveAveragePool2D(4)
      }.graph().operations.map(\.kind.name)
    }
    #expect(try kinds(16) == ["averagePooling"])
    #expect(try kinds(14).count { $0 == "averagePooling" } == 4)
  }

  @Test("no rows, or no picture, is refused")
  func refused() {
    #expect(throws: GraphError.self) {
      try Network("n", input: .image(height: 4, width: 4, channels: 1)) {
        AdaptiveAveragePool2D(0)
      }.graph()
    }
    #expect(throws: GraphError.self) {
      try Network("n", input: .features(4)) { AdaptiveAveragePool2D(2) }.graph()
    }
  }
}
