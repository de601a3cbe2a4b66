import ConvNetGraphs

extension Pass {
  /// Folds an inference batch normalization into the convolution or dense layer before it: the kernel is scaled and the bias
  /// shifted, once, when the graph is compiled.
  ///
  /// Refused where anything else reads the layer's result, where the layer computes more than its sum already, and where the
  /// normalization uses the statistics of the batch.
  public static let batchNormalizationFolding = Pass(
    name: "batch-normalization-folding",
    purpose: "multiplies inference batch normalization into the kernel and bias before it",
    rewrite: { (graph: inout Graph) throws(GraphError) in
      var index = 0
      while index < graph.operations.count {
        try graph.foldBatchNormalization(at: index)
        index += 1
      }
      graph.removeDeadValues()
    })
}

extension Graph {
  /// Folds the normalization at `index`, where it is one and may be folded.
  fileprivate mutating func foldBatchNormalization(at index: Int) throws(GraphError) {
    let operation = operations[index]
    guard case .batchNormalization(let normalization) = operation.kind,
      normalization.form == .inference,
      var layer = soleProducer(of: operation.inputs[0]),
      let folding = FoldableLayer(operations[layer].kind)
    else { return }
    bringForward(operation.inputs[1...4], before: &layer)
    let inputs = operations[layer].inputs
    let kernelAndBias = Array(inputs[1..<(folding.hasBias ? 3 : 2)])
    let foldedValues = [kernelAndBias[0], operation.inputs[1]].enumerated().map { part, like in
      append(
        Value(
          name: "\(operations[layer].name)/folded \(part == 0 ? "kernel" : "bias")",
          type: self[like].type, source: .operation))
    }
    operations[layer].kind = folding.withBias
    operations[layer].inputs = [inputs[0]] + foldedValues
    operations[layer].outputs = operation.outputs
    operations.remove(at: index)
    operations.insert(
      Operation(
        name: "\(operations[layer].name)/fold",
        kind: Operation.FoldedBatchNormalization(
          epsilon: normalization.epsilon, hasBias: folding.hasBias
        ).kind,
        inputs: kernelAndBias + operation.inputs[1...4], outputs: foldedValues), at: layer)
  }

  /// Moves the constants among some values, such as a scale that is not learned, before the
  /// operation at `layer`, which then stands so many places later.
  private mutating func bringForward(_ values: ArraySlice<ValueID>, before layer: inout Int) {
    for value in values {
      guard let index = operations.firstIndex(where: { $0.outputs == [value] }), index > layer,
        operations[index].inputs.isEmpty
      else { continue }
      operations.insert(operations.remove(at: index), at: layer)
      layer += 1
    }
  }

  /// The operation that makes a value which only one operation reads and no result is; `nil` where there is more to it.
  func soleProducer(of value: ValueID) -> Int? {
    guard !results.contains(value),
      operations.reduce(0, { $0 + $1.inputs.count(where: { $0 == value }) }) == 1
    else { return nil }
    return operations.firstIndex { $0.outputs == [value] }
  }
}

/// A layer that a normalization can be folded into: one whose kernel's first axis is the output channel.
private struct FoldableLayer {
  var hasBias: Bool
  var withBias: OperationKind

  init?(_ kind: OperationKind) {
    switch kind {
    case .convolution(var convolution) where convolution.fused.isEmpty:
      hasBias = convolution.hasBias
      convolution.hasBias = true
      withBias = convolution.kind
    case .dense(var dense) where dense.fused.isEmpty:
      hasBias = dense.hasBias
      dense.hasBias = true
      withBias = dense.kind
    default:
      return nil
    }
  }
}
