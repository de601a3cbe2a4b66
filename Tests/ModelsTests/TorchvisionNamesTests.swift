import ConvNetGraphs
import ConvNetLayers
import ConvNetModels
import ConvNetTensors
import ConvNetTestSupport
import Foundation
import Testing

/// What torchvision calls the parameters of its networks, and their shapes:
/// `Fixtures/make_torchvision_names.py`.
struct TorchvisionNames: Decodable {
  var tensors: Int
  var parameters: Int
  var hash: String

  static let all: [String: TorchvisionNames] = {
    let data = try? Data(contentsOf: URL(fileURLWithPath: fixturePath("torchvision-names.json")))
    return data.flatMap { try? JSONDecoder().decode([String: TorchvisionNames].self, from: $0) }
      ?? [:]
  }()
}

@Suite("Names of torchvision") struct TorchvisionNamesTests {
  /// The 64-bit FNV-1a hash.
  private func hash(_ text: String) -> String {
    let value = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  @Test("the fixture is there, and knows every row that is torchvision's")
  func fixture() {
    #expect(TorchvisionNames.all.count == 26)
    for name in TorchvisionNames.all.keys { #expect(ModelRegistry[name] != nil) }
    for entry in ModelRegistry.entries
    where ["torchvision", "-bn", "-v1.5"].contains(where: { entry.name.hasSuffix($0) }) {
      #expect(TorchvisionNames.all[entry.name] != nil, "\(entry)")
    }
  }

  @Test(
    "parameters have torchvision's names and shapes",
    arguments: TorchvisionNames.all.keys.sorted())
  func names(name: String) throws {
    let expected = try #require(TorchvisionNames.all[name])
    let graph = try #require(ModelRegistry[name]).network.graph()
    let lines = graph.parameters
      .map { (graph[$0].name, graph[$0].shape.dimensions.map(String.init).joined(separator: "x")) }
      .map { "\($0) \($1)" }.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    #expect(lines.count == expected.tensors)
    #expect(graph.cost.parameters == expected.parameters)
    // `make_torchvision_names.py NAME` prints torchvision's lines.
    #expect(
      hash(lines.joined(separator: "\n")) == expected.hash, "\(lines.joined(separator: "\n"))")
  }
}
