public import ConvNetGraphs

/// A part of a network that turns one value into another by appending operations to a graph.
///
/// A layer of one's own conforms to ``Block`` and is written as a body of others; a layer that
/// needs operations of its own implements ``append(to:input:)``.
public protocol Layer: Sendable {
  /// Appends the layer's operations and parameters.
  ///
  /// - Returns: the value that the layer makes of `input`.
  /// - Throws: ``GraphError`` where the input does not fit.
  func append(to builder: inout LayerBuilder, input: ValueID) throws(GraphError) -> ValueID

  /// The last part of the names of the layer's parameters, where the network gives none: `conv`,
  /// `dense`.
  var defaultName: String { get }
}

/// A layer written as a body of others.
///
/// ```swift
/// struct ConvolutionBlock: Block {
///   var channels: Int
///   var body: LayerSequence {
///     Conv2D(channels, kernel: 3, padding: .same)
///     ReLU()
///   }
/// }
/// ```
public protocol Block: Layer {
  /// The layers, one below the other, that a value goes through.
  @NetworkBuilder var body: LayerSequence { get }
}

extension Block {
  public var defaultName: String { "" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try body.append(to: &builder, input: input)
  }
}

/// Layers one after the other.
public struct LayerSequence: Layer {
  /// In the order in which a value goes through them.
  public var layers: [any Layer]

  /// Layers of a list, one after the other.
  public init(_ layers: [any Layer]) {
    self.layers = layers
  }

  /// Layers that are written one below the other.
  public init(@NetworkBuilder _ body: () -> LayerSequence) {
    self = body()
  }

  public var defaultName: String { "" }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    var value = input
    for layer in layers { value = try builder.append(layer, to: value) }
    return value
  }
}

/// Builds a ``LayerSequence`` from layers written one below the other, with `if`, `switch` and
/// `for`.
@resultBuilder
public enum NetworkBuilder {
  /// A layer on a line of its own.
  public static func buildExpression(_ layer: some Layer) -> LayerSequence {
    LayerSequence([layer])
  }

  /// Several layers on a line, such as a property or a function returns.
  public static func buildExpression(_ sequence: LayerSequence) -> LayerSequence { sequence }

  /// All lines of a body.
  public static func buildBlock(_ parts: LayerSequence...) -> LayerSequence {
    LayerSequence(parts.flatMap(\.layers))
  }

  /// An `if` without `else`: no layers where the condition does not hold.
  public static func buildOptional(_ part: LayerSequence?) -> LayerSequence {
    part ?? LayerSequence([])
  }

  /// The first way of an `if` or `switch`.
  public static func buildEither(first part: LayerSequence) -> LayerSequence { part }
  /// The other way.
  public static func buildEither(second part: LayerSequence) -> LayerSequence { part }

  /// A `for`: the layers of every turn, one after the other.
  public static func buildArray(_ parts: [LayerSequence]) -> LayerSequence {
    LayerSequence(parts.flatMap(\.layers))
  }
}

/// Gives a layer, or a group of layers, a name: the path of its parameters begins with it.
public struct Named: Layer {
  /// The part of the path; parts are joined by dots.
  public var name: String
  /// What is called so.
  public var layer: any Layer

  /// Gives the layers, as one group, a name.
  public init(_ name: String, @NetworkBuilder _ body: () -> LayerSequence) {
    self.name = name
    layer = body()
  }

  init(_ name: String, _ layer: any Layer) {
    self.name = name
    self.layer = layer
  }

  public var defaultName: String { name }

  public func append(
    to builder: inout LayerBuilder, input: ValueID
  ) throws(GraphError) -> ValueID {
    try layer.append(to: &builder, input: input)
  }
}

extension Layer {
  /// The layer under a name of its own: `Conv2D(64, kernel: 7).named("conv1")` has the parameter
  /// `conv1.weight`.
  public func named(_ name: String) -> Named { Named(name, self) }
}
