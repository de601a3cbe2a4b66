/// How each operator becomes operations of ours: one file a family.
enum ONNXOperators {
  typealias Reader = @Sendable (ONNXCall) throws -> [ONNXOperand]

  /// Of ONNX's own domain, by their names.
  static let table: [String: Reader] = [
    convolutions, poolings, normalizations, activations, arithmetic, comparisons, products, shapes,
    indexing,
    reductions, resamplings, quantizations,
  ].reduce(into: [:]) { table, family in table.merge(family) { first, _ in first } }

  static func results(of call: ONNXCall) throws -> [ONNXOperand] {
    guard let reader = table[call.node.kind] else {
      throw ONNXError.Problem.unsupportedOperators([
        .init(name: call.node.kind, nodes: [call.node.label])
      ])
    }
    return try reader(call)
  }

  /// - Throws: ``ONNXError/Problem/unsupportedOperators(_:)`` with all that are not read.
  static func requireAll(_ nodes: [ONNXNode], version: Int) throws(ONNXError.Problem) {
    var missing: [String: [String]] = [:]
    for node in nodes {
      guard node.domain.isEmpty else {
        missing["\(node.domain).\(node.kind)", default: []].append(node.label)
        continue
      }
      if table[node.kind] == nil, !folded.contains(node.kind) {
        missing[node.kind, default: []].append(node.label)
      }
    }
    guard missing.isEmpty else {
      throw .unsupportedOperators(
        missing.sorted { $0.key < $1.key }.map { name, nodes in
          .init(
            name: name, nodes: nodes,
            reason: ["If", "Loop", "Scan"].contains(name)
              ? "which decides at every run what is computed" : nil)
        })
    }
  }

  /// Those that are known while a file is read, or not at all.
  private static let folded: Set<String> = [
    "Constant", "Shape", "Size", "ConstantOfShape", "Range",
  ]
}
