import ConvNetTensors

extension Graph {
  /// Checks the invariants that every pass must keep: identifiers exist, every value is made once
  /// and before it is read, every recorded type is the one that its operation infers, and what is known by its name alone has
  /// one of its own: inputs, parameters, outputs.
  ///
  /// - Throws: ``GraphError`` naming the first operation or value that breaks one.
  public func verify() throws(GraphError) {
    guard operations.count <= operationLimit else {
      throw GraphError(
        subject: name,
        problem: .invariant(
          "has \(operations.count) operations; there may be \(operationLimit)"))
    }
    for value in values {
      do {
        try value.shape.requireComputable()
      } catch {
        throw GraphError(subject: value.name, problem: error)
      }
    }
    try requireOwnNames(of: "inputs", inputs.map { self[$0].name })
    try requireOwnNames(of: "parameters", parameters.map { self[$0].name })
    try requireOwnNames(of: "outputs", outputs.map(\.name))
    var defined = Set<ValueID>()
    for id in valueIDs where self[id].source != .operation { defined.insert(id) }
    for operation in operations {
      for input in operation.inputs {
        try requireExisting(input, operation.name)
        guard defined.contains(input) else {
          throw GraphError(
            subject: operation.name,
            problem: .invariant("reads \(self[input].name) before it is made"))
        }
      }
      for output in operation.outputs {
        try requireExisting(output, operation.name)
        guard self[output].source == .operation, defined.insert(output).inserted else {
          throw GraphError(
            subject: operation.name,
            problem: .invariant("makes \(self[output].name), which exists already"))
        }
      }
      let types = try inferredTypes(
        operation.kind.attributes, inputs: operation.inputs, name: operation.name)
      guard types == operation.outputs.map({ self[$0].type }) else {
        throw GraphError(
          subject: operation.name,
          problem: .invariant(
            "records \(operation.outputs.map { self[$0].shape }), infers \(types.map(\.shape))"))
      }
    }
    for (id, role) in outputs.map({ ($0.value, "output \($0.name)") })
      + parameterUpdates.flatMap({ [($0.value, "an update"), ($0.parameter, "an update")] })
    {
      try requireExisting(id, name)
      guard defined.contains(id) else {
        throw GraphError(subject: name, problem: .invariant("\(role) is never made"))
      }
    }
    for update in parameterUpdates {
      let parameter = self[update.parameter]
      guard parameter.parameterKind != nil, parameter.type == self[update.value].type else {
        throw GraphError(
          subject: name,
          problem: .invariant(
            "updates \(parameter.name) of shape \(parameter.shape), which is no parameter of the "
              + "type of \(self[update.value].name) of shape \(self[update.value].shape)"))
      }
    }
  }

  private func requireOwnNames(of kind: String, _ names: [String]) throws(GraphError) {
    var known: Set<String> = []
    guard let name = names.first(where: { !known.insert($0).inserted }) else { return }
    throw GraphError(
      subject: self.name,
      problem: .invariant("has several \(kind) of the name \(name); each needs its own"))
  }

  private func requireExisting(_ id: ValueID, _ subject: String) throws(GraphError) {
    guard values.indices.contains(id.index) else {
      throw GraphError(
        subject: subject,
        problem: .invariant("refers to value \(id.index) of \(values.count)"))
    }
  }
}
