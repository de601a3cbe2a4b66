import ConvNetGraphs

extension Pass {
  /// Removes poolings that return what they are given, such as the average of a map of one element, and pools before it
  /// activates where that is the same: the largest element stays the largest under a function that never falls, and there are
  /// fewer elements afterwards.
  ///
  /// An activation that was fused stays where it is: there it costs nothing. Refused where anything else reads the activation's
  /// result, and where the places of the maxima are recorded.
  public static let poolingSimplification = Pass(
    name: "pooling-simplification",
    purpose: "removes poolings of single elements, and takes maxima before activations",
    rewrite: { (graph: inout Graph) throws(GraphError) in
      for index in graph.operations.indices {
        graph.removeIdentity(at: index)
        graph.poolBeforeActivation(at: index)
      }
      graph.removeDeadValues()
    })
}

extension Graph {
  fileprivate mutating func removeIdentity(at index: Int) {
    let operation = operations[index]
    guard operation.outputs.count == 1, let input = operation.inputs.first,
      self[input].source == .operation
    else { return }
    let isIdentity =
      switch operation.kind {
      case .maxPooling(let pooling):
        isSingleElement(pooling.window, pooling.strides, pooling.padding, operation)
      case .averagePooling(let pooling):
        isSingleElement(pooling.window, pooling.strides, pooling.padding, operation)
      case .globalPooling:
        self[input].shape == self[operation.outputs[0]].shape
      default: false
      }
    if isIdentity { replaceUses(of: operation.outputs[0], with: input) }
  }

  private func isSingleElement(
    _ window: [Int], _ strides: [Int], _ padding: Padding, _ operation: Operation
  ) -> Bool {
    // Of one element a stride, or windows that only padding adds to, would change the extents.
    (window + strides).allSatisfy { $0 == 1 }
      && self[operation.inputs[0]].shape == self[operation.outputs[0]].shape
  }

  fileprivate mutating func poolBeforeActivation(at index: Int) {
    let pooling = operations[index]
    guard case .maxPooling(let attributes) = pooling.kind, !attributes.recordsIndices,
      let producer = soleProducer(of: pooling.inputs[0]),
      case .activation(let activation) = operations[producer].kind,
      activation.function.isNonDecreasing
    else { return }
    let pooled = append(
      Value(
        name: pooling.name, type: self[pooling.outputs[0]].type, source: .operation))
    values[pooling.outputs[0].index].name = operations[producer].name
    let activated = Operation(
      name: operations[producer].name, kind: activation.kind, inputs: [pooled],
      outputs: pooling.outputs)
    operations[producer] = Operation(
      name: pooling.name, kind: pooling.kind, inputs: operations[producer].inputs,
      outputs: [pooled])
    operations[index] = activated
  }
}
