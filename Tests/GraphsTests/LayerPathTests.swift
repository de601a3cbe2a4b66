import ConvNetGraphs
import Testing

@Suite("Paths of layers") struct LayerPathTests {
  @Test(
    "a name is read as layers and a part, and made of them again",
    arguments: [
      ("conv1", ["conv1"], nil), ("layer1.0.conv1", ["layer1", "0", "conv1"], nil),
      ("layer1.0/add", ["layer1", "0"], "add"),
      ("fc/weight gradient/sum", ["fc"], "weight gradient/sum"), ("fc/0.5", ["fc"], "0.5"),
      ("a..b", ["a", "", "b"], nil), ("a/", ["a"], ""), ("", [""], nil),
    ] as [(String, [String], String?)])
  func names(name: String, layers: [String], part: String?) {
    let path = LayerPath(name)
    #expect(path == LayerPath(layers, part: part))
    #expect(path.name == name)
  }

  @Test("a layer is within those around it, not within itself or one whose name begins alike")
  func enclosing() {
    let path = LayerPath("layer1.0.conv1/add")
    #expect(path.enclosing.map(\.name) == ["layer1", "layer1.0"])
    for outer in path.enclosing { #expect(path.isWithin(outer)) }
    for other in ["layer1.0.conv1", "layer", "layer1.1", "layer1.0/add", "0"] {
      #expect(!path.isWithin(LayerPath(other)), "\(other)")
    }
  }
}
