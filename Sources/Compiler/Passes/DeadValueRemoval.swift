public import ConvNetGraphs

extension Pass {
  /// Removes operations whose results nobody reads, and values and parameters that no operation is left to use. Inputs
  /// stay: a caller writes them.
  public static let deadValueRemoval = Pass(
    name: "dead-value-removal",
    purpose: "removes operations, values and parameters that no output depends on",
    rewrite: { (graph: inout Graph) throws(GraphError) in graph.removeDeadValues() })
}

extension Graph {
  /// The graph without the classifiers at its side, which inference does not run.
  public var withoutAuxiliaries: Graph {
    var graph = self
    graph.outputs.removeAll { $0.auxiliaryWeight != nil }
    graph.removeDeadValues()
    return graph
  }

  package mutating func removeDeadValues() {
    var live = results
    var kept: [Operation] = []
    for operation in operations.reversed() where operation.outputs.contains(where: live.contains) {
      live.formUnion(operation.inputs)
      live.formUnion(operation.outputs)
      kept.append(operation)
    }
    operations = kept.reversed()
    live.formUnion(inputs)
    live.formUnion(parameterUpdates.map(\.parameter))
    renumber(keeping: live)
  }

  private mutating func renumber(keeping live: Set<ValueID>) {
    var identifiers: [ValueID: ValueID] = [:]
    var survivors: [Value] = []
    for id in valueIDs where live.contains(id) {
      identifiers[id] = ValueID(survivors.count)
      survivors.append(self[id])
    }
    // Every identifier below is live by construction, so it has a new number.
    func new(_ id: ValueID) -> ValueID { identifiers[id] ?? id }
    values = survivors
    for index in operations.indices {
      operations[index].inputs = operations[index].inputs.map(new)
      operations[index].outputs = operations[index].outputs.map(new)
    }
    for index in outputs.indices { outputs[index].value = new(outputs[index].value) }
    parameterUpdates = parameterUpdates.map {
      ParameterUpdate(parameter: new($0.parameter), value: new($0.value))
    }
  }
}
