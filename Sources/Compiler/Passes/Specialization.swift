public import ConvNetGraphs
import ConvNetTensors

extension Pass {
  /// Gives every operation the form that it has in a mode.
  ///
  /// Inference: dropout and auxiliary outputs go, batch normalization uses its moving averages. Training: batch
  /// normalization computes the statistics of the batch and updates its moving averages with them. A graph that is in its
  /// form already stays as it is.
  public static func specialization(for mode: Mode) -> Pass {
    Pass(
      name: "specialization",
      purpose: "gives batch normalization, dropout and auxiliary outputs the form of the mode",
      rewrite: { (graph: inout Graph) throws(GraphError) in
        switch mode {
        case .inference: graph.specializeForInference()
        case .training: try graph.specializeForTraining()
        }
      })
  }
}

extension Graph {
  /// The graph in the form of a mode: what ``Pass/specialization(for:)`` makes, for a caller that appends a loss.
  public func specialized(for mode: Mode) throws(GraphError) -> Graph {
    var graph = self
    try Pass.specialization(for: mode).rewrite(&graph)
    return graph
  }

  /// The graph in the form of training, in which some batch normalizations neither read the batch nor change their running
  /// statistics.
  ///
  /// - Parameter frozen: the names of their running means.
  package func specializedForTraining(freezingStatistics frozen: Set<String>) throws(GraphError)
    -> Graph
  {
    var graph = self
    for index in graph.operations.indices {
      guard
        var normalization = graph.operations[index].attributes as? Operation.BatchNormalization,
        normalization.form == .inference,
        frozen.contains(self[graph.operations[index].inputs[3]].name)
      else { continue }
      normalization.form = .frozen
      graph.operations[index].kind = normalization.kind
    }
    return try graph.specialized(for: .training)
  }

  /// Lets the operations after each dropout read what it is given.
  package mutating func removeDropout() {
    var replaced: [ValueID: ValueID] = [:]
    for index in operations.indices {
      operations[index].inputs = operations[index].inputs.map { replaced[$0] ?? $0 }
      if operations[index].kind.traits.isIdentityInInference {
        replaced[operations[index].outputs[0]] = operations[index].inputs[0]
      }
    }
    replaceResults(replaced)
  }

  fileprivate mutating func specializeForInference() {
    outputs.removeAll { $0.auxiliaryWeight != nil }
    parameterUpdates = []
    removeDropout()
  }

  fileprivate mutating func specializeForTraining() throws(GraphError) {
    for index in operations.indices {
      let operation = operations[index]
      guard var normalization = operation.attributes as? Operation.BatchNormalization,
        normalization.form == .inference
      else { continue }
      normalization.form = .training
      let input = self[operation.inputs[0]].shape
      let statistics = ["mean", "variance"].map { name in
        append(
          Value(
            name: "\(operation.name)/batch \(name)", type: ValueType([input[1]]),
            source: .operation))
      }
      operations[index].kind = normalization.kind
      operations[index].outputs += statistics
      let samples = Float(input.count / input[1])
      for (statistic, running) in zip(statistics, operation.inputs[3...4]) {
        let isSampleVariance =
          normalization.runningVariance == .sample
          && self[running].parameterKind == .runningVariance
        let average = try append(
          Operation.MovingAverage(
            momentum: normalization.momentum,
            correction: isSampleVariance && samples > 1 ? samples / (samples - 1) : 1),
          to: running, statistic, name: self[running].name + "/moving average")
        parameterUpdates.append(ParameterUpdate(parameter: running, value: average))
      }
    }
  }
}
