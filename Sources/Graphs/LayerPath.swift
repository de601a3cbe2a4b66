/// Where an operation or a parameter stands in its network, as its name says it: `layer1.0.conv1` is a layer of a block of a
/// stage, `layer1.0/add` one of several operations of a layer.
///
/// Names are made and read here only.
package struct LayerPath: Hashable, Sendable {
  /// The layers around it, the outermost first, and the layer itself.
  package var layers: [String]
  /// What it is in its layer, where that has several operations.
  package var part: String?

  package init(_ layers: [String], part: String? = nil) {
    self.layers = layers
    self.part = part
  }

  /// The path that a name says.
  package init(_ name: String) {
    let layer = name.prefix { $0 != "/" }
    layers = layer.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    part = layer.endIndex < name.endIndex ? String(name[layer.endIndex...].dropFirst()) : nil
  }

  package var name: String { layers.joined(separator: ".") + (part.map { "/" + $0 } ?? "") }

  /// The paths of the layers around it, the outermost first, without its own layer.
  package var enclosing: [LayerPath] {
    layers.indices.dropFirst().map { LayerPath(Array(layers[..<$0])) }
  }

  /// Whether it stands in a layer that is made of others.
  package func isWithin(_ outer: LayerPath) -> Bool {
    outer.part == nil && layers.count > outer.layers.count && layers.starts(with: outer.layers)
  }
}
