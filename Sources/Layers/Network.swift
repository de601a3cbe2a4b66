public import ConvNetGraphs
public import ConvNetTensors

/// What a network is given.
public struct NetworkInput: Hashable, Sendable, Codable {
  /// Channels, then height and width (pictures) or width (signals); or features alone.
  public var extents: [Int]

  package init(extents: [Int]) {
    self.extents = extents
  }

  /// Pictures of that size. A model's preparation brings others to it.
  public static func image(height: Int, width: Int, channels: Int) -> NetworkInput {
    NetworkInput(extents: [channels, height, width])
  }

  /// Signals: that many positions, each of so many channels.
  public static func signal(width: Int, channels: Int) -> NetworkInput {
    NetworkInput(extents: [channels, width])
  }

  /// Plain numbers, as for a network of dense layers alone.
  public static func features(_ count: Int) -> NetworkInput {
    NetworkInput(extents: [count])
  }

  /// Of that many examples: [N, C, H, W], [N, C, W] or [N, features].
  public func shape(batch: Int) -> Shape { Shape([batch] + extents) }
}

/// The description of a network: a name, what it is given, and its layers. Has no parameters yet; a
/// ``Model`` has.
///
/// ```swift
/// let network = Network("small", input: .image(height: 28, width: 28, channels: 1)) {
///   Conv2D(8, kernel: 3)
///   ReLU()
///   Flatten()
///   Dense(10)
/// }
/// ```
public struct Network: Sendable {
  /// What it is called in files and reports.
  public var name: String
  /// What it is given: the extents of one example.
  public var input: NetworkInput
  /// In which order pictures are given to it, and ``Flatten`` lays out elements. It does not choose the order in memory,
  /// which is the compiler's.
  public var dataFormat: DataFormat
  /// What an example goes through, in order.
  public var layers: LayerSequence

  /// The name of the input in the graph, and in a run.
  public static let inputName = "image"
  /// The name of the result in the graph, and in a run.
  public static let outputName = "logits"

  /// A network of the layers that are written one below the other. Nothing is checked before it is lowered, or a ``Model``
  /// made of it.
  public init(
    _ name: String, input: NetworkInput, dataFormat: DataFormat = .channelsLast,
    @NetworkBuilder _ body: () -> LayerSequence
  ) {
    self.name = name
    self.input = input
    self.dataFormat = dataFormat
    layers = body()
  }

  /// The network as a graph, and how each of its parameters begins.
  ///
  /// - Throws: ``GraphError`` naming the layer whose input does not fit.
  public func lowered(
    batch: Int = 1
  ) throws(GraphError) -> (graph: Graph, initializers: [String: Initializer]) {
    var builder = LayerBuilder(name: name, dataFormat: dataFormat)
    guard let shape = Shape(checking: [batch] + input.extents), shape.count > 0 else {
      throw GraphError(
        subject: name,
        problem: .attribute(
          name: "input", value: joined([batch] + input.extents),
          requirement: "positive extents that memory can hold"))
    }
    let input = builder.addInput(Self.inputName, shape: shape)
    let output = try builder.append(layers, to: input)
    builder.addOutput(Self.outputName, output)
    return (builder.graph, builder.initializers)
  }

  /// The network as a graph of one batch size.
  public func graph(batch: Int = 1) throws(GraphError) -> Graph {
    try lowered(batch: batch).graph
  }
}
