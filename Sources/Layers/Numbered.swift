public import ConvNetGraphs

/// A group of layers, each named after its place, from 0: `features.0.weight`,
/// `layer1.0.conv1.weight`.
///
/// Layers without parameters count as well, as in PyTorch's sequences. A ``Block`` is one layer.
public struct Numbered: Layer {
  public var name: String
  public var body: LayerSequence

  public init(_ name: String, @NetworkBuilder _ body: () -> LayerSequence) {
    self.name = name
    self.body = body()
  }

  public var defaultName: String { "" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    let numbered = body.layers.enumerated().map { Named("\($0.offset)", $0.element) }
    return try builder.append(Named(name, LayerSequence(numbered)), to: input)
  }
}
