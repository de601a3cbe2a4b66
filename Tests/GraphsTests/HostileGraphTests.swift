import ConvNetGraphs
import ConvNetTestSupport
import Testing

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

@Suite struct HostileGraphTests {
  private static let extremes = [
    "0", "-1", "1", "2147483648", "1073741824", "9223372036854775807", "-9223372036854775808",
    "4611686018427387904", "1e300", "3.5",
  ]

  /// Every number of an encoded graph, one at a time, becomes an extreme one.
  @Test("extreme numbers in a file's graph are refused or harmless", arguments: OperationCase.all)
  func extremeNumbers(_ operation: OperationCase) throws {
    var graph = try operation.graph()
    if operation.hasGradient {
      let training = try operation.training()
      let inputs = training.variables.filter { training.graph[$0].source == .input }
      graph = try training.graph.differentiated(loss: training.loss, byInputs: inputs).graph
    }
    let bytes = [UInt8](try JSONEncoder().encode(graph))
    var refused = 0
    for range in numbers(in: bytes) {
      for extreme in Self.extremes {
        var hostile = bytes
        hostile.replaceSubrange(range, with: extreme.utf8)
        guard let graph = try? JSONDecoder().decode(Graph.self, from: Data(hostile)) else {
          refused += 1
          continue
        }
        _ = graph.cost
        _ = graph.dump
        _ = graph.dot
        _ = try? graph.batched(3)
      }
    }
    #expect(refused > 0)
  }

  /// The numbers that are values: they follow `:`, `[` or `,`.
  private func numbers(in bytes: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var index = 1
    while index < bytes.count {
      let before = Character(UnicodeScalar(bytes[index - 1]))
      var end = index
      while end < bytes.count, "-+.0123456789eE".utf8.contains(bytes[end]) { end += 1 }
      if ":[,".contains(before), end > index { ranges.append(index..<end) }
      index = max(end, index + 1)
    }
    return ranges
  }
}
