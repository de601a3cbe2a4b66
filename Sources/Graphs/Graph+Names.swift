extension Graph {
  /// The value that a name means: an output's; else the value of that name; else what the operation of that name makes; else
  /// what the last operation of that layer makes, of `layer4` the result of `layer4.1.relu2`.
  ///
  /// - Returns: `nil` where nothing has the name.
  public func value(meantBy name: String) -> ValueID? {
    if let output = outputs.first(where: { $0.name == name }) { return output.value }
    if let value = value(named: name), self[value].parameterKind == nil { return value }
    let path = LayerPath(name)
    return operations.last { $0.name == name || $0.path.isWithin(path) }?.outputs.first
  }

  /// The names that ``value(meantBy:)`` knows: of outputs, inputs, operations, and the layers that these are of.
  public var valueNames: [String] {
    var names: [String] = []
    var known: Set<String> = []
    func add(_ name: String) {
      if known.insert(name).inserted { names.append(name) }
    }
    for output in outputs { add(output.name) }
    for input in inputs { add(self[input].name) }
    for operation in operations {
      for layer in operation.path.enclosing { add(layer.name) }
      add(operation.name)
    }
    return names
  }
}
