public import ConvNetGraphs

/// A group of layers, each named after its place, from 0: `features.0.weight`,
/// `layer1.0.conv1.weight`.
///
/// Layers without parameters count as well, as in PyTorch's sequences. A ``Block`` is one layer.
public struct Numbered: Layer {
  /// With which the names of the group's parameters begin.
  public var name: String
  /// The layers that are counted.
  public var body: LayerSequence

  /// A group of the layers that are written one below the other.
  public init(_ name: String, @NetworkBuilder _ body: () -> LayerSequence) {
    self.name = name
    self.body = body()
  }

  public var defaultName: String { "" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try builder.append(Named(name, Elements(layers: body.layers)), to: input)
  }

  /// The layers under their numbers.
  private struct Elements: Layer {
    var layers: [any Layer]

    var defaultName: String { "" }

    func append(
      to builder: inout LayerBuilder, input: ValueID
    ) throws(GraphError) -> ValueID {
      var value = input
      for (number, layer) in layers.enumerated() {
        value = try builder.append(Named("\(number)", layer), to: value, as: .element)
      }
      return value
    }
  }
}
