public import ConvNetGraphs
public import ConvNetTensors

/// What a layer is to the one that appends it, which decides where tables print it: see ``StageRow``.
public enum LayerRole: Hashable, Sendable {
  /// A part, which is called by its name.
  case part
  /// One of a sequence that is called by numbers: a layer that stands alone, in a row of its own, unless it is made of others.
  case element
  /// One of several that are given the same input: all of its layers are one block of their stage.
  case branch
  /// Brings the input of a block to the shape of its result, which tables do not print.
  case shortcut
}

/// A graph under construction: gives layers their names, and remembers how each parameter begins.
public struct LayerBuilder {
  /// The graph so far.
  public private(set) var graph: Graph
  /// How each parameter of the graph begins, by its name.
  public private(set) var initializers: [String: Initializer] = [:]
  /// How pictures are given, and in which order ``Flatten`` lays out elements.
  public let dataFormat: DataFormat

  /// The names of the groups around the current layer, and its own.
  private var path: [String] = []
  /// Of the innermost of these.
  private var innermostRole = LayerRole.part
  /// The branch of a stage that the current layer is in.
  private var branch: Int?
  private var isInShortcut = false
  private var usedNames: Set<String> = []
  private var branches = 0
  private var dropouts = 0

  init(name: String, dataFormat: DataFormat) {
    graph = Graph(name: name)
    self.dataFormat = dataFormat
  }

  /// The shape of a value: batch, channels, height, width; or batch, features.
  public func shape(_ value: ValueID) -> Shape { graph[value].shape }

  /// Appends a layer below the current one.
  public mutating func append(
    _ layer: some Layer, to input: ValueID, as role: LayerRole = .part
  ) throws(GraphError) -> ValueID {
    let outer = (role: innermostRole, branch: branch, isInShortcut: isInShortcut)
    defer { (innermostRole, branch, isInShortcut) = outer }
    if role == .shortcut { isInShortcut = true }
    // Of a stage: branches within a block are parts of that.
    if role == .branch, path.count == 1, branch == nil {
      branch = branches
      branches += 1
    }
    guard !layer.defaultName.isEmpty else { return try layer.append(to: &self, input: input) }
    innermostRole = role
    path.append(try uniqueName(for: layer))
    defer { path.removeLast() }
    return try layer.append(to: &self, input: input)
  }

  /// A name given by hand is used as it is; a default name is numbered from 1.
  ///
  /// - Throws: ``GraphError`` where another layer has the name that was given by hand.
  private mutating func uniqueName(for layer: some Layer) throws(GraphError) -> String {
    let name = layer.defaultName
    if layer is Named {
      let whole = LayerPath(path + [name]).name
      guard usedNames.insert(whole).inserted else {
        throw GraphError(
          subject: whole,
          problem: .invariant(
            "is the name of two layers of \(graph.name), and their parameters would be told apart by nothing; give one of them another"
          ))
      }
      return name
    }
    var candidate = name + "1"
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
    let name = LayerPath(path.isEmpty ? [graph.name] : path, part: part).name
    return try graph.append(
      attributes, to: inputs, name: name, tablePlace: tablePlace(isPart: part != nil))[0]
  }

  /// Of an operation of the current layer, or of one of several.
  private func tablePlace(isPart: Bool) -> TablePlace {
    let isAlone = path.count < 2 || (path.count == 2 && innermostRole == .element)
    return TablePlace(
      stage: isAlone && !isPart ? nil : path.first ?? graph.name,
      block: branch.map(TablePlace.Block.branch)
        ?? (path.count > 1 ? .named(path[1]) : nil),
      isListed: !isPart && !isInShortcut)
  }

  /// A number that no other dropout of the network has.
  mutating func nextDropoutIndex() -> Int {
    dropouts += 1
    return dropouts - 1
  }
}
