import ConvNetGraphs

extension Pass {
  /// Moves operations whose inputs never change between runs into the preparation, which is computed once when the graph is
  /// compiled.
  ///
  /// In inference parameters never change; in training they do, and only constants do not. Refused for results, which a run
  /// must write, and for what is random, which is another at every step.
  public static func constantFolding(for mode: Mode) -> Pass {
    Pass(
      name: "constant-folding",
      purpose: "computes once, at compilation, what is the same at every run",
      rewrite: { (graph: inout Graph) throws(GraphError) in
        graph.foldConstants(mode == .inference ? graph.parameters : [])
      })
  }
}

extension Graph {
  fileprivate mutating func foldConstants(_ unchanging: [ValueID]) {
    var constants = Set(unchanging)
    let results = results
    for index in operations.indices {
      let operation = operations[index]
      guard operation.inputs.allSatisfy(constants.contains), !operation.kind.traits.isRandom,
        !operation.outputs.contains(where: results.contains)
      else { continue }
      operations[index].phase = .preparation
      constants.formUnion(operation.outputs)
    }
  }
}
