public import ConvNetGraphs

/// A rewriting of a graph with one purpose.
public struct Pass: Sendable {
  /// As `convnet explain --after` names it.
  public let name: String
  /// One sentence.
  public let purpose: String
  package let rewrite: @Sendable (inout Graph) throws(GraphError) -> Void

  package init(
    name: String, purpose: String,
    rewrite: @escaping @Sendable (inout Graph) throws(GraphError) -> Void
  ) {
    self.name = name
    self.purpose = purpose
    self.rewrite = rewrite
  }
}

/// The passes that prepare a graph for the engine, in order. The verifier runs after each.
public struct PassPipeline: Sendable {
  /// In the order in which they run.
  public let passes: [Pass]

  package init(_ passes: [Pass]) {
    self.passes = passes
  }

  /// - Parameter recomputation: in training, what the backward pass computes again.
  public init(mode: Mode, recomputation: Recomputation = .normalizations) {
    passes =
      switch mode {
      case .inference:
        [
          .specialization(for: .inference), .deadValueRemoval, .batchNormalizationFolding,
          .additionFusion, .activationFusion, .poolingSimplification, .sharedInputFusion,
          .constantFolding(for: .inference),
        ]
      case .training:
        [
          .specialization(for: .training), .deadValueRemoval, .normalizationFusion, .additionFusion,
          .activationFusion, .recomputation(recomputation), .constantFolding(for: .training),
        ]
      }
  }

  /// The rewritten graph.
  ///
  /// - Parameter observe: is given the graph after each pass.
  /// - Throws: ``GraphError`` where the graph is not well formed, or a pass breaks it.
  public func run(
    on graph: Graph, observe: (Pass, Graph) -> Void = { _, _ in }
  ) throws(GraphError) -> Graph {
    var graph = graph
    try graph.verify()
    for pass in passes {
      try pass.rewrite(&graph)
      do {
        try graph.verify()
      } catch {
        throw GraphError(
          subject: error.subject,
          problem: .invariant("after the pass \(pass.name): \(error.problem)"))
      }
      observe(pass, graph)
    }
    return graph
  }
}
