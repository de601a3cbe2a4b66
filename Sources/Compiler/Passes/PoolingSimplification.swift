import ConvNetGraphs

extension Pass {
  /// Removes poolings that return what they are given, such as the average of a map of one element, and pools before it
  /// activates where that is the same: the largest element stays the largest under a monotone function, and there are
  /// fewer elements afterwards.
  ///
  /// An activation that was fused stays where it is: there it costs nothing. Refused where anything else reads the activation's
  /// result, and where the places of the maxima are recorded.
  public static let poolingSimplification = Pass(
    name: "pooling-simplification",
    purpose: "removes poolings of single elements, and takes maxima before activations",
    rewrite: { (graph: inout Graph) throws(GraphError) in
      var uses = GraphUses(graph)
      var replaced: [ValueID: ValueID] = [:]
      for index in graph.operations.indices {
        graph.operations[index].inputs = graph.operations[index].inputs.map { replaced[$0] ?? $0 }
        if let (old, new) = graph.identity(at: index) {
          replaced[old] = new
          uses.note(replacing: old, with: new)
        }
        graph.poolBeforeActivation(at: index, &uses)
      }
      graph.replaceResults(replaced)
      graph.removeDeadValues()
    })
}

extension Graph {
  /// The value that a pooling makes and the one that it is the same as; `nil` where it does something.
  fileprivate func identity(at index: Int) -> (old: ValueID, new: ValueID)? {
    let operation = operations[index]
    guard operation.outputs.count == 1, let input = operation.inputs.first,
      self[input].source == .operation
    else { return nil }
    let isIdentity =
      switch operation.attributes {
      case let pooling as Operation.MaxPooling:
        isSingleElement(pooling.window, pooling.strides, pooling.padding, operation)
      case let pooling as Operation.AveragePooling:
        isSingleElement(pooling.window, pooling.strides, pooling.padding, operation)
      case is Operation.GlobalPooling:
        self[input].shape == self[operation.outputs[0]].shape
      default: false
      }
    return isIdentity ? (operation.outputs[0], input) : nil
  }

  private func isSingleElement(
    _ window: [Int], _ strides: [Int], _ padding: Padding, _ operation: Operation
  ) -> Bool {
    // Of one element a stride, or windows that only padding adds to, would change the extents.
    (window + strides).allSatisfy { $0 == 1 }
      && self[operation.inputs[0]].shape == self[operation.outputs[0]].shape
  }

  fileprivate mutating func poolBeforeActivation(at index: Int, _ uses: inout GraphUses) {
    let pooling = operations[index]
    guard let attributes = pooling.attributes as? Operation.MaxPooling, !attributes.recordsIndices,
      let producer = uses.soleProducer(of: pooling.inputs[0], in: self),
      let activation = operations[producer].attributes as? Operation.Activation,
      activation.function.isNonDecreasing
    else { return }
    let pooled = append(
      Value(
        name: pooling.name, type: self[pooling.outputs[0]].type, source: .operation))
    values[pooling.outputs[0].index].name = operations[producer].name
    var (first, second) = (pooling, operations[producer])
    first.inputs = second.inputs
    first.outputs = [pooled]
    second.inputs = [pooled]
    second.outputs = pooling.outputs
    operations[producer] = first
    operations[index] = second
    uses.forget(reader: index, of: pooling.inputs[0])
    uses.note(producer: producer, of: pooled)
    uses.note(reader: index, of: pooled)
  }
}
