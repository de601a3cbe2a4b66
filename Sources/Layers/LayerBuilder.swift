public import ConvNetGraphs
public import ConvNetTensors

/// A graph under construction: gives layers their names, and remembers how each parameter begins.
public struct LayerBuilder {
  public private(set) var graph: Graph
  public private(set) var initializers: [String: Initializer] = [:]
  /// How pictures are given, and in which order ``Flatten`` lays out elements.
  public let dataFormat: DataFormat

  /// The names of the groups around the current layer.
  private var path: [String] = []
  private var usedNames: Set<String> = []
  private var dropouts = 0

  init(name: String, dataFormat: DataFormat) {
    graph = Graph(name: name)
    self.dataFormat = dataFormat
  }

  /// The shape of a value: batch, channels, height, width; or batch, features.
  public func shape(_ value: ValueID) -> Shape { graph[value].shape }

  /// Appends a layer below the current one.
  public mutating func append(
    _ layer: some Layer, to input: ValueID
  ) throws(GraphError) -> ValueID {
    let name = layer.defaultName
    guard !name.isEmpty else { return try layer.append(to: &self, input: input) }
    path.append(uniqueName(for: layer))
    defer { path.removeLast() }
    return try layer.append(to: &self, input: input)
  }

  /// A name given by hand is used as it is the first time; a default name is numbered from 1.
  private mutating func uniqueName(for layer: some Layer) -> String {
    let name = layer.defaultName
    var candidate = layer is Named ? name : name + "1"
    var number = 1
    while !usedNames.insert(LayerPath(path + [candidate]).name).inserted {
      number += 1
      candidate = name + String(number)
    }
    return candidate
  }

  /// The path of the current layer, as in `layer1.0.conv1`.
  public var layerName: String {
    path.isEmpty ? graph.name : LayerPath(path).name
  }

  mutating func addInput(_ name: String, shape: Shape) -> ValueID {
    graph.addInput(name, ValueType(shape))
  }

  mutating func addOutput(_ name: String, _ value: ValueID, auxiliaryWeight: Float? = nil) {
    graph.addOutput(name, value, auxiliaryWeight: auxiliaryWeight)
  }

  /// Adds a parameter of the current layer: `weight` of `conv1` is `conv1.weight`.
  ///
  /// - Throws: ``GraphError`` where an extent is not positive, or there are too many elements.
  public mutating func addParameter(
    _ name: String, _ extents: [Int], _ kind: ParameterKind, initializer: Initializer
  ) throws(GraphError) -> ValueID {
    let fullName = LayerPath(path + [name]).name
    guard let shape = Shape(checking: extents), 1...extentLimit ~= shape.count else {
      throw GraphError(
        subject: fullName,
        problem: .attribute(
          name: "shape", value: joined(extents),
          requirement: "of at least 1 and at most \(extentLimit) elements"))
    }
    initializers[fullName] = initializer
    return graph.addParameter(fullName, shape, kind)
  }

  /// Appends an operation of the current layer; `part` tells apart several of one layer.
  public mutating func append(
    _ attributes: some OperationAttributes, to inputs: ValueID..., part: String? = nil
  ) throws(GraphError) -> ValueID {
    try append(attributes, toAll: inputs, part: part)
  }

  /// Appends an operation of any number of inputs.
  public mutating func append(
    _ attributes: some OperationAttributes, toAll inputs: [ValueID], part: String? = nil
  ) throws(GraphError) -> ValueID {
    let path = LayerPath(path.isEmpty ? [graph.name] : path, part: part)
    return try graph.append(attributes, to: inputs, name: path.name)[0]
  }

  /// A number that no other dropout of the network has.
  mutating func nextDropoutIndex() -> Int {
    dropouts += 1
    return dropouts - 1
  }
}
